"""Slants and moves along one axis, against Pillow."""

import numpy as np
import pytest
from PIL import Image

from cifar10_aug.recipes.recipe import Recipe
from tests.ops.pillow import inside, transformed


@pytest.mark.parametrize(
    ("text", "matrix"),
    [
        ("shearx0.3-0.3", (1, 0.3, 0, 0, 1, 0)),
        ("sheary0.25-0.25", (1, 0, 0, 0.25, 1, 0)),
        ("translatex0.2-0.2", (1, 0, 6, 0, 1, 0)),
        ("translatey0.99-0.99", (1, 0, 0, 0, 1, 31)),
    ],
)
def test_they_do_what_pillow_does(
    text: str, matrix: tuple[float, ...], sample_images: np.ndarray
) -> None:
    made = Recipe.parse(f"{text}_fillmodeconstant")(sample_images[:20])
    visible = inside(matrix, 32, 32)
    for image, ours in zip(sample_images[:20], made, strict=True):
        theirs = transformed(image, Image.Transform.AFFINE, matrix)
        assert np.abs(ours.astype(int) - theirs)[visible].max() <= 1
    # What lies a whole pixel outside is black.
    outside = ~inside(matrix, 32, 32, margin=-1)
    assert not made[:, outside].any()


def test_translations_are_by_whole_pixels_both_ways() -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), np.uint8)
    recipe = Recipe.parse("translatex0.1")
    made = recipe(images)
    fractions = recipe.parameters(np.arange(300))["0.translatex.fraction"]
    moved = np.trunc(fractions * 32).astype(int)
    assert set(moved.tolist()) == {-3, -2, -1, 0, 1, 2, 3}
    for image, ours, by in zip(images, made, moved, strict=True):
        expected = image[:, np.clip(np.arange(32) + by, 0, 31)]
        np.testing.assert_array_equal(ours, expected)
