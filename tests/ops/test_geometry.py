"""Each op at a fixed parameter against an independent implementation."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.ops import OPS
from cifar10_aug.ops.fields import fields_of
from cifar10_aug.recipes.recipe import Recipe

# Keras imports SciPy by an old name.
pytestmark = pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")

keras = tf.keras.preprocessing.image


def by_keras(images: np.ndarray, **arguments: Any) -> np.ndarray:
    moved = [
        keras.apply_affine_transform(
            image.astype(np.float64), row_axis=0, col_axis=1, channel_axis=2, order=1, **arguments
        )
        for image in images
    ]
    return np.rint(np.stack(moved))


CASES: list[tuple[str, dict[str, Any]]] = [
    ("rotate17-17", {"theta": 17}),
    ("rotate120-120", {"theta": 120}),
    ("rotate175-175", {"theta": 175}),
    ("shift_width0.1-0.1_height0.23-0.23", {"tx": 0.1 * 32, "ty": 0.23 * 32}),
    ("shift0.3-0.3", {"tx": 0.3 * 32, "ty": 0.3 * 32}),
    ("shear25-25", {"shear": 25}),
    ("shear60-60", {"shear": 60}),
    ("zoom0.7-0.7", {"zx": 0.7, "zy": 0.7}),
    ("zoom1.4-1.4", {"zx": 1.4, "zy": 1.4}),
    ("zoom_isotropic0.55-0.55", {"zx": 0.55, "zy": 0.55}),
]
BORDERS: dict[str, dict[str, Any]] = {
    "": {"fill_mode": "nearest"},
    "_fillmodereflect": {"fill_mode": "reflect"},
    "_fillmodeconstant": {"fill_mode": "constant", "cval": 0},
    "_fillmodeconstant_cval200": {"fill_mode": "constant", "cval": 200},
}


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(("text", "arguments"), CASES, ids=[text for text, _ in CASES])
def test_an_op_agrees_with_keras(
    text: str, arguments: dict[str, Any], border: str, sample_images: np.ndarray
) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    for images in (sample_images[:12], noise):
        ours = Recipe.parse(text + border)(images)
        theirs = by_keras(images, **arguments, **BORDERS[border])
        apart = np.abs(ours - theirs)
        assert apart.max() <= 2
        assert apart.mean() <= 0.5


@pytest.mark.parametrize("border", BORDERS)
def test_quarter_turns_are_exact(border: str, sample_images: np.ndarray) -> None:
    # Nothing falls over the edge, whatever the border. (Keras loses rows here, by rounding.)
    images = sample_images[:12]
    assert (Recipe.parse(f"rotate180-180{border}")(images) == images[:, ::-1, ::-1]).all()
    turned = Recipe.parse(f"rotate90-90{border}")(images)
    assert (turned == np.rot90(images, 1, axes=(1, 2))).all()


def test_zoom_is_independent_for_each_axis(sample_images: np.ndarray) -> None:
    recipe = Recipe.parse("zoom0.5-1.5")
    images = sample_images[:40]
    ours = recipe(images)
    from tests.engines.reference import draws_of

    for number in range(40):
        step = PlannedOp(0, recipe.ops[0], 0, recipe.ops[0].slots)
        drawn = recipe.ops[0].affine(draws_of(recipe, step, number, 0, 0), 32, 32)  # type: ignore[attr-defined]
        zx, zy = float(drawn.xx[0]), float(drawn.yy[0])
        assert zx != zy
        theirs = by_keras(images[number : number + 1], zx=zx, zy=zy, fill_mode="nearest")
        assert np.abs(ours[number] - theirs[0]).max() <= 2


@pytest.mark.parametrize(
    ("text", "axis"), [("flip_p1", 2), ("flipud_p1", 1)], ids=["flip", "flipud"]
)
def test_a_flip_is_a_reversal(text: str, axis: int, sample_images: np.ndarray) -> None:
    images = sample_images[:20]
    assert (Recipe.parse(text)(images) == np.flip(images, axis)).all()
    assert (Recipe.parse(text.replace("p1", "p0"))(images) == images).all()


def test_half_of_the_images_are_flipped(sample_images: np.ndarray) -> None:
    flipped = (Recipe.parse("flip")(sample_images) != sample_images).any(axis=(1, 2, 3))
    assert abs(flipped.mean() - 0.5) < 0.03


# Where a white pixel goes that is eight pixels right of the centre, and one that is eight below it.
DIRECTIONS = [
    ("rotate_degrees90-90", "positive is anticlockwise", (0, -8), (8, 0)),
    ("shear_degrees30-30", "positive moves the lower half right", (8, 0), (4, 9)),
    ("shift_fraction0.25-0.25", "positive is left and up", (0, -8), (-8, 0)),
    ("shift_width0.25-0.25_height0-0", "positive is left", (0, 0), (-8, 8)),
    ("shift_height0.25-0.25_width0-0", "positive is up", (8, -8), (0, 0)),
    ("shearx_slope0.5-0.5", "positive moves lower rows left", (0, 0), (-12, 8)),
    ("sheary_slope0.5-0.5", "positive moves columns on the right up", (8, -12), (0, 0)),
    ("translatex_fraction0.25-0.25", "positive is left", (0, 0), (-8, 8)),
    ("translatey_fraction0.25-0.25", "positive is up", (8, -8), (0, 0)),
]


@pytest.mark.parametrize(("text", "words", "right", "below"), DIRECTIONS)
def test_positive_numbers_move_pixels_where_the_list_says(
    text: str, words: str, right: tuple[int, int], below: tuple[int, int]
) -> None:
    name, field = text.split("_")[:2]
    assert words in fields_of(OPS[name])[field.rstrip("0123456789.-")].about
    for x, y, moved in ((24, 16, right), (16, 24, below)):
        image = np.zeros((33, 33, 3), np.uint8)
        image[y, x] = 255
        made = Recipe.parse(f"{text}_fillmodeconstant")(image)
        to_y, to_x = np.unravel_index(made[..., 0].argmax(), (33, 33))
        assert (to_x - 16, to_y - 16) == moved


@pytest.mark.parametrize(
    ("text", "size", "turned"),
    [
        ("rot90", (32, 32), {0, 1, 2, 3}),
        ("rot180", (32, 32), {0, 2}),
        ("rot90", (20, 27), {0, 2}),
        # One map with its neighbours, and still exact.
        ("rot90+flip_p0", (7, 7), {0, 1, 2, 3}),
    ],
)
def test_quarter_turns_are_numpys(text: str, size: tuple[int, int], turned: set[int]) -> None:
    images = np.random.default_rng(3).integers(0, 256, (60, *size, 3), np.uint8)
    recipe = Recipe.parse(text)
    log = recipe.parameters(np.arange(60), height=size[0], width=size[1])
    turns = log["0.rot.quarterturns"].tolist()
    assert set(turns) == turned
    for image, ours, k in zip(images, recipe(images), turns, strict=True):
        np.testing.assert_array_equal(ours, np.rot90(image, k))
