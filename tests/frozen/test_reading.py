import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow.python.data.ops import debug_mode

import cifar10_aug
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.frozen import shuffled_order
from tests.frozen.freezing import CONFIG, RECIPE

Load = Callable[..., Any]


@pytest.fixture
def load(frozen_dir: Path) -> Load:
    def load(split: Any = "train", **kwargs: Any) -> Any:
        return tfds.load(f"cifar10_aug/{CONFIG}", split=split, data_dir=frozen_dir, **kwargs)

    return load


@pytest.fixture(scope="module")
def epochs(made: Any) -> np.ndarray:
    """uint8 [3 · 100, 32, 32, 3]."""
    recipe = cifar10_aug.Recipe.parse(RECIPE)
    return np.concatenate([recipe(made.train_images, epoch=k) for k in range(3)])


def images(ds: tf.data.Dataset) -> np.ndarray:
    return np.concatenate([e["image"].reshape(-1, 32, 32, 3) for e in ds.as_numpy_iterator()])


@pytest.mark.parametrize("batch_size", [None, 1, 7, 100, 1000])
def test_batches_come_in_order(batch_size: int | None, load: Load, epochs: np.ndarray) -> None:
    ds = load(batch_size=batch_size)
    assert (images(ds) == epochs).all()
    assert len(ds) == -(-300 // (batch_size or 1))
    assert ds.element_spec["image"].shape.as_list()[-3:] == [32, 32, 3]


@pytest.mark.parametrize(
    ("split", "rows"),
    [
        ("train[:100]", range(100)),
        ("train[37:41]", range(37, 41)),
        ("train[-10%:]", range(270, 300)),
        ("train[90:110]+train[:5]", [*range(90, 110), *range(5)]),
        (tfds.core.ReadInstruction("train", from_=50, to=60, unit="%"), range(150, 180)),
    ],
)
def test_slices_are_slices(split: Any, rows: Any, load: Load, epochs: np.ndarray) -> None:
    for batch_size in (None, 8):
        assert (images(load(split, batch_size=batch_size)) == epochs[list(rows)]).all()


def test_all_splits_at_once(load: Load) -> None:
    both = load(None, batch_size=16)
    assert {name: len(ds) for name, ds in both.items()} == {"train": 19, "test": 2}


def test_whole_batches_are_parsed(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    parse = tf.io.parse_example

    def counted(records: tf.Tensor, spec: Any) -> Any:
        def note(batch: np.ndarray) -> np.ndarray:
            sizes.append(len(batch))
            return batch

        noted = tf.numpy_function(note, [records], tf.string)
        return parse(tf.ensure_shape(noted, [None]), spec)

    monkeypatch.setattr(tf.io, "parse_example", counted)
    monkeypatch.setattr(tf.io, "parse_single_example", None)
    for batch_size, expected in ((None, [300]), (32, [12] + [32] * 9)):
        sizes.clear()
        images(load(batch_size=batch_size))
        assert sorted(sizes) == expected


def test_as_supervised_gives_pairs(load: Load, epochs: np.ndarray, made: Any) -> None:
    ds = load(batch_size=50, as_supervised=True)
    found = list(ds.as_numpy_iterator())
    assert (np.concatenate([image for image, _ in found]) == epochs).all()
    assert np.concatenate([label for _, label in found]).tolist() == made.train_labels.tolist() * 3


def test_everything_at_once(load: Load, epochs: np.ndarray) -> None:
    assert (load(batch_size=-1)["image"].numpy() == epochs).all()


def test_shuffling_is_new_each_epoch_and_the_same_each_time(load: Load, epochs: np.ndarray) -> None:
    def orders(**kwargs: Any) -> list[np.ndarray]:
        ds = load(batch_size=32, shuffle_files=True, **kwargs)
        return [images(ds) for _ in range(2)]

    one, again, other = orders(), orders(), orders(read_config=tfds.ReadConfig(shuffle_seed=3))
    assert (np.array(one) == np.array(again)).all()
    assert (one[0] != one[1]).any()
    assert (one[0] != other[0]).any()
    expected = sorted(image.tobytes() for image in epochs)
    for order in (*one, *other):
        assert sorted(image.tobytes() for image in order) == expected
        # Also within the shards of 20.
        assert sum((order[i] == epochs[i - 1]).all() for i in range(300)) < 20


def test_shuffled_epochs_are_counted_when_they_are_read(load: Load, tmp_path: Path) -> None:
    # Else TensorFlow itself reads an epoch of three batches to its end, ahead of the user.
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False
    config = tfds.ReadConfig(options=options)

    def make() -> tf.data.Dataset:
        return load(batch_size=100, shuffle_files=True, read_config=config)

    ds = make()
    orders = [images(ds) for _ in range(3)]
    for read in (0, 2, 3):
        ds = make()
        opened = [iter(ds) for _ in range(3)]
        for _ in range(read):
            next(opened[1])
        saved = tf.train.Checkpoint(iterator=opened[1]).write(str(tmp_path / str(read)))
        ds = make()
        iterator = iter(ds)
        tf.train.Checkpoint(iterator=iterator).read(saved).assert_consumed()
        rest = [batch["image"].numpy() for batch in iterator]
        assert len(rest) == 3 - read
        if rest:
            assert (np.concatenate(rest) == orders[0][100 * read :]).all()
        assert (images(ds) == orders[1]).all()
        assert (images(ds) == orders[2]).all()


def test_a_damaged_record_does_not_keep_the_rest_from_being_read(load: Load) -> None:
    ds = load(read_config=tfds.ReadConfig(assert_cardinality=False))
    assert ds.cardinality() == tf.data.UNKNOWN_CARDINALITY
    assert len(images(ds.ignore_errors())) == 300


def test_input_pipelines_share_the_examples(load: Load, epochs: np.ndarray) -> None:
    parts = []
    for number in range(4):
        context = tf.distribute.InputContext(4, number)
        ds = load(batch_size=10, read_config=tfds.ReadConfig(input_context=context))
        parts.append(images(ds))
        assert len(ds) == 8
    for number, part in enumerate(parts):
        assert (part == epochs[number::4]).all()


def test_tfds_ids_name_file_and_place(load: Load) -> None:
    ds = load("train[18:22]", read_config=tfds.ReadConfig(add_tfds_id=True))
    shard = "cifar10_aug-train.tfrecord-0000{}-of-00015__{}"
    assert [example["tfds_id"].decode() for example in ds.as_numpy_iterator()] == [
        shard.format(*place) for place in ((0, 18), (0, 19), (1, 0), (1, 1))
    ]


def test_repeating_goes_on_for_ever(load: Load, epochs: np.ndarray) -> None:
    ds = load(batch_size=200, read_config=tfds.ReadConfig(repeat_filenames=True))
    assert ds.cardinality() == tf.data.INFINITE_CARDINALITY
    found = np.concatenate([e["image"] for e in ds.take(3).as_numpy_iterator()])
    assert (found == np.concatenate([epochs, epochs])).all()


def test_options_are_the_users(load: Load) -> None:
    options = tf.data.Options()
    options.deterministic = False
    config = tfds.ReadConfig(options=options, skip_prefetch=True)
    assert load(read_config=config).options().deterministic is False


def test_png_is_read_as_the_same_images(
    sources: dict[str, Path], tmp_path: Path, epochs: np.ndarray
) -> None:
    builder = Builder(
        config=CONFIG,
        data_dir=str(tmp_path),
        source=sources["binary archive"],
        image_encoding="png",
        n_jobs=1,
    )
    builder.download_and_prepare()
    for batch_size in (None, 64):
        ds = tfds.load(
            f"cifar10_aug/{CONFIG}", split="train", data_dir=str(tmp_path), batch_size=batch_size
        )
        assert (images(ds) == epochs).all()
    stock = tfds.builder_from_directory(builder.data_dir).as_dataset(split="train")
    assert (images(stock) == epochs).all()


def test_an_empty_split_is_an_error(load: Load) -> None:
    with pytest.raises(ValueError, match=r"split 'train\[:0\]' has no examples; name a larger one"):
        load("train[:0]")


@pytest.mark.parametrize("batch_size", [0, -2, True])
def test_wrong_batch_sizes_are_named(batch_size: Any, load: Load) -> None:
    with pytest.raises(
        ValueError, match=f"batch_size is {batch_size}; give a positive whole number"
    ):
        load(batch_size=batch_size)


def test_checkpoints_resume_exactly(sources: dict[str, Path], load: Load, tmp_path: Path) -> None:
    iterator = iter(load(batch_size=32))
    next(iterator)
    saved = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "checkpoint"))
    expected = next(iterator)["image"].numpy()
    fresh = iter(load(batch_size=32))
    tf.train.Checkpoint(iterator=fresh).restore(saved)
    assert (next(fresh)["image"].numpy() == expected).all()


