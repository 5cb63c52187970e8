import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar10_aug.engines.numba.kernels import philox
from cifar10_aug.engines.tensorflow import chunks
from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.engine import GraphEngine
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Recipe
from tests.engines.tensorflow.running import run
from tests.recipes.test_recipe import recipe_text

IDS = np.arange(3, 19)


def images(height: int = 32, width: int = 32) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    coarse = rng.integers(0, 256, (len(IDS), -(-height // 4), -(-width // 4), 3))
    smooth = coarse.repeat(4, 1).repeat(4, 2)[:, :height, :width]
    return np.clip(smooth + rng.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


def assert_same(
    text: str,
    how: str,
    seed: int = 0,
    size: tuple[int, int] = (32, 32),
    given_images: np.ndarray | None = None,
) -> None:
    recipe = Recipe.parse(text)
    if given_images is None:
        given_images = images(*size)
    expected, labels = recipe(given_images, IDS % 10, ids=IDS, seed=seed, epoch=2)
    found, found_labels = run(recipe, given_images, IDS, seed=seed, epoch=2, how=how)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found_labels, labels)


@pytest.mark.parametrize("name", OPS)
def test_every_op_makes_the_pixels_of_the_eager_engine(name: str) -> None:
    # Graphs of these take long; the mixture and the other policies are compared as graphs.
    slow = name in ("augmix", "timmaugment", "randaugment", "autoaugment")
    assert_same(name, "op by op" if slow else "graph", seed=2**64 - 1)


@pytest.mark.parametrize(
    "text",
    [
        "crop+rotate+zoom_fillmodereflect+erase+rescale",
        "perspective_p1+rotate_fillmodereflect+elastic+crop",
        "randaugment+mixup+cutmix+flip",
        "erase_p1_fillnoise+noise+mixup",
        "crop40_fillmodereflect+rotate180_fillmodeconstant_cval7+zoom0.5-2_fillmodeconstant_cval200",
        "erase_p1+rotate+erase_p1+flip+posterize",
        "saltpepper+rot90+timmaugment+rgbshift+gamma+channelshuffle+solarizeadd",
        "corruptsnow5+corruptglassblur4+corruptshotnoise5+corruptpixelate5",
    ],
)
@pytest.mark.parametrize("size", [(17, 23), (1, 40)])
def test_recipes_of_other_sizes_too(text: str, size: tuple[int, int]) -> None:
    assert_same(text, "op by op", size=size)


# Even heights that are no whole squares repeat two rows; up to four columns are not smoothed.
@pytest.mark.parametrize("size", [(18, 33), (40, 3), (1, 1)])
def test_jpegs_of_other_sizes_too(size: tuple[int, int]) -> None:
    assert_same("jpeg1-100+corruptjpeg5", "op by op", size=size)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(recipe_text, st.integers(0, 2**64 - 1))
def test_random_recipes_make_the_pixels_of_the_eager_engine(text: str, seed: int) -> None:
    assert_same(text, "op by op", seed=seed)


@pytest.mark.parametrize(
    "text",
    [
        *("standard+erase", "zoom_fillmodereflect+perspective", "elastic", "colorjitter", "blur"),
        *("autocontrast_p1", "noise", "cutmix_p1", "mixup", "scalecrop+normalize", "saltpepper"),
        *("trivialaugment", "corruptfog3", "corruptglassblur", "corruptsnow5", "corruptzoomblur2"),
        "jpeg1-100",
        "rot90+gamma+rgbshift+channelshuffle+solarizeadd",
    ],
)
def test_xla_makes_the_same_pixels(text: str) -> None:
    assert_same(text, "XLA", given_images=images() // 3 + 40)


def test_a_few_images_at_a_time_make_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "PIXELS", 5 * 32 * 32)
    assert_same("rotate+elastic+perspective+blur_p0.5+noise", "graph")


def test_a_mixture_adds_in_the_order_of_the_eager_engine() -> None:
    rng = np.random.default_rng(5)
    many = rng.integers(0, 256, (len(IDS), 64, 512, 3), np.uint8)
    assert_same("augmix_width3_depth1", "graph", given_images=many)


@pytest.mark.parametrize("how", ["op by op", "XLA"])
@pytest.mark.parametrize("border", ["nearest", "reflect", "constant"])
def test_maps_may_reach_far(border: str, how: str) -> None:
    zoomed, turned = f"zoom10-10_fillmode{border}", f"rotate45-45_fillmode{border}"
    assert_same("+".join([zoomed, zoomed, turned, zoomed, zoomed]), how, size=(9, 7))
    if how == "op by op":
        assert_same(zoomed, how, size=(1, 8192))
        assert_same("+".join([zoomed] * 6), how, size=(3, 5))


@pytest.mark.parametrize("block", [0, 2**24 - 257, 2**24 - 256, 2**28])
def test_noise_of_large_images_is_the_same(block: int) -> None:
    key, first = 2**32 + 5, (7 << 24) + 256
    canvas = Canvas(
        tf.zeros([1, 1], tf.int32),
        *(1, 1, tf.constant([key], tf.int64), tf.constant(3, tf.int64), 2**63 + 1, first),
    )
    ours = [int(word[0, 1]) for word in canvas.noise(np.array([0, block]))]
    theirs = philox.noise(*(np.uint64(n) for n in (key, 3, 2**63 + 1, first)), block)
    assert ours == [int(word) for word in theirs]


def test_too_large_images_are_refused() -> None:
    message = "images are 8193 by 2 pixels; 1 to 8192 a side are allowed"
    with pytest.raises(ValueError, match=f"^{message}$"):
        GraphEngine(Recipe.parse("flip").plan, 0, 8193, 2)
