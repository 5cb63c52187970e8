import numpy as np
import pytest

from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.pipelines import levels
from cifar10_aug.recipes.recipe import Recipe

HALVES = ((np.arange(255) + 0.5) / np.float32(255)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_rounded_to_the_nearest_level(dtype: type) -> None:
    drawn = np.random.default_rng(0).random(3000).astype(np.float32)
    near = [HALVES, np.nextafter(HALVES, np.float32(0)), np.nextafter(HALVES, np.float32(1))]
    images: np.ndarray = (
        np.concatenate([*near, drawn, [0, 1, -0.0]]).astype(dtype).reshape(-1, 1, 3)
    )
    expected = np.rint(images * dtype(255)).astype(np.uint8)
    assert (levels.of(images) == expected).all()
    assert (levels.of(images[::2]) == expected[::2]).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, -1e-9, 1.0000001, 255])
@pytest.mark.parametrize("place", [(0, 0, 0, 0), (3, 8, 6, 2)])
def test_a_number_outside_of_the_range_is_found(wrong: float, place: tuple[int, ...]) -> None:
    images = np.full((4, 9, 7, 3), 0.5, np.float32)
    images[place] = wrong
    with pytest.raises(ValueError, match=r"from 0 to 1"):
        levels.of(images)


@pytest.mark.parametrize("recipe", ["plain", "crop4", "rotate+erase", "flip+blur_p1"])
def test_engines_write_the_fractions_that_levels_mean(recipe: str) -> None:
    plan = Recipe.parse(recipe).plan
    images = np.random.default_rng(0).integers(0, 256, (30, 9, 7, 3), np.uint8)
    source, rows = Source.of(images), np.arange(30)
    keys = rows.astype(np.uint64)
    made = Engine(plan, 3, 9, 7)(source, rows, keys, 1)
    expected = np.empty(made.shape, np.float32)
    levels.back(made, expected)
    found = Engine(plan, 3, 9, 7, fractions=True)(Source.of(images), rows, keys, 1)
    assert found.dtype == np.float32
    assert (found == expected).all()
