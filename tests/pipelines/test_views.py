"""Several views of an example, in every pipeline: each is the recipe on arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug import Loader, PythonOpError, Recipe, augment
from tests import functions
from tests.registering import registered

Load = Callable[..., Any]
# One that is alike in all views, two that are not, floats with soft labels.
RECIPES = {
    "brightness-v3": (3, "uint8"),
    "plain--flip+cutout8--brightness--flip+cutout8": (4, "uint8"),
    "flip+normalize+labelsmooth--crop4+normalize+labelsmooth": (2, "float32"),
}
ENGINES = ("eager", "graph")
KEYS: dict[str, Any] = {"seed": 5}


@pytest.fixture(params=ENGINES)
def load(data_dir: str, request: pytest.FixtureRequest) -> Load:
    def load(recipe: str, split: Any = "train", builder_kwargs: Any = None, **kwargs: Any) -> Any:
        return tfds.load(
            f"cifar10_aug/{recipe}",
            split=split,
            data_dir=data_dir,
            builder_kwargs={"engine": request.param, **KEYS, **(builder_kwargs or {})},
            **kwargs,
        )

    return load


def images(ds: Any) -> np.ndarray:
    """All images of one reading, or of what has been read, in batches or not."""
    read = ds.as_numpy_iterator() if isinstance(ds, tf.data.Dataset) else ds
    found = [one["image"] if isinstance(one, dict) else one[0] for one in read]
    return np.concatenate([one if one.ndim == 5 else one[None] for one in found])


@pytest.mark.parametrize(
    ("recipe", "batch_size"),
    [*zip(RECIPES, (None, 16, None), strict=True), (next(iter(RECIPES)), 16)],
)
def test_an_element_has_all_views(
    recipe: str, batch_size: int | None, load: Load, made: Any
) -> None:
    count, dtype = RECIPES[recipe]
    ds, info = load(recipe, batch_size=batch_size, with_info=True)
    feature = info.features["image"]
    assert (feature.shape, np.dtype(feature.np_dtype)) == ((count, 32, 32, 3), dtype)
    batch = [] if batch_size is None else [None]
    spec = ds.element_spec["image"]
    assert spec == tf.TensorSpec([*batch, count, 32, 32, 3], dtype)
    assert ds.element_spec["label"].shape == [*batch, *info.features["label"].shape]
    assert ds.cardinality() == (100 if batch_size is None else 7)
    for epoch in range(2):
        expected, labels = Recipe.parse(recipe)(
            made.train_images, made.train_labels, epoch=epoch, **KEYS
        )
        read = list(ds.as_numpy_iterator())
        together = np.stack if batch_size is None else np.concatenate
        np.testing.assert_array_equal(together([one["image"] for one in read]), expected)
        np.testing.assert_array_equal(together([one["label"] for one in read]), labels)


def test_view_0_is_what_the_recipe_makes_alone(load: Load) -> None:
    alone, several = load("brightness", batch_size=16), load("brightness-v2")
    for _ in range(2):
        first = np.concatenate([batch["image"] for batch in alone.as_numpy_iterator()])
        views = images(several)
        np.testing.assert_array_equal(views[:, 0], first)
        assert (views[:, 1] != first).any(axis=(1, 2, 3)).mean() > 0.9


def test_images_of_the_test_split_are_clean_in_every_view(load: Load, made: Any) -> None:
    ds, labels = load("flip--plain", split="test", batch_size=-1, as_supervised=True)
    np.testing.assert_array_equal(ds.numpy(), np.stack([made.test_images] * 2, axis=1))
    np.testing.assert_array_equal(labels.numpy(), made.test_labels)
    floats = load("flip+rescale-v3", split="test", batch_size=20)
    expected = Recipe.parse("rescale")(made.test_images)
    np.testing.assert_array_equal(images(floats), np.stack([expected] * 3, axis=1))


def test_a_slice_may_mix_clean_and_augmented_examples(load: Load, made: Any) -> None:
    given = {"augment_splits": ["train[:90%]"]}
    ds = load("brightness-v2", "train[80%:]", given, batch_size=-1, shuffle_files=True)
    numbers = [int(name[6:]) for name in ds["id"].numpy().tolist()]
    assert sorted(numbers) == list(range(80, 100))
    expected = Recipe.parse("brightness-v2")(made.train_images, **KEYS)
    clean = np.stack([made.train_images] * 2, axis=1)
    for number, image in zip(numbers, ds["image"].numpy(), strict=True):
        right = expected if number < 90 else clean
        np.testing.assert_array_equal(image, right[number])


def test_order_and_ids_are_those_of_one_view(load: Load) -> None:
    how: dict[str, Any] = {
        "batch_size": 16,
        "shuffle_files": True,
        "read_config": tfds.ReadConfig(
            add_tfds_id=True, shuffle_seed=3, input_context=tf.distribute.InputContext(2, 1)
        ),
    }
    for one, several in zip(load("hue", **how), load("hue-v2", **how), strict=True):
        assert one.keys() == several.keys()
        for name in one.keys() - {"image"}:
            np.testing.assert_array_equal(one[name], several[name])
        np.testing.assert_array_equal(one["image"], several["image"][:, 0])


def test_steps_are_left_out_and_epochs_repeat(load: Load, made: Any) -> None:
    start = {"start_epoch": 3, "start_step": 6}
    config = tfds.ReadConfig(repeat_filenames=True)
    ds = load("brightness-v2", "train", start, batch_size=16, read_config=config).take(9)
    epochs = [Recipe.parse("brightness-v2")(made.train_images, epoch=e, **KEYS) for e in (3, 4)]
    expected = np.concatenate([epochs[0][96:], epochs[1], made_of(5, made)[:16]])
    np.testing.assert_array_equal(images(ds), expected)


def made_of(epoch: int, made: Any) -> np.ndarray:
    found: np.ndarray = Recipe.parse("brightness-v2")(made.train_images, epoch=epoch, **KEYS)
    return found


def test_a_checkpoint_goes_on_with_the_next_batch(load: Load, tmp_path: Path) -> None:
    how = {"batch_size": 16, "shuffle_files": True}
    whole = images(load("flip--brightness", **how))
    ds = load("flip--brightness", **how)
    iterator = iter(ds)
    for _ in range(3):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "state"))
    again = iter(load("flip--brightness", **how))
    tf.train.Checkpoint(iterator=again).restore(path).assert_consumed()
    rest = np.concatenate([batch["image"] for batch in again])
    np.testing.assert_array_equal(rest, whole[48:])


@pytest.mark.parametrize("load", ["eager"], indirect=True)
def test_tfds_shows_views_side_by_side(load: Load) -> None:
    matplotlib.use("Agg")
    ds, info = load("flip--brightness", with_info=True)
    frame = tfds.as_dataframe(ds.take(3), info)
    assert frame._repr_html_().count("<img") == 6
    figure = tfds.show_examples(load("flip--brightness"), info, rows=2, cols=2)
    expected = images(load("flip--brightness").take(1))[0]
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown, np.concatenate(list(expected), axis=1))
    one, of_one = load("flip", with_info=True)
    figure = tfds.show_examples(one, of_one, rows=1, cols=1)
    assert figure.axes[0].images[0].get_array().shape == (32, 32, 3)


def test_mocked_views_have_the_features_of_the_config(tmp_path: Path) -> None:
    with tfds.testing.mock_data(num_examples=5):
        ds = tfds.load("cifar10_aug/flip-v2", split="train", data_dir=tmp_path, batch_size=5)
    assert images(ds).shape == (5, 2, 32, 32, 3)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_loader_has_the_same_views(recipe: str, data_dir: str, made: Any) -> None:
    how: dict[str, Any] = {"batch_size": 16, "data_dir": data_dir, **KEYS}
    expected, labels = Recipe.parse(recipe)(made.train_images, made.train_labels, **KEYS)
    for layout in ("nhwc", "nchw"):
        with Loader(Recipe.parse(recipe), layout=layout, **how) as loader:
            read = list(loader)
        found = np.concatenate([one for one, _ in read])
        assert read[0][0].flags.c_contiguous
        right = expected if layout == "nhwc" else expected.transpose(0, 1, 4, 2, 3)
        np.testing.assert_array_equal(found, right)
        np.testing.assert_array_equal(np.concatenate([of for _, of in read]), labels)


OWN = np.random.default_rng(0).integers(0, 256, (20, 28, 24, 3), np.uint8)


@pytest.mark.parametrize("batch", [None, 8])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_users_images_have_views(engine: str, batch: int | None) -> None:
    for text in ("brightness-v2", "flip+rescale--cutout8+rescale"):
        own = tf.data.Dataset.from_tensor_slices((OWN, np.arange(20)))
        own = own if batch is None else own.batch(batch)
        ds = own.apply(augment(text, engine=engine, **KEYS))
        spec = ds.element_spec[0]
        assert spec.shape == [*own.element_spec[0].shape[:-3], 2, 28, 24, 3]
        assert len(ds) == len(own)
        for epoch in range(2):
            read = list(ds.as_numpy_iterator())
            expected = Recipe.parse(text)(OWN, epoch=epoch, **KEYS)
            np.testing.assert_array_equal(images(read), expected)
            assert np.hstack([label for _, label in read]).tolist() == list(range(20))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_users_floats_come_back_as_floats(engine: str) -> None:
    own = tf.data.Dataset.from_tensor_slices({"image": OWN / np.float32(255)}).batch(8)
    found = images(own.apply(augment("flip-v2", engine=engine, **KEYS)))
    expected = Recipe.parse("flip-v2")(OWN, **KEYS)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected / np.float32(255))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_users_smooth_labels_are_those_of_view_0(engine: str) -> None:
    labels = np.arange(20) % 4
    recipe = "labelsmooth_p0.5+flip--hue+labelsmooth_p0.5"
    ds = tf.data.Dataset.from_tensor_slices((OWN, labels)).batch(20)
    made = ds.apply(augment(recipe, num_classes=4, engine=engine, **KEYS))
    ((found, soft),) = made.as_numpy_iterator()
    shares = np.eye(4, dtype=np.float32)[labels]
    expected, right = Recipe.parse(recipe)(OWN, shares, **KEYS)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(soft, right)


def test_the_users_batches_may_be_empty() -> None:
    def batches() -> Any:
        yield from (OWN[:3], OWN[:0], OWN[3:5])

    spec = tf.TensorSpec([None, 28, 24, 3], tf.uint8)
    own = tf.data.Dataset.from_generator(batches, output_signature=spec)
    for recipe in ("flip-v3", "flip--erase--plain"):
        found = list(own.apply(augment(recipe, **KEYS)).as_numpy_iterator())
        assert [one.shape for one in found] == [(n, 3, 28, 24, 3) for n in (3, 0, 2)]
        expected = Recipe.parse(recipe)(OWN[:5], **KEYS)
        np.testing.assert_array_equal(np.concatenate(found), expected)


def test_the_users_images_may_differ_in_size() -> None:
    def sized() -> Any:
        for side in (8, 12, 12, 20):
            yield np.full((side, side + 1, 3), side, np.uint8)

    own = tf.data.Dataset.from_generator(
        sized, output_signature=tf.TensorSpec([None, None, 3], tf.uint8)
    )
    ds = own.apply(augment("flip--erase_p1", **KEYS))
    assert ds.element_spec.shape.as_list() == [2, None, None, 3]
    for number, (image, found) in enumerate(zip(sized(), ds.as_numpy_iterator(), strict=True)):
        expected = Recipe.parse("flip--erase_p1")(image, ids=number, **KEYS)
        np.testing.assert_array_equal(found, expected)


def test_registered_functions_run_in_every_view(data_dir: str, made: Any) -> None:
    with registered({"backend": "threading"}, speckle=functions.speckle):
        for recipe in ("speckle-v2", "plain--flip+speckle"):
            ds = tfds.load(
                f"cifar10_aug/{recipe}",
                split="train",
                data_dir=data_dir,
                batch_size=16,
                builder_kwargs={"n_jobs": 2, **KEYS},
            )
            expected = Recipe.parse(recipe)(made.train_images, **KEYS)
            np.testing.assert_array_equal(images(ds), expected)


def test_a_function_that_fails_costs_its_batch() -> None:
    numbered = functions.numbered(12)
    with registered({"backend": "threading"}, dark=functions.dark):
        recipe = "dark5--flip"
        own = tf.data.Dataset.from_tensor_slices(numbered).batch(4)
        ds = own.apply(augment(recipe, n_jobs=1)).ignore_errors()
        with pytest.raises(PythonOpError, match="train_00005"):
            Recipe.parse(recipe)(numbered, n_jobs=1)
        right = np.delete(np.arange(12), range(4, 8))
        expected = Recipe.parse("plain--flip")(numbered)[right]
        np.testing.assert_array_equal(np.concatenate(list(ds.as_numpy_iterator())), expected)
