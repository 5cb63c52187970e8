import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.pipelines import eager

# Cheap to trace; that engines make the same pixels of every op is tested elsewhere.
RECIPE = "brightness"
Load = Callable[..., Any]
# The images of each epoch, by their ids.
Epochs = list[dict[bytes, bytes]]


@pytest.fixture(params=["eager", "graph"])
def load(data_dir: str, request: pytest.FixtureRequest) -> Load:
    return loader(data_dir, request.param)


def loader(data_dir: str, engine: str) -> Load:
    def load(
        recipe: str = RECIPE, split: Any = "train", builder_kwargs: Any = None, **kwargs: Any
    ) -> Any:
        return tfds.load(
            f"cifar10_aug/{recipe}",
            split=split,
            data_dir=data_dir,
            builder_kwargs={"engine": engine, **(builder_kwargs or {})},
            **kwargs,
        )

    return load


def by_id(batches: Any) -> dict[bytes, bytes]:
    """The image of each example of a dataset or of batches, whatever the batching and order."""
    if isinstance(batches, tf.data.Dataset):
        batches = batches.as_numpy_iterator()
    found = {}
    for example in batches:
        ids, images = np.atleast_1d(example["id"]), example["image"]
        images = images.reshape(-1, 32, 32, 3)
        for name, image in zip(ids, images, strict=True):
            assert name not in found
            found[name] = image.tobytes()
    return found


def named(images: np.ndarray, split: str = "train") -> dict[bytes, bytes]:
    """All images of a split, as `by_id` gives them."""
    return {f"{split}_{i:05d}".encode(): image.tobytes() for i, image in enumerate(images)}


@pytest.fixture(scope="module")
def expected(made: Any) -> Epochs:
    """The first two epochs, as the recipe makes them of arrays."""
    recipe = cifar10_aug.Recipe.parse(RECIPE)
    return [named(recipe(made.train_images, seed=0, epoch=epoch)) for epoch in range(2)]


WAYS: dict[str, dict[str, Any]] = {
    "batches": {"batch_size": 16},
    "batches that divide": {"batch_size": 20},
    "one batch": {"batch_size": 1000},
    "batches of one": {"batch_size": 1},
    "shuffled": {"shuffle_files": True, "batch_size": 7},
    "shuffled singly": {"shuffle_files": True},
    "no prefetch": {"read_config": tfds.ReadConfig(skip_prefetch=True)},
    "other order": {"shuffle_files": True, "read_config": tfds.ReadConfig(shuffle_seed=9)},
}


# Graphs take long to build; a graph's batches differ by these only.
OF_GRAPHS = ["batches that divide", "one batch", "shuffled", "shuffled singly"]


