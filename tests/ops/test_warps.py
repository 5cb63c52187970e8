"""Warps against Pillow and SciPy."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, stats

from cifar10_aug.ops.warps import RandomPerspective
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws
from cifar10_aug.rng.draws import Draws
from tests.ops.pillow import inside, transformed

CORNERS = ("upperleft", "upperright", "lowerright", "lowerleft")


def coefficients(seen: list[tuple[float, float]], width: int, height: int) -> tuple[float, ...]:
    """Pillow's eight numbers for showing the image's corners at some places, by least squares."""
    read = [(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)]
    rows, right = [], []
    # Pillow counts from the image's corner, half a pixel from the first centre.
    places = np.concatenate([seen, read], axis=1) + 0.5
    for x, y, u, v in places.tolist():
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return tuple(np.linalg.solve(np.array(rows), np.array(right)).tolist())


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 45)])
def test_perspective_shows_the_corners_where_it_says(height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    images = np.stack(
        [ndimage.gaussian_filter(rng.uniform(0, 255, (height, width, 3)), (1, 1, 0))] * 60
    ).astype(np.uint8)
    recipe = Recipe.parse("perspective0.6_p1")
    made = recipe(images, epoch=2)
    log = recipe.parameters(np.arange(60), epoch=2, height=height, width=width)
    for i in range(60):
        seen = [tuple(log[f"0.perspective.{c}{axis}"][i] for axis in "xy") for c in CORNERS]
        numbers = coefficients(seen, width, height)
        theirs = transformed(images[i], Image.Transform.PERSPECTIVE, numbers)
        visible = inside(numbers, height, width, margin=0.001)
        assert visible.mean() > 0.1
        assert np.abs(made[i].astype(int) - theirs)[visible].max() <= 2
        # The image ends half a pixel beyond the outermost centres.
        assert not made[i][~inside(numbers, height, width, margin=-0.51)].any()
        assert made[i][inside(numbers, height, width, margin=-0.49)].any(-1).all()


def test_perspectives_corners_move_evenly_up_to_the_distortion() -> None:
    log = Recipe.parse("perspective0.4_p1").parameters(np.arange(20_000))
    for corner in CORNERS:
        for axis, far in (("x", "right"), ("y", "lower")):
            values = log[f"0.perspective.{corner}{axis}"]
            moved = 31 - values if far in corner else values
            assert stats.kstest(moved, stats.uniform(0, 0.4 * 15.5).cdf).pvalue > 0.001


def test_perspective_comes_as_often_as_p_says() -> None:
    log = Recipe.parse("perspective").parameters(np.arange(20_000))
    assert abs(log["0.perspective.applied"].mean() - 0.5) < 0.02
    still = ~log["0.perspective.applied"]
    assert (log["0.perspective.upperleftx"][still] == 0).all()
    images = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), np.uint8)
    made = Recipe.parse("perspective")(images)
    assert [(a == b).all() for a, b in zip(made, images, strict=True)] == still[:50].tolist()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_tiny_images_have_perspective_too(height: int, width: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, height, width, 3), np.uint8)
    assert Recipe.parse("perspective0.9_p1+elastic")(images).shape == images.shape
    assert (Recipe.parse("perspective0_p1")(images) == images).all()


def test_the_strongest_draws_are_still_a_map() -> None:
    for word in (0, 2**32 - 1):
        drawn = Draws(np.full((9, 1), word, np.uint32))
        made = RandomPerspective(0.9, 1.0).perspective(drawn, 32, 32)
        assert np.isfinite([float(np.ravel(entry)[0]) for entry in made]).all()


def noise(number: int, epoch: int, seed: int, height: int, width: int) -> np.ndarray:
    """The uniform noise of elastic displacements, straight from Philox: [2, height, width]."""
    words = []
    for block in range((height * width + 1) // 2):
        counter = (number, 0, epoch, 256 + block, seed, 0)
        words += [int(word) for word in draws.philox(*(np.uint64(v) for v in counter))]
    pairs = np.array(words[: 2 * height * width]).reshape(height, width, 2)
    return np.moveaxis(pairs / 2147483647.5 - 1, -1, 0)


@pytest.mark.parametrize("border", ["reflect", "nearest"])
def test_elastic_is_scipys(border: str, sample_images: np.ndarray) -> None:
    recipe = Recipe.parse(f"elastic20_sigma3_fillmode{border}")
    made = recipe(sample_images[:5], seed=7, epoch=3)
    for i in range(5):
        dx, dy = (
            20 * ndimage.gaussian_filter(axis, 3, mode="reflect", radius=9)
            for axis in noise(i, 3, 7, 32, 32)
        )
        y, x = np.mgrid[:32, :32]
        theirs = np.stack(
            [
                ndimage.map_coordinates(
                    sample_images[i, :, :, channel].astype(float),
                    [y + dy, x + dx],
                    order=1,
                    mode=border,
                )
                for channel in range(3)
            ],
            axis=-1,
        )
        apart = np.abs(made[i] - theirs)
        assert apart.max() <= 3
        assert apart.mean() <= 0.5


def test_a_warp_among_others_is_one_resampling() -> None:
    # Turned by 45 degrees eight times, with warps that do nothing between: as it was.
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    turns = "rotate90-90+perspective0_p1+rotate90-90+elastic0_sigma1+rotate90-90"
    made = Recipe.parse(f"{turns}+rotate90-90")(images)
    np.testing.assert_array_equal(made, images)


def test_elastic_draws_its_fields() -> None:
    log = Recipe.parse("elastic5-40_sigma2-6").parameters(np.arange(20_000))
    for name, low, high in (("alpha", 5, 40), ("sigma", 2, 6)):
        values = log[f"0.elastic.{name}"]
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.001