def test_reading_does_not_need_the_source(frozen_dir: Path) -> None:
    builder = Builder(config=CONFIG, data_dir=str(frozen_dir))
    builder.download_and_prepare()
    assert len(builder.as_dataset("train")) == 300


def test_shuffled_epochs_are_not_loaded_while_a_graph_is_built(load: Load) -> None:
    @tf.function(autograph=False)
    def read(**kwargs: Any) -> tf.Tensor:
        return load(batch_size=-1, **kwargs)["image"]

    with pytest.raises(RuntimeError) as error:
        read(shuffle_files=True)
    assert str(error.value) == (
        f"cifar10_aug/{CONFIG}, shuffled, is loaded inside a tf.function, or in a function that "
        "tf.data calls, where each call would give the first epoch again; load it before, outside"
    )


def test_epochs_that_are_all_alike_can_be_loaded_in_a_function(
    load: Load, epochs: np.ndarray
) -> None:
    def read(**kwargs: Any) -> np.ndarray:
        made = tf.function(lambda: load(batch_size=-1, **kwargs)["image"], autograph=False)()
        return np.asarray(made.numpy())

    assert (read() == epochs).all()
    once = tfds.ReadConfig(shuffle_reshuffle_each_iteration=False)
    found = read(shuffle_files=True, read_config=once)
    assert (found == images(load(shuffle_files=True, read_config=once))).all()


def test_shuffled_epochs_can_be_read_in_tf_datas_debug_mode(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shuffled_order, "WINDOW", 10)
    monkeypatch.setattr(debug_mode, "DEBUG_MODE", True)
    ds = load(batch_size=16, shuffle_files=True)
    seen: set[tuple[bytes, int]] = set()
    gc.freeze()
    try:
        for batch in ds.as_numpy_iterator():
            seen.update(zip(batch["id"], batch["copy"].tolist(), strict=True))
            gc.collect()
    finally:
        gc.unfreeze()
    assert len(seen) == 300