@pytest.mark.parametrize(
    ("engine", "way"), [*(("eager", way) for way in WAYS), *(("graph", way) for way in OF_GRAPHS)]
)
def test_how_it_is_read_changes_no_pixel(
    engine: str, way: str, data_dir: str, expected: Epochs
) -> None:
    ds = loader(data_dir, engine)(**WAYS[way])
    size = WAYS[way].get("batch_size")
    shape = [] if size is None else [None if 100 % size else size]
    assert ds.element_spec["image"].shape.as_list() == [*shape, 32, 32, 3]
    for epoch in expected:
        batches = list(ds.as_numpy_iterator())
        assert len(batches) == len(ds) == -(-100 // (size or 1))
        assert by_id(batches) == epoch


def test_slices_have_the_pixels_of_the_whole(load: Load, expected: Epochs) -> None:
    for split, count in (("train[:10%]+train[90:]", 20), ("train[20:30]+train[40%:60%]", 30)):
        part = by_id(load(split=split))
        assert part == {name: expected[0][name] for name in part}
        assert len(part) == count


def test_repeat_gives_the_epochs_in_order(load: Load, expected: Epochs) -> None:
    repeated = list(load().repeat(2).as_numpy_iterator())
    assert [by_id(repeated[:100]), by_id(repeated[100:])] == expected
    assert np.mean([expected[0][name] != expected[1][name] for name in expected[0]]) > 0.99


def test_a_partial_epoch_counts_as_one(load: Load, expected: Epochs) -> None:
    ds = load()
    next(iter(ds))
    assert by_id(ds) == expected[1]


def test_seeds_differ(load: Load, made: Any, expected: Epochs) -> None:
    seven = by_id(load(builder_kwargs={"seed": 7}))
    assert seven == named(cifar10_aug.Recipe.parse(RECIPE)(made.train_images, seed=7))
    assert np.mean([seven[name] != expected[0][name] for name in seven]) > 0.99


def test_no_seed_is_fresh_entropy(data_dir: str) -> None:
    builders = [Builder(config="rotate", data_dir=data_dir, seed=None) for _ in range(2)]
    assert builders[0].seed != builders[1].seed
    again = Builder(config="rotate", data_dir=data_dir, seed=builders[0].seed)
    assert by_id(again.as_dataset("train")) == by_id(builders[0].as_dataset("train"))


def test_users_global_seeds_change_nothing(load: Load, expected: Epochs) -> None:
    tf.keras.utils.set_random_seed(5)
    try:
        assert by_id(load()) == expected[0]
    finally:
        tf.random.set_seed(None)


def test_test_images_are_clean(load: Load, made: Any) -> None:
    assert by_id(load(split="test")) == named(made.test_images, "test")


def test_value_ranges_apply_to_every_split(load: Load, made: Any) -> None:
    ds = load(f"{RECIPE}+rescale", split="test", batch_size=20)
    images = next(iter(ds))["image"].numpy()
    np.testing.assert_allclose(images, made.test_images / 255, atol=1e-7)


def test_other_splits_are_augmented_on_request(load: Load, made: Any) -> None:
    kwargs = {"augment_splits": ["test"]}
    test = by_id(load(split="test", builder_kwargs=kwargs))
    images = cifar10_aug.Recipe.parse(RECIPE)(
        made.test_images, ids=[f"test_{i:05d}" for i in range(20)]
    )
    assert test == named(images, "test")
    train = by_id(load(split="train", builder_kwargs=kwargs))
    assert train[b"train_00003"] == made.train_images[3].tobytes()


def test_a_validation_part_of_the_training_split_is_clean(
    load: Load, made: Any, expected: Epochs
) -> None:
    clean, augmented = named(made.train_images), expected[0]
    images = [*augmented.items()][:80] + [*clean.items()][80:]
    kwargs = {"augment_splits": ["train[:80%]"]}
    for split, first, stop in (("[:80%]", 0, 80), ("[80%:]", 80, 100), ("[70%:90%]", 70, 90)):
        found = by_id(load(split=f"train{split}", builder_kwargs=kwargs))
        assert found == dict(images[first:stop])


def test_a_sum_of_splits_treats_each_as_itself(load: Load, made: Any, expected: Epochs) -> None:
    both = by_id(load(split="train+test", shuffle_files=True, batch_size=32))
    assert both == expected[0] | named(made.test_images, "test")


def order_of(ds: tf.data.Dataset) -> list[bytes]:
    return [example["id"] for example in ds.as_numpy_iterator()]


def test_official_order_without_shuffling(load: Load, made: Any) -> None:
    ds = load("plain")
    assert order_of(ds) == order_of(ds) == list(named(made.train_images))


def test_shuffling_is_a_full_permutation_each_epoch(load: Load) -> None:
    ds = load("plain", shuffle_files=True)
    orders = [order_of(ds) for _ in range(3)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    # Full: the first of them come from anywhere.
    places = [int(name[-5:]) for name in orders[0][:20]]
    assert min(places) < 30
    assert max(places) > 70
    assert order_of(load("plain", shuffle_files=True)) == orders[0]


def test_the_order_can_be_seeded_and_kept(load: Load) -> None:
    def orders(**kwargs: Any) -> list[list[bytes]]:
        ds = load("plain", shuffle_files=True, read_config=tfds.ReadConfig(**kwargs))
        return [order_of(ds) for _ in range(2)]

    seeded = orders(shuffle_seed=1)
    assert orders(shuffle_seed=1) == seeded
    assert orders(shuffle_seed=2)[0] != seeded[0]
    kept = orders(shuffle_reshuffle_each_iteration=False)
    assert kept[0] == kept[1]


def test_input_pipelines_share_the_examples_out(load: Load, made: Any, expected: Epochs) -> None:
    shares = [
        by_id(
            load(
                split="train[:50%]+test",
                shuffle_files=True,
                read_config=tfds.ReadConfig(input_context=tf.distribute.InputContext(3, i)),
            )
        )
        for i in range(3)
    ]
    whole = dict(list(expected[0].items())[:50]) | named(made.test_images, "test")
    assert {name: image for share in shares for name, image in share.items()} == whole
    assert sorted(map(len, shares)) == [23, 23, 24]


def test_repeated_files_never_end(load: Load, expected: Epochs) -> None:
    ds = load(batch_size=50, read_config=tfds.ReadConfig(repeat_filenames=True))
    batches = list(ds.take(4).as_numpy_iterator())
    assert [by_id(batches[:2]), by_id(batches[2:])] == expected


@pytest.mark.parametrize("recipe", ["plain", RECIPE, "normalize"])
@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_elements_are_what_info_says(data_dir: str, recipe: str, engine: str) -> None:
    builder = tfds.builder(f"cifar10_aug/{recipe}", data_dir=data_dir, engine=engine)
    features = builder.info.features
    for ds in builder.as_dataset(split=["train+test", "test"]):
        assert ds.element_spec["image"] == tf.TensorSpec((32, 32, 3), features["image"].tf_dtype)
        assert ds.element_spec["label"] == tf.TensorSpec((), tf.int64)
        assert ds.element_spec["id"] == tf.TensorSpec((), tf.string)
        example = next(iter(ds))
        assert example["image"].dtype == features["image"].tf_dtype


def test_supervised_pairs(load: Load, made: Any) -> None:
    images, labels = next(iter(load("plain", batch_size=100, as_supervised=True)))
    assert (images.numpy() == made.train_images).all()
    assert (labels.numpy() == made.train_labels).all()


def test_everything_at_once(load: Load, made: Any, expected: Epochs) -> None:
    train, test = load(split=["train", "test"], batch_size=-1)
    assert by_id([{name: values.numpy() for name, values in train.items()}]) == expected[0]
    assert train["id"].numpy()[99] == b"train_00099"
    assert (train["label"].numpy() == made.train_labels).all()
    assert (test["image"].numpy() == made.test_images).all()


def test_splits_come_in_the_structure_that_was_asked_for(load: Load) -> None:
    assert set(load("plain", split=None)) == {"train", "test"}
    nested = load("plain", split={"a": "train[:5]", "b": ["test", "train[5:7]"]})
    assert [len(nested["a"]), len(nested["b"][0]), len(nested["b"][1])] == [5, 20, 2]
    instruction = tfds.core.ReadInstruction("train", to=10, unit="%")
    assert len(load("plain", split=instruction)) == 10


def test_tfds_ids_are_those_of_the_files(load: Load, data_dir: str) -> None:
    ds = load("plain", read_config=tfds.ReadConfig(add_tfds_id=True))
    ours = [example["tfds_id"] for example in ds.as_numpy_iterator()]
    stock = tfds.builder_from_directory(f"{data_dir}/cifar10_aug/plain/1.0.0").as_dataset(
        split="train", read_config=tfds.ReadConfig(add_tfds_id=True)
    )
    assert ours == [example["tfds_id"] for example in stock.as_numpy_iterator()]


@pytest.mark.parametrize("load", ["eager"], indirect=True)
def test_tfds_helpers_take_it(load: Load) -> None:
    matplotlib.use("Agg")
    ds, info = load("rotate+normalize", with_info=True)
    assert next(iter(tfds.as_numpy(ds)))["image"].shape == (32, 32, 3)
    frame = tfds.as_dataframe(ds.take(3), info)
    assert list(frame["label"]) == [int(e["label"]) for e in load("plain").take(3)]
    assert frame._repr_html_().count("<img") == 3
    plain, info = load("rotate", with_info=True)
    figure = tfds.show_examples(plain, info, rows=2, cols=2)
    assert len(figure.axes) == 4


def digest(batch: Any) -> str:
    return hashlib.sha256(batch["image"].numpy()).hexdigest() + str(batch["id"].numpy())


# Before anything is read, within an epoch, at its end, after the end, in the third epoch.
CHECKPOINTS = [
    *(("eager", False, *how) for how in ((16, 0), (16, 5), (20, 5), (16, 11), (None, 11))),
    *(("eager", True, *how) for how in ((16, 0), (16, 1), (20, 5), (20, 11), (16, 16))),
    *(("graph", True, 16, 11), ("graph", True, 20, 5), ("graph", False, None, 5)),
]


@pytest.mark.parametrize(("engine", "repeat", "batch_size", "taken"), CHECKPOINTS)
def test_a_checkpointed_iterator_goes_on_where_it_was(
    data_dir: str, tmp_path: Path, engine: str, repeat: bool, batch_size: int | None, taken: int
) -> None:
    load = loader(data_dir, engine)

    def make() -> tf.data.Dataset:
        ds = load(batch_size=batch_size, shuffle_files=True)
        return ds.repeat() if repeat else ds

    def rest(iterator: Any) -> list[str]:
        return [digest(batch) for _, batch in zip(range(20), iterator, strict=False)]

    iterator = iter(make())
    for _ in zip(range(taken), iterator, strict=False):
        pass
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "checkpoint"))
    expected = rest(iterator)
    restored = iter(make())
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert rest(restored) == expected


