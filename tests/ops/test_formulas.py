"""What every op makes of its random words, said again with Python's own arithmetic."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from cifar10_aug.data.spec import CIFAR10
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.base import Noise
from cifar10_aug.ops.compound import SequenceOp
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng.draws import Draws

HEIGHT, WIDTH, EPOCH = 20, 27, 3
MIDDLE_X, MIDDLE_Y = 13.0, 9.5
TOP = 2**32 - 1
Words = Sequence[int]
Numbers = Sequence[float]
# The numbers that an op makes, and what it logs, by name and in order.
Made = tuple[Numbers, Mapping[str, float]]


def words_for(op: Any) -> np.ndarray:
    """Words for 60 examples: drawn ones, the least and the greatest."""
    drawn = np.random.default_rng(7).integers(0, 2**32, (op.slots, 58), dtype=np.uint64)
    ends = np.array([[0, TOP]] * op.slots, np.uint64).reshape(op.slots, 2)
    return np.concatenate([drawn, ends], axis=1).astype(np.uint32)


def assert_as_said(
    text: str, method: Callable[[Any, Draws], Any], expected: Callable[[Words], Made]
) -> None:
    op = Recipe.parse(text).ops[0]
    words = words_for(op)
    draws = Draws(words, EPOCH)
    made = [np.broadcast_to(np.asarray(number), 60) for number in method(op, draws)]
    for i in range(60):
        numbers, log = expected([int(word) for word in words[:, i]])
        given = [float(number) for number in numbers]
        assert [float(number[i]) for number in made] == pytest.approx(given, abs=1e-9)
        assert list(draws.named) == list(log)
        logged = [float(np.broadcast_to(values, 60)[i]) for values in draws.named.values()]
        assert logged == pytest.approx([float(value) for value in log.values()], abs=1e-9)


def uniform(low: float, high: float, word: int) -> float:
    return low + (high - low) * word / TOP


def integer(low: int, high: int, word: int) -> int:
    return low + (word * (high - low + 1) >> 32)


def chance(p: float, word: int) -> bool:
    return word < p * 2**32


def about_the_middle(xx: float, xy: float, yx: float, yy: float) -> Numbers:
    x0 = MIDDLE_X - xx * MIDDLE_X - xy * MIDDLE_Y
    y0 = MIDDLE_Y - yx * MIDDLE_X - yy * MIDDLE_Y
    return xx, xy, x0, yx, yy, y0


def moved(right: float, down: float) -> Numbers:
    return 1, 0, right, 0, 1, down


def rotated(words: Words) -> Made:
    degrees = uniform(10, 50, words[0])
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return about_the_middle(cosine, -sine, sine, cosine), {"degrees": degrees}


def slanted(words: Words) -> Made:
    degrees = uniform(-40, 40, words[0])
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return about_the_middle(1, -sine, 0, cosine), {"degrees": degrees}


def shifted(wide: tuple[float, float], tall: tuple[float, float]) -> Callable[[Words], Made]:
    def expected(words: Words) -> Made:
        down, right = uniform(*tall, words[0]), uniform(*wide, words[1])
        return moved(right * WIDTH, down * HEIGHT), {"height": down, "width": right}

    return expected


def zoomed(second: int) -> Callable[[Words], Made]:
    def expected(words: Words) -> Made:
        vertical, horizontal = uniform(0.5, 1.4, words[0]), uniform(0.5, 1.4, words[second])
        log = {"vertical": vertical, "horizontal": horizontal}
        return about_the_middle(horizontal, 0, 0, vertical), log

    return expected


def slope_x(words: Words) -> Made:
    slope = uniform(0.1, 0.4, words[0])
    return (1, slope, slope / 2, 0, 1, 0), {"slope": slope}


def slope_y(words: Words) -> Made:
    slope = uniform(0.1, 0.4, words[0])
    return (1, 0, 0, slope, 1, slope / 2), {"slope": slope}


def translated_x(words: Words) -> Made:
    fraction = uniform(-0.4, 0.4, words[0])
    return moved(math.trunc(fraction * WIDTH), 0), {"fraction": fraction}


def translated_y(words: Words) -> Made:
    fraction = uniform(-0.4, 0.4, words[0])
    return moved(0, math.trunc(fraction * HEIGHT)), {"fraction": fraction}


def mirrored(flipped: bool) -> Made:
    numbers = (-1, 0, WIDTH - 1, 0, 1, 0) if flipped else (1, 0, 0, 0, 1, 0)
    return numbers, {"flipped": flipped}


def upside_down(words: Words) -> Made:
    flipped = chance(0.3, words[0])
    return (1, 0, 0, 0, *((-1, HEIGHT - 1) if flipped else (1, 0))), {"flipped": flipped}


def cropped(words: Words) -> Made:
    down, right = integer(-5, 5, words[0]), integer(-5, 5, words[1])
    return moved(right, down), {"top": down, "left": right}


def scaled_and_cropped(words: Words) -> Made:
    size = integer(40, 50, words[0])
    tall, wide = size * HEIGHT // 32, size * WIDTH // 32
    down, right = integer(0, tall - HEIGHT, words[1]), integer(0, wide - WIDTH, words[2])
    x, y = WIDTH / wide, HEIGHT / tall
    log = {"size": size, "top": down, "left": right}
    return (x, 0, (right + 0.5) * x - 0.5, 0, y, (down + 0.5) * y - 0.5), log


def turned(square: bool) -> Callable[[Words], Made]:
    def expected(words: Words) -> Made:
        turns = words[0] * 4 >> 32
        if not square:
            turns = 2 * (turns // 2)
        assert 0 <= turns < 4
        cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[turns]
        return about_the_middle(cosine, -sine, sine, cosine), {"quarterturns": turns}

    return expected


AFFINE: list[tuple[str, Callable[[Words], Made]]] = [
    ("rotate10-50", rotated),
    ("shear40", slanted),
    ("shift0.2", shifted((-0.2, 0.2), (-0.2, 0.2))),
    ("shift_width0.1-0.4", shifted((0.1, 0.4), (-0.3, 0.3))),
    ("shift_height0.1-0.4", shifted((-0.3, 0.3), (0.1, 0.4))),
    ("zoom0.5-1.4", zoomed(1)),
    ("zoom_isotropic0.5-1.4", zoomed(0)),
    ("shearx0.1-0.4", slope_x),
    ("sheary0.1-0.4", slope_y),
    ("translatex0.4", translated_x),
    ("translatey0.4", translated_y),
    ("flip0.3", lambda words: mirrored(chance(0.3, words[0]))),
    ("flipud0.3", upside_down),
    ("altflip", lambda words: mirrored((integer(0, 1, words[0]) + EPOCH) % 2 == 1)),
    ("rot90", turned(square=False)),
    ("crop5", cropped),
    ("scalecrop40-50", scaled_and_cropped),
]


@pytest.mark.parametrize(("text", "expected"), AFFINE, ids=[text for text, _ in AFFINE])
def test_maps_are_as_said(text: str, expected: Callable[[Words], Made]) -> None:
    assert_as_said(text, lambda op, draws: op.affine(draws, HEIGHT, WIDTH), expected)


def erased(least: float, most: float) -> Callable[[Words], Made]:
    def expected(words: Words) -> Made:
        area = max(uniform(least, most, words[1]) * HEIGHT * WIDTH, 1)
        low, high = max(0.3, area / WIDTH**2), min(3.3, HEIGHT**2 / area)
        aspect = math.exp(uniform(math.log(low), math.log(max(low, high)), words[2]))
        tall = max(min(round(math.sqrt(area * aspect)), HEIGHT), 1)
        wide = max(min(round(math.sqrt(area / aspect)), WIDTH), 1)
        top, left = integer(0, HEIGHT - tall, words[3]), integer(0, WIDTH - wide, words[4])
        return boxed(chance(0.6, words[0]), top, left, top + tall, left + wide)

    return expected


def cut_out(words: Words) -> Made:
    top, left = integer(0, HEIGHT - 1, words[1]) - 3, integer(0, WIDTH - 1, words[2]) - 3
    bottom, right = min(top + 7, HEIGHT), min(left + 7, WIDTH)
    return boxed(chance(0.6, words[0]), max(top, 0), max(left, 0), bottom, right)


def boxed(applied: bool, top: int, left: int, bottom: int, right: int) -> Made:
    sides = (top, left, bottom, right) if applied else (top, left, top, left)
    return sides, dict(zip(("top", "left", "bottom", "right"), sides, strict=True))


BOXES: list[tuple[str, Callable[[Words], Made]]] = [
    ("erase0.6", erased(0.02, 0.4)),
    # A pixel at least; and so large that few aspects fit.
    ("erase0.6_area0", erased(0, 0)),
    ("erase0.6_area0.5-0.9", erased(0.5, 0.9)),
    ("cutout7_p0.6", cut_out),
]


@pytest.mark.parametrize(("text", "expected"), BOXES, ids=[text for text, _ in BOXES])
def test_boxes_are_as_said(text: str, expected: Callable[[Words], Made]) -> None:
    assert_as_said(text, lambda op, draws: box_of(op).boxes(draws, HEIGHT, WIDTH), expected)


def box_of(op: Any) -> Any:
    """What paints: of Cutout, its first square."""
    return op.parts[0] if isinstance(op, SequenceOp) else op


def test_fills_are_as_said() -> None:
    def level(words: Words) -> Made:
        drawn = integer(0, 255, words[5])
        return (drawn,) * 3, {"level": drawn}

    assert_as_said("erase", lambda op, draws: op.fill_levels(draws, CIFAR10), level)
    for text, levels in (
        *(("erase_fillmean", (125, 123, 114)), ("erase_fill7", (7, 7, 7))),
        *(("cutout", (125, 123, 114)), ("cutout_fill7", (7, 7, 7))),
    ):
        drawn = Draws(words_for(Recipe.parse(text).ops[0]))
        assert box_of(Recipe.parse(text).ops[0]).fill_levels(drawn, CIFAR10) == levels
        assert not drawn.named
    noise = Recipe.parse("erase_fillnoise").ops[0]
    assert noise.fill_levels(Draws(words_for(noise)), CIFAR10) == Noise()  # type: ignore[attr-defined]


def one_number(name: str, low: float, high: float, *constants: float) -> Callable[[Words], Made]:
    def expected(words: Words) -> Made:
        number = uniform(low, high, words[0])
        return (number, *constants), {name: number}

    return expected


def shifted_channels(words: Words) -> Made:
    made = [uniform(5, 90, word) for word in words]
    return made, dict(zip(("red", "green", "blue"), made, strict=True))


def compressed(words: Words) -> Made:
    quality = integer(20, 30, words[0])
    return (quality,), {"quality": quality}


NUMBERS: list[tuple[str, Callable[[Words], Made]]] = [
    ("contrast0.2-1.7", one_number("factor", 0.2, 1.7)),
    ("saturation0.2-1.7", one_number("factor", 0.2, 1.7)),
    ("sharpness0.2-1.7", one_number("factor", 0.2, 1.7)),
    ("channelshift5-90", one_number("range", 5, 90)),
    ("hue0.1-0.3", one_number("turn", 0.1, 0.3)),
    ("blur1-3", one_number("sigma", 1, 3, 3)),
    ("noise1-3", one_number("sigma", 1, 3)),
    ("saltpepper0.1-0.3", one_number("amount", 0.1, 0.3)),
    ("rgbshift5-90", shifted_channels),
    ("jpeg20-30", compressed),
    ("gray", lambda words: ((0,), {})),
    ("autocontrast", lambda words: ((), {})),
    ("equalize", lambda words: ((), {})),
    ("corruptmotionblur4", one_number("degrees", -45, 45)),
    ("corruptsnow4", one_number("degrees", -135, -45)),
]
# Numbers that come before the angle.
CONSTANTS = {"corruptmotionblur4": (8, 2), "corruptsnow4": (0.25, 0.3, 2.25, 0.6, 0.85, 12, 6)}


@pytest.mark.parametrize(("text", "expected"), NUMBERS, ids=[text for text, _ in NUMBERS])
def test_numbers_are_as_said(text: str, expected: Callable[[Words], Made]) -> None:
    def after_constants(words: Words) -> Made:
        numbers, log = expected(words)
        return (*CONSTANTS.get(text, ()), *numbers), log

    assert_as_said(text, lambda op, draws: op.numbers(draws), after_constants)


@pytest.mark.parametrize(
    "name", ["gray", "invert", "autocontrast", "equalize", "posterize", "solarize"]
)
def test_ops_with_a_probability_are_applied_as_often(name: str) -> None:
    def expected(words: Words) -> Made:
        applied = chance(0.3, words[0])
        return (applied,), {"applied": applied}

    assert_as_said(f"{name}_p0.3", lambda op, draws: (op.applied(draws),), expected)


@pytest.mark.parametrize("name", ["brightness", "contrast", "erase", "corruptfog"])
def test_ops_without_one_are_always_applied(name: str) -> None:
    op: Any = Recipe.parse(name).ops[0]
    assert op.applied(Draws(words_for(op))) is True


def brightened(words: Words) -> Made:
    factor = uniform(0.2, 1.7, words[0])
    return [factor * level for level in range(256)], {"factor": factor}


def posterized(words: Words) -> Made:
    bits = integer(1, 8, words[1])
    return [level >> (8 - bits) << (8 - bits) for level in range(256)], {"bits": bits}


def solarized(words: Words) -> Made:
    threshold = uniform(20, 200, words[1])
    made = [level if level < threshold else 255 - level for level in range(256)]
    return made, {"threshold": threshold}


def raised(words: Words) -> Made:
    gamma = uniform(0.5, 3, words[0])
    return [255.999 * (level / 255) ** gamma for level in range(256)], {"gamma": gamma}


def added(words: Words) -> Made:
    addition = uniform(20, 90, words[0])
    made = [level + addition if level < 100 else level for level in range(256)]
    return made, {"addition": addition}


TABLES: list[tuple[str, Callable[[Words], Made]]] = [
    ("brightness0.2-1.7", brightened),
    ("posterize1-8", posterized),
    ("solarize20-200", solarized),
    ("gamma0.5-3", raised),
    ("solarizeadd20-90_threshold100", added),
    ("invert", lambda words: (range(255, -1, -1), {})),
]


@pytest.mark.parametrize(("text", "expected"), TABLES, ids=[text for text, _ in TABLES])
def test_tables_are_as_said(text: str, expected: Callable[[Words], Made]) -> None:
    levels = np.arange(256.0)[:, None]
    assert_as_said(text, lambda op, draws: list(op.table(draws, levels)), expected)


def test_the_range_of_the_pixels_is_as_said() -> None:
    assert Recipe.parse("rescale").ops[0].scale_and_offset(CIFAR10) == (  # type: ignore[attr-defined]
        (1 / 255, 1 / 255, 1 / 255),
        (0.0, 0.0, 0.0),
    )
    assert_normalizes("normalize", (0.2470, 0.2435, 0.2616))
    assert_normalizes("normalize_stdwidespread", (0.2023, 0.1994, 0.2010))


def assert_normalizes(text: str, deviations: Numbers) -> None:
    scale, offset = Recipe.parse(text).ops[0].scale_and_offset(CIFAR10)  # type: ignore[attr-defined]
    for channel, mean in enumerate((0.4914, 0.4822, 0.4465)):
        assert 255 * mean * scale[channel] + offset[channel] == pytest.approx(0)
        high = 255 * (mean + deviations[channel])
        assert high * scale[channel] + offset[channel] == pytest.approx(1)


def test_other_datasets_have_no_widespread_deviation() -> None:
    flowers = dataclasses.replace(CIFAR10, title="Flowers", widespread_std=None)
    recipe = Recipe.parse("flip+normalize_stdwidespread").on(flowers)
    message = (
        "normalize_stdwidespread is for CIFAR-10; no such deviation is known of Flowers; write "
        "normalize, which takes its own"
    )
    with pytest.raises(RecipeError, match=f"^{message}$"):
        recipe(np.zeros((1, 32, 32, 3), np.uint8))


def lambda_of(alpha: float, words: Words) -> float:
    """Beta(alpha, alpha) from four words."""
    one, two, three = (max(word / TOP, 2.0**-33) for word in words[:3])
    radius = math.sqrt(1 - one ** (1 / (alpha + 0.5)))
    larger = max(0.5 + 0.5 * radius * math.cos(2 * math.pi * words[3] / TOP), 2.0**-33)
    odds = larger / max(1 - larger, 2.0**-33) * math.exp((math.log(two) - math.log(three)) / alpha)
    return odds / (1 + odds)


def blended(words: Words) -> Made:
    share = lambda_of(0.7, words[1:])
    return (0, 0, HEIGHT, WIDTH, share), {"lambda": share}


def pasted(words: Words) -> Made:
    share = lambda_of(0.7, words[2:])
    side = math.sqrt(1 - share)
    tall, wide = int(int(HEIGHT * side) / 2), int(int(WIDTH * side) / 2)
    y, x = integer(0, HEIGHT - 1, words[6]), integer(0, WIDTH - 1, words[7])
    box = max(y - tall, 0), max(x - wide, 0), min(y + tall, HEIGHT), min(x + wide, WIDTH)
    sides, log = boxed(chance(0.6, words[1]), *box)
    return (*sides, 0), {"lambda": share, **log}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("mixup0.7", blended), ("cutmix0.7_p0.6", pasted)],
    ids=["mixup", "cutmix"],
)
def test_mixtures_are_as_said(text: str, expected: Callable[[Words], Made]) -> None:
    def method(op: Any, draws: Draws) -> Any:
        boxes, share, shrunk = op.mixing(draws, HEIGHT, WIDTH)
        assert shrunk is False
        return *boxes, share

    assert_as_said(text, method, expected)


def test_perspective_shows_the_drawn_corners_at_the_images() -> None:
    op: Any = Recipe.parse("perspective0.6_p0.7").ops[0]
    words = words_for(op)
    draws = Draws(words)
    numbers = [np.broadcast_to(np.asarray(n, float), 60) for n in op.perspective(draws, 20, 27)]
    names = [
        f"{c}{a}" for c in ("upperleft", "upperright", "lowerright", "lowerleft") for a in "xy"
    ]
    assert list(draws.named) == ["applied", *names]
    for i in range(60):
        applied = chance(0.7, int(words[0, i]))
        assert draws.named["applied"][i] == applied
        xx, xy, x0, yx, yy, y0, dx, dy = (float(number[i]) for number in numbers)
        for k, (x, y) in enumerate(((0, 0), (26, 0), (26, 19), (0, 19))):
            inwards_x = uniform(0, 0.6 * 13, int(words[1 + 2 * k, i])) * applied
            inwards_y = uniform(0, 0.6 * 9.5, int(words[2 + 2 * k, i])) * applied
            at_x, at_y = abs(x - inwards_x), abs(y - inwards_y)
            logged = [float(draws.named[name][i]) for name in names[2 * k : 2 * k + 2]]
            assert logged == pytest.approx([at_x, at_y], abs=1e-9)
            d = dx * at_x + dy * at_y + 1
            seen = (xx * at_x + xy * at_y + x0) / d, (yx * at_x + yy * at_y + y0) / d
            assert seen == pytest.approx((x, y), abs=1e-6)


def test_displacements_are_as_said() -> None:
    def expected(words: Words) -> Made:
        alpha, sigma = uniform(5, 40, words[0]), uniform(2, 6, words[1])
        return (alpha, sigma, 6), {"alpha": alpha, "sigma": sigma}

    assert_as_said("elastic5-40_sigma2-6", lambda op, draws: op.displacement(draws), expected)


def test_colorjitter_is_its_parts() -> None:
    op: Any = Recipe.parse("colorjitter0.1_contrast0.2_saturation0.3_hue0.4").ops[0]
    alone = Recipe.parse("brightness0.1+contrast0.2+saturation0.3+hue0.4").ops
    assert op.parts == alone


def test_zoom_blur_is_the_mean_of_enlarged_images() -> None:
    op: Any = Recipe.parse("corruptzoomblur1").ops[0]
    draws = Draws(np.empty((0, 1), np.uint32))
    maps = [part.affine(draws, 32, 31) for part in op.branches]
    # The first and the last place that is shown, of 32 and of 31: for 1.01, 1.02 and so on.
    down = [(0, 31), *[(0, 31 * 31 / 32)] * 2, (0, 30), *[(0, 31 * 30 / 32)] * 2]
    right = [(0, 30), *[(0, 30 * 30 / 31)] * 2, (0, 29), *[(0, 30 * 29 / 31)] * 2]
    assert [(made.y0, made.y0 + 31 * made.yy) for made in maps] == [pytest.approx(d) for d in down]
    assert [(made.x0, made.x0 + 30 * made.xx) for made in maps] == [pytest.approx(r) for r in right]
    assert {(made.xy, made.yx) for made in maps} == {(0, 0)}
    # The image itself is one of the enlarged, too.
    assert op.weights(draws) == pytest.approx((2 / 8, *(1 / 8,) * 6))


def test_corrupt_elastic_moves_three_points() -> None:
    points, displaced = Recipe.parse("corruptelastic3").ops[0].parts  # type: ignore[attr-defined]
    assert (displaced.alpha, displaced.sigma) == ((2.56, 2.56), (1.92, 1.92))
    words = words_for(points)
    draws = Draws(words)
    numbers = [np.broadcast_to(np.asarray(n, float), 60) for n in points.affine(draws, 21, 27)]
    assert list(draws.named) == ["x1", "y1", "x2", "y2", "x3", "y3"]
    # A third of the shorter side from the middle, 13 and 10.
    for k, (x, y) in enumerate(((20, 17), (20, 3), (6, 3))):
        at_x, at_y = draws.named[f"x{k + 1}"], draws.named[f"y{k + 1}"]
        for at, start, slot in ((at_x, x, 2 * k), (at_y, y, 2 * k + 1)):
            by = [uniform(-1.92, 1.92, int(word)) for word in words[slot]]
            assert at.tolist() == pytest.approx([start + one for one in by])
        assert numbers[0] * at_x + numbers[1] * at_y + numbers[2] == pytest.approx(x)
        assert numbers[3] * at_x + numbers[4] * at_y + numbers[5] == pytest.approx(y)


def test_quarter_turns_of_a_square_are_as_said() -> None:
    quarter: Any = Recipe.parse("rot").ops[0]
    half: Any = Recipe.parse("rot180").ops[0]
    for op, square in ((quarter, True), (half, False)):
        words = words_for(op)
        made = np.stack([np.broadcast_to(n, 60) for n in op.affine(Draws(words), 27, 27)])
        for i in range(60):
            turns = int(turned(square)([int(words[0, i])])[1]["quarterturns"])
            at = made[:, i].reshape(2, 3)
            # The corner that is shown in the upper left one: after one turn, the upper right.
            corner = ((0, 0), (26, 0), (26, 26), (0, 26))[turns]
            assert at[:, 2].tolist() == list(corner)
            assert np.linalg.det(at[:, :2]) == pytest.approx(1)


def test_maps_follow_each_other_as_matrices_do() -> None:
    def matrix(made: Affine) -> np.ndarray:
        return np.array([made[:3], made[3:], (0, 0, 1)])

    first, second = Affine(2, 3, 5, 7, 11, 13), Affine(17, 19, 23, 29, 31, 37)
    np.testing.assert_array_equal(matrix(second.after(first)), matrix(first) @ matrix(second))
