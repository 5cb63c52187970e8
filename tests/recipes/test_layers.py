import copy
import hashlib
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.tensorflow.engine import GraphEngine
from cifar10_aug.errors import RecipeError
from cifar10_aug.recipes import layers
from cifar10_aug.recipes.layers import RecipeLayer, keys
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws
from tests import functions, programs
from tests.registering import registered

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)
LABELS = np.arange(16) % 10
JIT = {"jit_compile": True}


def layer(text: str = "rotate30+erase", **kwargs: Any) -> RecipeLayer:
    # Draws depend on names, which Keras counts.
    made: RecipeLayer = Recipe.parse(text).layer(**{"name": "augment", **kwargs})
    return made


def model_with(first: RecipeLayer, dtype: str = "uint8", **how: Any) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3), dtype=dtype),
            first,
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, **how)
    return model


def model_of(only: keras.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((32, 32, 3)), only])


def mapped(one: keras.Layer, images: np.ndarray = IMAGES, batches: int = 1) -> list[np.ndarray]:
    """The same images, in batches, through a layer in `Dataset.map`."""
    ds = tf.data.Dataset.from_tensors(images).repeat(batches)
    return list(ds.map(one).as_numpy_iterator())


def test_in_training_it_makes_what_the_recipe_makes() -> None:
    made = layer(seed=5)
    # Places in the batch, as examples that belong to no split.
    of_layers = np.arange(16, dtype=np.uint64) | np.uint64(len(draws.SPLIT_NUMBERS) << 32)
    recipe = Recipe.parse("rotate30+erase")
    own_seed = int.from_bytes(hashlib.sha256(b"5 augment").digest()[:8], "little")
    engine = Engine(recipe.plan, own_seed, 32, 32)
    for step in range(3):
        expected = engine(Source.of(IMAGES), np.arange(16), of_layers, step)
        found = made(IMAGES, training=True)
        assert found.dtype == tf.float32
        assert (found.numpy() == expected).all()


def test_otherwise_images_pass() -> None:
    made = layer()
    assert (made(IMAGES, training=False).numpy() == IMAGES).all()
    assert (model_of(made).predict(IMAGES, verbose=0) == IMAGES).all()
    assert int(made.steps.numpy()) == 0


def test_it_augments_where_layers_of_keras_do() -> None:
    ways: dict[str, Callable[[Any], Any]] = {
        "called": lambda one: one(IMAGES),
        "called in a model": lambda one: model_of(one)(IMAGES),
        "called in a model, training": lambda one: model_of(one)(IMAGES, training=True),
        "called in a model, not training": lambda one: model_of(one)(IMAGES, training=False),
        "predict": lambda one: model_of(one).predict(IMAGES, verbose=0),
        "map": lambda one: mapped(one)[0],
    }

    def augmented(one: keras.Layer) -> dict[str, bool]:
        return {name: bool(np.any(np.asarray(way(one)) != IMAGES)) for name, way in ways.items()}

    theirs = augmented(keras.layers.RandomFlip(seed=1))
    assert augmented(layer("flip")) == theirs
    assert list(theirs.values()) == [True, True, True, False, False, True]


@pytest.mark.parametrize("how", [{}, JIT])
def test_in_a_map_it_makes_what_it_makes_elsewhere(how: dict[str, Any]) -> None:
    expected = layer("flip")
    for found in mapped(layer("flip", **how), batches=3):
        assert (found == expected(IMAGES).numpy()).all()


