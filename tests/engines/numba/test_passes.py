"""What a pass does in parts, and in place, is what it does at once."""

import itertools

import numpy as np
import pytest

from cifar10_aug import Recipe
from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba import mixtures, passes
from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.kernels import (
    blends,
    coordinates,
    perspectives,
    philox,
    resampling,
    straight,
)
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    AFFINE,
    BLEND,
    CONSTANT,
    DISPLACE,
    EDGE,
    FIELD,
    GENERAL,
    MIRROR,
    NEAREST,
    OUTSIDE,
    PERSPECTIVE,
    REFLECT,
    TILT,
    Resampling,
    Scratch,
    Warps,
)
from cifar10_aug.engines.numba.kernels.separate import ADDRESSES, need

SIZE = HEIGHT, WIDTH = 6, 5
LEVEL = 0x030201


def scratch() -> Scratch:
    return Scratch.of(HEIGHT * WIDTH, 0)


def where(memory: Scratch) -> np.ndarray:
    """Pixels that are read and the weights of their neighbours, uint32 [3, pixels]."""
    return memory.lines[[4, 2, 3]]


def read(warps: Warps) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and weights by the general way, and where the border is painted."""
    memory = scratch()
    need(DISPLACE, TILT)
    coordinates.coordinates(warps, 0, SIZE, memory, ADDRESSES)
    return where(memory), memory.at[2] != 0


def warps(kind: int, border: int, matrix: np.ndarray, field: np.ndarray) -> Warps:
    return Warps(
        np.array([kind]),
        matrix[None, None],
        np.empty((1, 0, 8)),
        field[None, None],
        np.array([border]),
        np.array([LEVEL], np.uint32),
        np.array([GENERAL]),
        np.array([0]),
    )


@pytest.mark.parametrize("border", [CONSTANT, EDGE])
def test_one_near_map_shows_the_border_where_any_map_does(border: int) -> None:
    rng = np.random.default_rng(border)
    field, source = np.empty((2, HEIGHT * WIDTH), np.int32), np.zeros(HEIGHT * WIDTH + 7, np.uint32)
    need(BLEND, OUTSIDE)
    for _ in range(20):
        matrix = np.rint(rng.normal([1, 0, 0, 0, 1, 0], [0.3, 0.3, 2, 0.3, 0.3, 2]) * 65536)
        matrix = matrix.astype(np.int64)
        given = warps(AFFINE, border, matrix, field)
        expected, painted = read(given)
        memory, line = scratch(), np.empty(HEIGHT * WIDTH, np.uint32)
        asked = Resampling(source, 0, SIZE, given, 0, memory, line, ADDRESSES)
        resampling.interpolate_near(asked)
        assert (where(memory) == expected).all()
        assert (line == np.where(painted, LEVEL, 0)).all()


@pytest.mark.parametrize("border", [NEAREST, CONSTANT, EDGE])
def test_one_perspective_map_reads_where_any_map_does(border: int) -> None:
    rng = np.random.default_rng(border)
    matrix, field = np.zeros(6, np.int64), np.empty((2, HEIGHT * WIDTH), np.int32)
    # The last ones have a horizon in the image.
    for steep in (0.0, *[0.05] * 20, *[0.5] * 20):
        h = rng.normal([1, 0, 0, 0, 1, 0, 0, 0], [0.3, 0.3, 2, 0.3, 0.3, 2, steep, steep])
        given = warps(PERSPECTIVE, border, matrix, field)._replace(perspectives=h[None, None])
        expected, painted = read(given)
        memory = scratch()
        perspectives.tilted_coordinates(h, border, LEVEL, SIZE, memory)
        assert (where(memory) == expected).all()
        assert ((memory.at[2] != 0) == painted).all()


@pytest.mark.parametrize("reach", [0, 3, 6, 40])
def test_one_reflection_is_used_where_it_is_enough(reach: int) -> None:
    rng = np.random.default_rng(reach)
    matrix = np.zeros(6, np.int64)
    for _ in range(20):
        field = rng.integers(-reach * 65536, reach * 65536 + 1, (2, HEIGHT * WIDTH), np.int32)
        expected, _ = read(warps(FIELD, REFLECT, matrix, field))
        memory = scratch()
        enough = coordinates.reflected_coordinates(field, SIZE, memory)
        x, y = field / 65536 + 0.5 + np.indices((HEIGHT, WIDTH)).reshape(2, -1)[::-1]
        assert enough == ((abs(x) <= 2 * WIDTH).all() and (abs(y) <= 2 * HEIGHT).all())
        assert (where(memory) == expected).all() or not enough


@pytest.mark.parametrize("border", [NEAREST, REFLECT, MIRROR])
def test_whole_pixels_fold_where_any_coordinates_do(border: int) -> None:
    for length, at in itertools.product([1, 2, 5, 6], range(-20, 21)):
        expected = coordinates.folded(at << FRACTION, length, border) >> FRACTION
        assert straight._folded_pixel(at, length, border) == expected


def test_a_random_word_is_the_quotient_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    # Ties of the first two terms of the series have 1024 at the end.
    words = rng.integers(0, 2**32, 5000, np.uint32) & np.uint32(0xFFFFF800) | np.uint32(1024)
    for word in (0, 1, 2**31, 2**32 - 1, *words.tolist()):
        assert philox.from_minus_one(np.uint32(word)) == word / 2147483647.5 - 1.0


def test_versions_are_laid_over_each_other_in_order_and_rounded_once() -> None:
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (3, 4, 50, 3), np.uint32)
    weights = rng.dirichlet([1, 1, 1], 4).T.astype(np.float32)
    weights[:, 3] = 0.5, 0.5, 0
    packed = levels @ np.array([1, 256, 65536], np.uint32)
    total = np.zeros((4, 50, 3), np.float32)
    for weight, one in zip(weights, levels, strict=True):
        total += weight[:, None, None] * one.astype(np.float32)
    expected = np.floor(total.astype(np.float64) + 0.5).clip(0, 255).astype(np.uint32)
    blends.lay(tuple(packed), weights, packed[0])
    assert (packed[0] == expected @ np.array([1, 256, 65536], np.uint32)).all()


@pytest.mark.parametrize("text", ["elastic+rotate30", "elastic_p0.5+noise+elastic"])
def test_fields_made_in_parts_are_those_made_at_once(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 8, 4, 3), np.uint8)
    recipe = Recipe.parse(text)
    expected = recipe(images, ids=np.arange(7))
    monkeypatch.setattr(passes, "_PIXELS_AT_ONCE", 3 * 32)
    assert (recipe(images, ids=np.arange(7)) == expected).all()


@pytest.mark.parametrize("text", ["saturation+rotate30_p0.5", "saturation+erase_p0.5+elastic_p0.5"])
def test_a_pass_in_place_changes_what_one_into_new_memory_does(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    recipe = Recipe.parse(f"{text}+contrast")
    expected = recipe(images, ids=np.arange(9))
    whole = Engine._pass
    monkeypatch.setattr(
        Engine, "_pass", lambda self, made, batch, in_place: whole(self, made, batch, False)
    )
    assert (recipe(images, ids=np.arange(9)) == expected).all()


@pytest.mark.parametrize("first", ["labelsmooth", "labelsmooth+flip", "labelsmooth+augmix"])
def test_images_that_are_given_stay_as_they_are(first: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    # Of a size that is not read where it is.
    for given in (images, images[:, :7, :7].copy()):
        before = given.copy()
        made = Recipe.parse(f"{first}+autocontrast_p1")(given)
        assert (given == before).all()
        assert first != "labelsmooth" or (made == Recipe.parse("autocontrast_p1")(given)).all()


@pytest.mark.parametrize("text", ["mixup", "cutmix_p1", "mixup-or-cutmix", "mixup-or-resizemix"])
@pytest.mark.parametrize("size", [(8, 8), (4, 6), (20, 3)])
def test_images_are_mixed_where_they_are_as_others_are(text: str, size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, *size, 3), np.uint8)
    recipe, ids = Recipe.parse(text), np.arange(60)
    # These are copied first.
    apart = images[:, :, ::-1].copy()[:, :, ::-1]
    expected = recipe(apart, ids=ids)
    assert (recipe(images, ids=ids) == expected).all()
    assert (recipe(images, ids=ids, partners=(apart, None, ids)) == expected).all()
    assert (expected != images).any()


@pytest.mark.parametrize("severity", [1, 4])
def test_resized_versions_are_laid_as_any_others(
    severity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 21, 34, 3), np.uint8)
    recipe = Recipe.parse(f"corruptzoomblur{severity}_p0.7")
    made = recipe(images)
    found: list[object] = []
    monkeypatch.setattr(mixtures, "_resizing", lambda *given: found.append(given))

    np.testing.assert_array_equal(recipe(images), made)
    assert found