def test_user_options_are_kept(load: Load, expected: Epochs) -> None:
    options = tf.data.Options()
    options.threading.private_threadpool_size = 3
    options.deterministic = False
    ds = load(read_config=tfds.ReadConfig(options=options))
    assert ds.options().threading.private_threadpool_size == 3
    assert ds.options().deterministic is False
    assert by_id(ds) == expected[0]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"batch_size": 0},
            "batch_size is 0; give a positive whole number, None for single examples or -1 for "
            "everything at once",
        ),
        (
            {"batch_size": 64.0},
            "batch_size is 64.0; give a positive whole number, None for single examples or -1 for "
            "everything at once",
        ),
        (
            {"batch_size": "64"},
            "batch_size is '64'; give a positive whole number, None for single examples or -1 for "
            "everything at once",
        ),
        (
            {"decoders": {"image": tfds.decode.SkipDecoding()}},
            "decoders must be None, since images are decoded already; leave decoders out and "
            "use .map() on the dataset",
        ),
        ({"split": "train[50:50]"}, "split 'train[50:50]' has no examples; name a larger one"),
        (
            {
                "split": "train[:2]",
                "read_config": tfds.ReadConfig(input_context=tf.distribute.InputContext(3, 2)),
            },
            "split 'train[:2]' has no examples for input pipeline 2; name a larger one",
        ),
        (
            {"shuffle_files": True, "read_config": tfds.ReadConfig(shuffle_seed=-1)},
            "shuffle_seed is -1; give a whole number from 0 to 18446744073709551615",
        ),
    ],
)
def test_wrong_arguments_are_named(load: Load, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        load(**kwargs)
    assert str(error.value) == message


def test_no_function_is_optimised_when_an_epoch_begins(
    data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """See `plain_functions`: TensorFlow leaves functions with this attribute as they are."""
    # What keeps pipelines from being serialised, as they are here.
    monkeypatch.setattr(eager, "in_this_process", lambda why: tf.constant(True))
    variant = tf.data.experimental.to_variant(loader(data_dir, "eager")(split="train[:8]"))
    serialised = tf.raw_ops.DatasetToGraphV2(input_dataset=variant, external_state_policy=1)
    graph = tf.compat.v1.GraphDef.FromString(serialised.numpy())
    called = {node.attr["f"].func.name for node in graph.node if "f" in node.attr}
    functions = [one for one in graph.library.function if one.signature.name in called]
    assert len(functions) == 3
    assert all(one.attr["experimental_ints_on_device"].b for one in functions)


def test_the_last_batch_of_a_block_does_not_keep_the_block(
    data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = Buffers()
    monkeypatch.setattr(eager, "_BLOCKS", blocks)
    monkeypatch.setattr(eager, "_IMAGES_A_CALL", 30)
    in_block = []
    for image, _ in loader(data_dir, "eager")(split="train", batch_size=10, as_supervised=True):
        memory = np.asarray(memoryview(image))
        in_block.append(any(np.shares_memory(memory, kept) for kept in blocks._kept))
    assert in_block == [True, True, False] * 3 + [False]