@pytest.mark.parametrize("training", [False, True])
def test_value_ranges_apply_to_every_batch(training: bool) -> None:
    found = layer("rescale")(IMAGES, training=training).numpy()
    np.testing.assert_allclose(found, IMAGES / 255, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32"])
def test_levels_of_any_dtype_are_the_same(dtype: str) -> None:
    expected = layer("zoom")(IMAGES, training=True).numpy()
    assert (layer("zoom")(IMAGES.astype(dtype), training=True).numpy() == expected).all()


def test_it_returns_its_compute_dtype() -> None:
    found = layer("flip+rescale", dtype="mixed_float16")(IMAGES, training=True)
    assert found.dtype == tf.float16


@pytest.mark.parametrize("how", [{}, JIT])
def test_models_train_with_it_save_it_and_load_it(tmp_path: Path, how: dict[str, Any]) -> None:
    model = model_with(layer("rotate+rescale", seed=3, **how), **how)
    model.fit(IMAGES, LABELS, batch_size=4, epochs=2, verbose=0)
    place = tmp_path / "model.keras"
    model.save(place)
    np.save(tmp_path / "expected.npy", model.predict(IMAGES, verbose=0))
    np.save(tmp_path / "images.npy", IMAGES)
    # 8 steps, and one more that nothing predicts.
    check = (
        "import sys, keras, numpy as np, cifar10_aug.recipes.layers\n"
        "model = keras.models.load_model(sys.argv[1] + '/model.keras')\n"
        "images = np.load(sys.argv[1] + '/images.npy')\n"
        "expected = np.load(sys.argv[1] + '/expected.npy')\n"
        "np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-5)\n"
        "layer = model.layers[0]\n"
        "assert (layer.recipe.name, layer.seed, int(layer.steps)) == ('rotate+rescale', 3, 8)\n"
    )
    programs.run("-c", check, tmp_path, check=True)


def test_loading_goes_on_with_the_next_batch(tmp_path: Path) -> None:
    model = model_with(layer("rotate"))
    model.fit(IMAGES, LABELS, batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    found = [one.layers[0](IMAGES, training=True).numpy() for one in (model, again)]
    assert (found[0] == found[1]).all()
    assert (found[0] != layer("rotate")(IMAGES, training=True).numpy()).any()


def test_replicas_draw_for_themselves() -> None:
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.OneDeviceStrategy(devices[0].name)
    with strategy.scope():
        made = layer("rotate")
    one = strategy.run(lambda: made(IMAGES, training=True)).numpy()
    assert (one == layer("rotate")(IMAGES, training=True).numpy()).all()
    assert [int(keys(4, replica)[0]) >> 32 for replica in range(3)] == [2, 3, 4]


def test_other_recipes_and_seeds_are_refused() -> None:
    with pytest.raises(RecipeError) as error:
        layer("flip+mixup")
    assert str(error.value) == (
        "mixup in flip+mixup changes labels, which a layer does not see; put it into the pipeline, "
        "tfds.load('cifar10_aug/flip+mixup')"
    )
    with (
        registered(sepia=functions.sepia),
        pytest.raises(RecipeError, match=r"sepia in flip\+sepia does not run as a graph"),
    ):
        layer("flip+sepia")
    with pytest.raises(ValueError, match="seed is -1; give a whole number"):
        layer(seed=-1)


@pytest.mark.parametrize("recipe", ["altflip", "rotate+altflip", "airbench96"])
def test_ops_that_count_epochs_are_refused(recipe: str) -> None:
    with pytest.raises(RecipeError) as error:
        layer(recipe)
    assert str(error.value) == (
        f"altflip in {recipe} depends on the number of the epoch, which a layer does not know; put "
        f"it into the pipeline, tfds.load('cifar10_aug/{recipe}'), or use an op that draws for "
        "each batch, such as flip"
    )


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The heights for which a layer's graph has been built."""
    heights: list[int] = []

    class Counted(GraphEngine):
        def __init__(self, plan: Plan, seed: int, height: int, width: int, **options: bool):
            heights.append(height)
            super().__init__(plan, seed, height, width, **options)

    monkeypatch.setattr(layers, "GraphEngine", Counted)
    return heights


@pytest.mark.parametrize("gpus", [0, 1])
def test_gpus_work_on_whole_batches(gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bool] = []

    class Noting(GraphEngine):
        def __init__(self, *args: Any, at_once: bool) -> None:
            found.append(at_once)
            super().__init__(*args, at_once=at_once)

    monkeypatch.setattr(layers, "GraphEngine", Noting)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind] * gpus)
    layer("flip")(IMAGES)
    assert found == [gpus == 1]


def test_xla_compiles_once_for_each_shape(built: list[int]) -> None:
    made = layer("flip", jit_compile=True)
    for _ in range(3):
        made(IMAGES)
    assert built == [32]
    for _ in range(2):
        made(IMAGES[:, :20])
        made(IMAGES)
    assert built == [32, 20]


def test_compiled_layers_are_copied_and_saved_and_work_in_several_models(tmp_path: Path) -> None:
    made = layer("flip", jit_compile=True)
    made(IMAGES)
    first, second = (model_of(made) for _ in range(2))
    first(IMAGES, training=True)
    first.export(tmp_path / "exported", verbose=False)
    tf.saved_model.save(second, tmp_path / "saved")
    # What XLA runs is built anew where it is needed; it would be a graph for each shape.
    tf.saved_model.save(made, tmp_path / "layer")
    assert not hasattr(tf.saved_model.load(tmp_path / "layer"), "_augment")
    copies = [copy.deepcopy(made), pickle.loads(pickle.dumps(made)), second.layers[0]]
    expected = layer("flip")
    for _ in range(2):
        expected(IMAGES)
    third = expected(IMAGES).numpy()
    for one in copies:
        assert (one(IMAGES).numpy() == third).all()


