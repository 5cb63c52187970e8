"""`augment` on the user's datasets: pixels, structures, dtypes, keys, epochs, checkpoints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cifar10_aug import PythonOpError, Recipe, RecipeError, RegistrationError, augment, seeded
from cifar10_aug.ops import OPS
from tests.pipelines.test_idioms import IDIOMS, TELLING, assert_alike, assert_restored, elements
from tests.registering import registered

COUNT = 50
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 28, 28, 3), np.uint8)
LABELS = np.arange(COUNT)
# Cheap to trace.
RECIPE = "brightness"
ENGINES = ["eager", "graph"]


def own(images: np.ndarray = IMAGES) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((images, LABELS[: len(images)]))


def images_of(ds: Any) -> np.ndarray:
    """All images of one reading, or of what has been read, batched or not."""
    read = ds.as_numpy_iterator() if isinstance(ds, tf.data.Dataset) else ds
    found = [image if image.ndim == 4 else image[None] for image, _ in read]
    return np.concatenate(found)


def expected(epoch: int = 0, recipe: str = RECIPE, images: np.ndarray = IMAGES) -> np.ndarray:
    made: np.ndarray = Recipe.parse(recipe)(images, seed=7, epoch=epoch)
    return made


WAYS: dict[str, Callable[[tf.data.Dataset], tf.data.Dataset]] = {
    "single images": lambda ds: ds,
    "batches, the last one shorter": lambda ds: ds.batch(8),
    "batches of static size": lambda ds: ds.batch(10, drop_remainder=True),
    "batches of unknown size": lambda ds: (
        ds.shard(2, 0).batch(20).concatenate(ds.shard(2, 1).batch(25))
    ),
    "large batches": lambda ds: ds.batch(64),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("engine", ENGINES)
def test_each_reading_is_the_recipe_on_the_next_epoch(engine: str, way: str) -> None:
    plain = WAYS[way](own())
    ds = plain.apply(augment(RECIPE, seed=7, engine=engine))
    assert ds.element_spec == plain.element_spec
    assert ds.cardinality() == plain.cardinality()
    given, labels = images_of(plain), [label for _, label in plain.as_numpy_iterator()]
    for epoch in range(2):
        read = list(ds.as_numpy_iterator())
        assert (images_of(read) == expected(epoch, images=given)).all()
        for (_, found), label in zip(read, labels, strict=True):
            assert (found == label).all()


@pytest.mark.parametrize("size", [64, 224])
@pytest.mark.parametrize("engine", ENGINES)
def test_images_of_any_size_are_those_of_the_recipe(engine: str, size: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (6, size, size, 3), np.uint8)
    for ds in own(images), own(images).batch(4):
        found = images_of(ds.apply(augment(RECIPE, seed=7, engine=engine)))
        assert (found == expected(images=images)).all()


NOT_MIXING = sorted(
    name for name, op in OPS.items() if not (op.value_range or Recipe.parse(name).softens)
)


@settings(max_examples=6, phases=[Phase.explicit, Phase.generate])
@given(
    st.lists(st.sampled_from(NOT_MIXING), min_size=1, max_size=2, unique=True),
    st.sampled_from(["", "+rescale", "+normalize"]),
)
def test_over_the_plain_dataset_it_has_the_pixels_of_the_recipes_dataset(
    data_dir: str, names: list[str], value_range: str
) -> None:
    def load(recipe: str) -> tf.data.Dataset:
        return tfds.load(
            f"cifar10_aug/{recipe}",
            split="train",
            batch_size=32,
            as_supervised=True,
            data_dir=data_dir,
        )

    recipe = "+".join(names) + value_range
    theirs, ours = load(recipe), load("plain").apply(augment(recipe))
    assert ours.element_spec == theirs.element_spec
    for _ in range(2):
        assert elements(ours) == elements(theirs)


def test_single_images_differ_in_size() -> None:
    sizes = [(20, 30), (20, 30), (32, 32), (7, 5), (32, 32)] * 8
    made = [
        np.random.default_rng(n).integers(0, 256, (*s, 3), np.uint8) for n, s in enumerate(sizes)
    ]

    def generate() -> Any:
        yield from ({"image": image, "boxes": np.full(n % 3, n)} for n, image in enumerate(made))

    signature = {
        "image": tf.TensorSpec([None, None, 3], tf.uint8),
        "boxes": tf.TensorSpec([None], tf.int64),
    }
    plain = tf.data.Dataset.from_generator(generate, output_signature=signature)
    ds = plain.apply(augment(RECIPE, seed=7))
    assert ds.element_spec == plain.element_spec
    for epoch in range(2):
        found = list(ds.as_numpy_iterator())
        assert len(found) == len(made)
        for n, one in enumerate(found):
            wanted = Recipe.parse(RECIPE)(made[n], ids=n, seed=7, epoch=epoch)
            assert (one["image"] == wanted).all()
            assert (one["boxes"] == np.full(n % 3, n)).all()


def structured(image: tf.Tensor, label: tf.Tensor) -> dict[str, Any]:
    return {
        "image": image,
        "label": label,
        "name": tf.strings.as_string(label),
        "more": (tf.cast(label, tf.float32), {"deep": label + 1}),
        "ragged": tf.RaggedTensor.from_row_lengths(tf.range(3), [1, 2]),
        "sparse": tf.sparse.from_dense([[0, 1], [2, 0]]),
        "boxes": tf.zeros([label % 3, 4]),
    }


STRUCTURES: dict[str, Callable[..., Any]] = {
    "image": lambda image, label: image,
    "image in a tuple": lambda image, label: (image,),
    "pair": lambda image, label: (image, label),
    "with weights": lambda image, label: (image, label, tf.cast(label, tf.float32)),
    "dict": lambda image, label: {"label": label, "image": image, "a": label},
    "all sorts": structured,
}


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("batched", [False, True])
def test_structures_stay_and_what_is_no_image_passes(structure: str, batched: bool) -> None:
    plain = own().map(STRUCTURES[structure])
    if batched:
        plain = plain.ragged_batch(8) if structure == "all sorts" else plain.batch(8)
    ds = plain.apply(augment("plain"))
    assert ds.element_spec == plain.element_spec
    for ours, theirs in zip(ds, plain, strict=True):
        for one, other in zip(
            tf.nest.flatten(ours, expand_composites=True),
            tf.nest.flatten(theirs, expand_composites=True),
            strict=True,
        ):
            np.testing.assert_array_equal(one.numpy(), other.numpy())
            assert one.dtype == other.dtype


DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16}
DTYPES["bfloat16"] = ml_dtypes.bfloat16


@pytest.mark.parametrize(
    ("engine", "batched", "dtype"),
    [
        *(("eager", batched, dtype) for batched in (False, True) for dtype in DTYPES),
        *(("graph", False, "float64"), ("graph", True, "float32")),
        *(("graph", False, "float16"), ("graph", True, "bfloat16")),
    ],
)
def test_floats_from_0_to_1_come_back_in_their_dtype(
    engine: str, batched: bool, dtype: str
) -> None:
    # Levels that bfloat16 has exactly.
    images = IMAGES if dtype != "bfloat16" else (IMAGES % 2) * 255
    floats = (images / 255).astype(DTYPES[dtype])
    plain = own(floats).batch(8) if batched else own(floats)
    ds = plain.apply(augment(RECIPE, seed=7, engine=engine))
    assert ds.element_spec == plain.element_spec
    between = np.result_type(np.float32, DTYPES[dtype])
    wanted = expected(images=images).astype(between) / between.type(255)
    assert (images_of(ds) == wanted.astype(DTYPES[dtype])).all()


def test_floats_are_rounded_to_the_nearest_level() -> None:
    levels = np.array([0, 0.4, 0.6, 99.4, 254.6, 255])
    images = np.broadcast_to(levels[:, None, None, None] / 255, (6, 2, 2, 3)).astype(np.float32)
    found = images_of(own(images).apply(augment("plain")))[:, 0, 0, 0] * 255
    np.testing.assert_allclose(found, [0, 0, 1, 99, 255, 255], atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_ops_that_set_the_range_make_float32(engine: str) -> None:
    fractions = (IMAGES / 255).astype(np.float16)
    for plain in own(), own(fractions), own().batch(8), own(fractions).batch(8):
        ds = plain.apply(augment("normalize", seed=7, engine=engine))
        assert ds.element_spec[0].dtype == tf.float32
        assert ds.element_spec[0].shape == plain.element_spec[0].shape
        assert (images_of(ds) == expected(recipe="normalize")).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda x: x * 255,
            "images go from 0 to 255; augment takes floats from 0 to 1, or uint8: "
            "divide them by 255, or cast them to uint8, in a map before augment",
        ),
        (
            lambda x: x - 0.5,
            "images go from -0.5 to 0.5; augment takes floats from 0 to 1, or "
            "uint8: clip them by tf.clip_by_value(image, 0, 1), or bring",
        ),
        (lambda x: x * 1.5, "images go from 0 to 1.5; augment"),
        (lambda x: x / x, "images have numbers that are not a number (NaN), the first at [0, 0, 0"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_floats_outside_0_to_1_are_refused(
    engine: str, change: Callable[[Any], Any], says: str
) -> None:
    images = np.zeros((4, 8, 8, 3), np.float32)
    images[:, 1:] = 1
    with np.errstate(invalid="ignore"):
        images = change(images)
    for ds in (own(images), own(images).batch(2))[engine == "graph" :]:
        with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(says)):
            list(ds.apply(augment("flip", engine=engine)))


@pytest.mark.parametrize(
    ("engine", "text"), [("eager", "flip+mixup+cutmix_p1"), ("graph", "flip+resizemix")]
)
def test_mixing_draws_partners_from_the_batch(engine: str, text: str) -> None:
    recipe = Recipe.parse(text).on(Recipe.parse("plain").dataset)
    ds = own().batch(8).apply(augment(recipe, seed=7, num_classes=COUNT, engine=engine))
    assert ds.element_spec[1] == tf.TensorSpec([None, COUNT], tf.float32)
    for epoch in range(2):
        for first, (image, label) in zip(range(0, COUNT, 8), ds.as_numpy_iterator(), strict=True):
            ids = np.arange(first, min(first + 8, COUNT))
            shares = np.eye(COUNT, dtype=np.float32)[ids]
            wanted = recipe(IMAGES[ids], shares, ids=ids, seed=7, epoch=epoch)
            assert (image == wanted[0]).all()
            np.testing.assert_allclose(label, wanted[1], atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_example_that_is_twice_in_a_batch_is_one_partner(engine: str) -> None:
    ids = np.array([5, 1, 5, 9, 1, 5])
    ds = tf.data.Dataset.from_tensor_slices({"image": IMAGES[ids], "label": ids, "n": ids}).batch(6)
    (found,) = ds.apply(augment("resizemix", num_classes=10, ids="n", engine=engine))
    image, label = Recipe.parse("resizemix")(IMAGES[ids], ids, ids=ids)
    assert (found["image"].numpy() == image).all()
    np.testing.assert_allclose(found["label"], label, atol=1e-6)


def test_mixing_takes_shares_of_classes() -> None:
    shares = np.eye(10, dtype=np.float64)[LABELS % 10]
    ds = tf.data.Dataset.from_tensor_slices((IMAGES, shares)).batch(8)
    whole = own().map(lambda image, label: (image, label % 10)).batch(8)
    both = [one.apply(augment("mixup", num_classes=10)) for one in (ds, whole)]
    assert elements(both[0]) == elements(both[1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="10 classes, and num_classes is 9"):
        list(ds.apply(augment("mixup", num_classes=9)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="give classes from 0 to 8"):
        list(whole.apply(augment("mixup", num_classes=9)))


NUMBERS = np.random.default_rng(2).permutation(COUNT) * 1000


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_ids_are_a_key_or_a_function(engine: str, batched: bool) -> None:
    wanted = Recipe.parse(RECIPE)(IMAGES, ids=NUMBERS, seed=7)
    pairs = tf.data.Dataset.from_tensor_slices((IMAGES, NUMBERS.astype(np.int32)))
    dicts = pairs.map(lambda image, number: {"image": image, "number": number})
    ways: list[tuple[tf.data.Dataset, Any]] = [
        (pairs, lambda image, number: number),
        (dicts, "number"),
        (dicts, lambda one: tf.cast(one["number"], tf.uint32)),
    ]
    # Numbers are found before an engine gets them, and graphs take long to build.
    for ds, ids in ways[2 * (engine == "graph") :]:
        ds = ds.shuffle(COUNT, seed=3).batch(8) if batched else ds.shuffle(COUNT, seed=3)
        ds = ds.apply(augment(RECIPE, seed=7, engine=engine, ids=ids))
        ds = ds.unbatch() if batched else ds
        seen = 0
        for one in ds.as_numpy_iterator():
            image, number = one if isinstance(one, tuple) else (one["image"], one["number"])
            assert (image == wanted[number == NUMBERS][0]).all()
            seen += 1
        assert seen == COUNT


def test_ids_that_are_none_are_refused() -> None:
    dicts = own().map(lambda image, label: {"image": image, "n": label})
    with pytest.raises(ValueError, match="ids is 'm', and elements are dicts with image, n; give"):
        dicts.apply(augment("flip", ids="m"))
    with pytest.raises(ValueError, match="ids is 'n', and elements are no dicts; or give a functi"):
        own().apply(augment("flip", ids="n"))
    for wrong in (
        lambda image, label: tf.cast(label, tf.float32),
        lambda image, label: label[None],
        lambda image, label: (label, label),
    ):
        with pytest.raises(ValueError, match=r"ids gives .*; give integers of shape \[\], one for"):
            own().apply(augment("flip", ids=wrong))
    with pytest.raises(ValueError, match=r"integers of shape \[batch\]"):
        own().batch(4).apply(augment("flip", ids=lambda image, label: label[0]))
    with pytest.raises(ValueError, match="ids is 5; give a key of the elements"):
        augment("flip", ids=5)  # type: ignore[arg-type]
    for ds, says in (
        (own().batch(4).apply(augment("flip", ids=lambda i, label: label[1:])), "ids have shape"),
        (own().apply(augment("flip", ids=lambda image, label: label - 1)), "an id is -1; give"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=says):
            list(ds)


def test_fit_trains_on_epochs_0_to_n() -> None:
    ds = own().batch(10).apply(augment("flip", seed=7))
    seen = []

    class Model(keras.Model):
        def train_step(self, data: Any) -> dict[str, Any]:
            seen.append(data[0].numpy())
            return {"loss": 0.0}

    model = Model()
    model.compile(run_eagerly=True)
    model.fit(ds, epochs=3, verbose=0, shuffle=False)
    wanted = np.concatenate([expected(epoch, "flip") for epoch in range(3)])
    assert (np.concatenate(seen) == wanted).all()


def test_it_begins_with_start_epoch_and_each_dataset_counts_for_itself() -> None:
    once = augment(RECIPE, seed=7, start_epoch=2)
    first, second = own().apply(once), own().batch(8).apply(once)
    for epoch in (2, 3):
        assert (images_of(first) == expected(epoch)).all()
    assert (images_of(second) == expected(2)).all()


def test_without_a_seed_each_draws_its_own() -> None:
    first, second = (images_of(own().apply(augment(RECIPE, seed=None))) for _ in range(2))
    assert (first != second).any()


@pytest.mark.parametrize("batched", [False, True])
def test_the_datasets_own_shuffling_goes_on(batched: bool) -> None:
    def make() -> tf.data.Dataset:
        return own().shuffle(COUNT, seed=5).batch(8) if batched else own().shuffle(COUNT, seed=5)

    plain, ds = make(), make().apply(augment(RECIPE, seed=7))
    orders = []
    for epoch in range(3):
        given = images_of(plain)
        orders.append(given.tobytes())
        assert (images_of(ds) == expected(epoch, images=given)).all()
    assert len(set(orders)) == 3


@pytest.mark.parametrize("batched", [False, True])
def test_checkpoints_restore_the_next_element_of_a_shuffled_dataset(
    batched: bool, tmp_path: Path
) -> None:
    def make() -> tf.data.Dataset:
        ds = own().shuffle(COUNT, seed=5)
        return (ds.batch(8) if batched else ds).apply(augment(RECIPE, seed=7))

    ds = make()
    passes = [elements_of(ds) for _ in range(2)]
    for read in (1, 3, len(passes[1]) - 1):
        ds = make()
        list(ds)
        iterator = iter(ds)
        for _ in range(read):
            next(iterator)
        saved = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / str(read)))
        iterator = iter(make())
        tf.train.Checkpoint(iterator=iterator).read(saved).assert_consumed()
        assert elements_of(iterator) == passes[1][read:]


def elements_of(ds: Any) -> list[list[bytes]]:
    return [[part.numpy().tobytes() for part in element] for element in ds]


STOCK = tf.data.Dataset.from_tensor_slices((IMAGES[:24], LABELS[:24])).batch(4)


@pytest.mark.parametrize(
    ("engine", "idiom"),
    [*(("eager", idiom) for idiom in TELLING), ("graph", "take"), ("graph", "repeat")],
)
def test_idioms_give_what_they_give_of_the_dataset(engine: str, idiom: str, tmp_path: Path) -> None:
    assert_alike(IDIOMS[idiom](STOCK.apply(augment("plain", engine=engine))), IDIOMS[idiom](STOCK))
    augmented = augment("brightness", engine=engine)
    assert_restored(idiom, lambda: STOCK.apply(augmented), tmp_path)


def test_endless_datasets_stay_endless() -> None:
    for plain in own().repeat(), own().repeat().batch(8):
        ds = plain.apply(augment(RECIPE, seed=7))
        assert ds.cardinality() == tf.data.INFINITE_CARDINALITY
        found = images_of(ds.take(100))[:100]
        wanted = expected(images=np.concatenate([IMAGES, IMAGES]))
        assert (found == wanted).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_empty_datasets_and_batches_pass(engine: str) -> None:
    for ds in own().take(0), own().take(0).batch(8):
        assert list(ds.apply(augment("flip", engine=engine))) == []
    empty = own().batch(8).map(lambda image, label: (image[:0], label[:0]))
    found = list(empty.apply(augment("flip", engine=engine)))
    assert [image.shape for image, _ in found] == [(0, 28, 28, 3)] * 7


def failing(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if image.sum() % 10 == 3:
        raise ValueError("no such image")
    return image


@pytest.mark.parametrize("how", ["single", "batches", "of any size"])
def test_an_image_that_fails_costs_itself_or_its_batch(how: str) -> None:
    wrong = IMAGES.reshape(COUNT, -1).sum(axis=1) % 10 == 3
    assert 0 < wrong.sum() < 20
    plain, size = own(), 1
    if how == "batches":
        plain, size = own().batch(2), 2
    elif how == "of any size":
        signature = (tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([], tf.int64))
        plain = tf.data.Dataset.from_generator(
            lambda: zip(IMAGES, LABELS, strict=True), output_signature=signature
        )
    whole = [k for k in range(COUNT // size) if not wrong[k * size : (k + 1) * size].any()]
    with registered(failing=failing):
        ds = plain.apply(augment("failing", n_jobs=1))
        found = [label for _, label in ds.ignore_errors().as_numpy_iterator()]
        with pytest.raises(tf.errors.UnknownError, match=PythonOpError.__name__) as error:
            list(ds)
        with pytest.raises(RecipeError, match="leave engine='graph' out"):
            augment("failing", engine="graph")
    assert "no such image" in str(error.value)
    assert [np.ravel(label)[0] for label in found] == [k * size for k in whole]


def test_functions_run_where_they_are_to_run() -> None:
    def drawn(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.full_like(image, rng.integers(256))

    with registered(drawn=drawn):
        wanted = Recipe.parse("flip+drawn")(IMAGES, seed=7, backend="threading")
        for plain in own(), own().batch(8):
            ds = plain.apply(augment("flip+drawn", seed=7, n_jobs=2, backend="threading"))
            assert (images_of(ds) == wanted).all()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "recipe": ({"recipe": "rotat"}, "rotat"),
    "engine": ({"engine": "fast"}, "engine is 'fast'; give eager or graph"),
    "jit_compile": ({"jit_compile": True}, "jit_compile is for engine='graph'"),
    "seed": ({"seed": -1}, "seed is -1; give a whole number from 0"),
    "start_epoch": ({"start_epoch": 2**32}, "start_epoch is 4294967296; give"),
    "n_jobs": ({"n_jobs": 0}, "n_jobs is 0; give"),
    "num_classes": ({"num_classes": "ten"}, "num_classes is 'ten'; give a whole number"),
    "no num_classes": (
        {"recipe": "flip+mixup"},
        "flip+mixup changes labels, and nothing says how many classes they have; give num_classes",
    ),
    "graph": ({"recipe": "sepia", "engine": "graph"}, "leave engine='graph' out"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_refused_at_once(case: str) -> None:
    arguments, says = WRONG[case]
    with (
        registered(sepia=lambda image, rng: image),
        pytest.raises(ValueError, match=re.escape(says)),
    ):
        augment(**{"recipe": "flip", **arguments})


def of_spec(*specs: Any) -> tf.data.Dataset:
    """A dataset of such elements, which is never read."""
    (spec,) = specs if len(specs) == 1 else (specs,)
    return tf.data.Dataset.from_generator(lambda: iter(()), output_signature=spec)


def image_spec(*shape: int | None, dtype: tf.DType = tf.uint8) -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype)


NO_IMAGES: dict[str, tuple[Any, str]] = {
    "rank": (tf.TensorSpec(None, tf.uint8), "tf.ensure_shape(image, [None, None, 3]) for single"),
    "grey": (image_spec(28, 28, 1), "make three channels of one by tf.image.grayscale_to_rgb"),
    "flat": (image_spec(28, 28), "images are of shape (28, 28); augment takes [height, width, 3]"),
    "channels": (image_spec(28, 28, 4), "images are of shape (28, 28, 4); augment takes"),
    "dtype": (image_spec(28, 28, 3, dtype=tf.int32), "images are int32; augment takes uint8, or"),
    "no image": ({"picture": image_spec(8, 8, 3)}, "dicts with picture; augment takes elements"),
    "ragged": ((tf.RaggedTensorSpec([None, None, None, 3], tf.uint8),), "an image is one tensor"),
    "four parts": ((image_spec(8, 8, 3),) * 4, "bring them into one of these by a map"),
}


@pytest.mark.parametrize("case", NO_IMAGES)
def test_datasets_without_images_are_refused(case: str) -> None:
    spec, says = NO_IMAGES[case]
    with pytest.raises(ValueError, match=re.escape(says)):
        of_spec(spec).apply(augment("flip"))


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_of_single_images_are_smoothed(engine: str) -> None:
    recipe = "flip+labelsmooth0.2_p0.5"
    apply = augment(recipe, seed=7, num_classes=COUNT, engine=engine)
    single, batched = own().apply(apply), own().batch(8).apply(apply)
    assert single.element_spec[1] == tf.TensorSpec([COUNT], tf.float32)
    for _ in range(2):
        found = [*single.as_numpy_iterator()]
        images, labels = zip(*batched.as_numpy_iterator(), strict=True)
        assert (np.stack([image for image, _ in found]) == np.concatenate(images)).all()
        found_labels = np.stack([label for _, label in found])
        assert (found_labels == np.concatenate(labels)).all()
        smooth = np.isclose(found_labels.max(axis=1), 0.8 + 0.2 / COUNT)
        assert 0 < smooth.sum() < COUNT


def test_what_a_recipe_or_an_engine_cannot_do_is_refused() -> None:
    mixing = augment("mixup", num_classes=10)
    several = of_spec((image_spec(None, None, 3), tf.TensorSpec([], tf.int64)))
    with pytest.raises(ValueError, match="has single images of several sizes; batch it before"):
        several.apply(augment("labelsmooth", num_classes=10))
    with pytest.raises(ValueError, match="has single images; batch it before augment"):
        own().apply(mixing)
    with pytest.raises(ValueError, match="changes labels, and elements have none"):
        own().map(lambda image, label: image).batch(4).apply(mixing)
    with pytest.raises(ValueError, match="engine='graph' has to know height, width and channels"):
        of_spec(image_spec(None, None, 3)).apply(augment("flip", engine="graph"))
    with pytest.raises(ValueError, match=r"got a ndarray; it is for a tf\.data\.Dataset"):
        augment("flip")(IMAGES)
    with pytest.raises(RuntimeError, match=r"augment\('flip'\) is loaded inside a tf\.function"):
        tf.function(lambda: tf.data.experimental.get_single_element(own().apply(augment("flip"))))()


def test_channels_that_are_known_only_when_they_are_read_are_checked() -> None:
    ds = tf.data.Dataset.from_generator(
        lambda: iter([np.zeros((8, 8, 1), np.uint8)]), output_signature=image_spec(None, None, None)
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="images have 1 channels; augment ta"):
        list(ds.apply(augment("flip")))


def test_it_cannot_be_sent_to_other_processes(tmp_path: Path) -> None:
    ds = own().batch(8).apply(augment("flip"))
    with pytest.raises(tf.errors.OpError, match="Distribute or save your own dataset, and apply a"):
        list(ds.snapshot(str(tmp_path)))


def test_seeded_functions_do_not_run_in_threads() -> None:
    with registered(globally=seeded(lambda image, rng: image)):
        apply = augment("globally", backend="threading")
        with pytest.raises(RegistrationError, match="leave backend='threading' out"):
            own().apply(apply)
