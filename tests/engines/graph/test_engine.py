import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar10_aug.ops import OPS
from cifar10_aug.recipe import Recipe
from tests.engines.graph.running import run
from tests.test_recipe import recipe_text

NOT_A_GRAPH = "corruptjpeg"
# Where the order in which TensorFlow adds numbers shows.
ADDS = ("augmix",)
IDS = np.arange(3, 19)


def images(height: int = 32, width: int = 32) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    coarse = rng.integers(0, 256, (len(IDS), -(-height // 4), -(-width // 4), 3))
    smooth = coarse.repeat(4, 1).repeat(4, 2)[:, :height, :width]
    return np.clip(smooth + rng.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


def assert_same(
    text: str, how: str, most: int = 0, seed: int = 0, size: tuple[int, int] = (32, 32)
) -> None:
    recipe, given_images = Recipe.parse(text), images(*size)
    expected, labels = recipe(given_images, IDS % 10, ids=IDS, seed=seed, epoch=2)
    found, found_labels = run(recipe, given_images, IDS, seed=seed, epoch=2, how=how)
    assert found.dtype == expected.dtype
    if expected.dtype == np.uint8:
        assert np.abs(found.astype(int) - expected).max() <= most
    else:
        np.testing.assert_allclose(found, expected, atol=1e-6 + most / 50)
    np.testing.assert_allclose(found_labels, labels, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in OPS if name != NOT_A_GRAPH])
def test_every_op_makes_the_pixels_of_the_eager_engine(name: str) -> None:
    assert_same(name, "graph", most=name in ADDS, seed=2**64 - 1)


@pytest.mark.parametrize(
    "text",
    [
        "crop+rotate+zoom_fillmodereflect+erase+rescale",
        "perspective_p1+rotate_fillmodereflect+elastic+crop",
        "randaugment+mixup+cutmix+flip",
        "erase_p1_fillnoise+noise+mixup",
        "crop40_fillmodereflect+rotate180_fillmodeconstant_cval7",
        "erase_p1+rotate+erase_p1+flip+posterize",
        "corruptsnow5+corruptglassblur4+corruptshotnoise5+corruptpixelate5",
    ],
)
@pytest.mark.parametrize("size", [(17, 23), (1, 40)])
def test_recipes_of_other_sizes_too(text: str, size: tuple[int, int]) -> None:
    assert_same(text, "op by op", size=size)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(recipe_text, st.integers(0, 2**64 - 1))
def test_random_recipes_make_the_pixels_of_the_eager_engine(text: str, seed: int) -> None:
    if NOT_A_GRAPH not in text and not any(name in text for name in ADDS):
        assert_same(text, "op by op", seed=seed)


@pytest.mark.parametrize(
    "text",
    [
        *("rotate", "standard+erase", "zoom_fillmodereflect+perspective", "elastic"),
        *("colorjitter", "equalize", "autocontrast", "blur", "noise", "cutmix", "scalecrop"),
        *("trivialaugment", "corruptfog3", "corruptglassblur", "normalize"),
    ],
)
def test_xla_makes_the_same_pixels_within_a_level(text: str) -> None:
    assert_same(text, "XLA", most=1)