LEVELS_WANTED = (
    "mine got images from 0 to 1; it takes levels from 0 to 255: give the layer value_range=(0, 1)"
)


@pytest.mark.parametrize("how", [{}, JIT])
def test_images_from_0_to_1_are_refused_in_training(how: dict[str, Any]) -> None:
    made, images = layer("flip", name="mine", **how), (IMAGES / 255).astype(np.float32)
    with pytest.raises(ValueError, match=re.escape(LEVELS_WANTED)):
        made(images)
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(LEVELS_WANTED)):
        mapped(made, images)
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(LEVELS_WANTED)):
        model_with(made, "float32").fit(images, LABELS, verbose=0)
    assert (made(images, training=False).numpy() == images).all()


def test_dark_images_are_levels() -> None:
    made = layer("flip_p1")
    for images in IMAGES % 2, np.zeros_like(IMAGES), IMAGES * 0.004, IMAGES / 128:
        expected = np.rint(images)[:, :, ::-1]
        assert (made(images.astype(np.float32)).numpy() == expected).all()


@pytest.mark.parametrize("shape", [(4, 32, 32), (4, 32, 32, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    message = "it takes (batch, height, width, 3) with known height and width"
    with pytest.raises(ValueError, match=re.escape(message)):
        layer()(np.zeros(shape, np.uint8), training=True)


def test_an_input_without_a_size_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("give the model an Input of such a shape")):
        layer()(keras.Input((None, None, 3)))


def test_two_layers_with_one_seed_draw_differently() -> None:
    first, second, again = (layer("flip", name=name) for name in ("one", "two", "one"))
    assert (first(IMAGES).numpy() != second(IMAGES).numpy()).any()
    assert (layer("flip", name="one")(IMAGES).numpy() == again(IMAGES).numpy()).all()
    unnamed = [Recipe.parse("flip").layer()(IMAGES).numpy() for _ in range(2)]
    assert (unnamed[0] != unnamed[1]).any()


@pytest.mark.parametrize(
    ("dtype", "how"),
    [*((dtype, {}) for dtype in ("float16", "float32", "float64")), ("float16", JIT)],
)
def test_images_from_0_to_1_come_back_in_this_range(dtype: str, how: dict[str, Any]) -> None:
    made = layer("zoom", value_range=(0, 1), **how)
    expected = layer("zoom")(IMAGES).numpy() / np.float32(255)
    np.testing.assert_allclose(made((IMAGES / 255).astype(dtype)).numpy(), expected, atol=1e-6)
    floats = (IMAGES / 255).astype(np.float32)
    assert (made(floats, training=False).numpy() == floats).all()
    again = RecipeLayer.from_config(made.get_config())
    assert again.value_range == (0, 1)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("recipe", ["rescale", "normalize"])
def test_ops_that_set_the_range_make_the_same_of_both_ranges(recipe: str, training: bool) -> None:
    floats = (IMAGES / 255).astype(np.float32)
    found = layer(recipe, value_range=(0, 1))(floats, training=training)
    np.testing.assert_allclose(found, layer(recipe)(IMAGES, training=training), atol=1e-5)


def test_levels_are_refused_where_images_are_to_be_from_0_to_1() -> None:
    made = layer("flip", value_range=(0, 1), name="mine")
    message = re.escape(
        "mine got images that are not from 0 to 1, as value_range=(0, 1) says: leave it out if "
        "they are levels from 0 to 255"
    )
    for images in IMAGES, IMAGES.astype(np.float32):
        with pytest.raises(ValueError, match=message):
            made(images)
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            mapped(made, images)


@pytest.mark.parametrize("value_range", [(0, 2), (1, 0), 1, "01", (0, 1, 2)])
def test_other_ranges_are_refused(value_range: Any) -> None:
    message = re.escape(f"value_range is {value_range!r}; give (0, 255) or (0, 1)")
    with pytest.raises(ValueError, match=message):
        layer(value_range=value_range)


def test_a_recipe_of_several_views_has_no_layer() -> None:
    with pytest.raises(RecipeError) as error:
        Recipe.parse("simclr-v2").layer()
    assert str(error.value) == (
        "simclr-v2 makes several views of an image, and a layer makes one; put it into the "
        "pipeline, tfds.load('cifar10_aug/simclr-v2'), or call one layer for each view, with "
        "different names"
    )
