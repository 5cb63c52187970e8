"""Kernels written for vector code give what the plain formula does."""

import numpy as np
import pytest

from cifar10_aug import Recipe
from cifar10_aug.engines.numba import drawing
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels import (
    colours,
    convolution,
    factors,
    filters,
    intensity,
    levels,
    philox,
    pixels,
    series,
)
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    LEVELS,
    SCALE,
    SCALED,
    Images,
    Output,
    Scratch,
    Strokes,
    Warps,
)
from cifar10_aug.engines.processes import process
from cifar10_aug.ops.base import NumberedTableOp
from cifar10_aug.rng import elementary
from cifar10_aug.rng.draws import Draws, GivenDraws


@pytest.mark.parametrize("first_block", [256, (3 << 24) + 256, (3 << 24) + (1 << 24) - 3])
def test_noise_of_a_whole_image_is_the_noise_block_by_block(first_block: int) -> None:
    keys = np.array([5, (1 << 32) + 7], np.uint64)
    seed, epoch = np.uint64(2**63 + 11), np.uint64(2**32 - 1)
    canvas = Canvas(np.zeros((2, 40), np.uint32), 8, 5, keys, epoch, seed, np.uint64(first_block))
    words = np.empty((4, 21), np.uint32)
    for row in range(2):
        philox.fill_noise(canvas, row, words)
        for block in range(21):
            four = philox.noise_words(canvas, row, block)
            assert words[:, block].tolist() == [int(word) for word in four]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 1024])
def test_packing_any_number_of_pixels(count: int) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (count, 3), np.uint8)
    source = np.full(count + 1, 7, np.uint32)
    pixels.pack(levels.reshape(-1), source)
    red, green, blue = levels.T.astype(np.uint32)
    assert source.tolist() == [*(red | green << 8 | blue << 16).tolist(), 7]
    back = np.empty(count * 3, np.uint8)
    pixels.unpack(source, back)
    assert back.tolist() == levels.reshape(-1).tolist()


def test_sharpness_rounds_every_sum_of_thirteen_levels() -> None:
    for total in range(13 * 255 + 1):
        assert filters._thirteenth(np.uint32(total)) == (2 * total + 13) // 26


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 6])
def test_convolution_adds_taps_in_order(radius: int) -> None:
    rng = np.random.default_rng(radius)
    image, weights = rng.random((7, 9)), rng.random(radius + 1)
    columns, rows = convolution.reflected(9, radius), convolution.reflected(7, radius)
    out = np.empty((7, 9))
    convolution.convolve(image, weights, columns, rows, out)
    sideways, expected = np.zeros((7, 9)), np.zeros((7, 9))
    for k in range(2 * radius + 1):
        sideways += weights[abs(k - radius)] * image[:, columns[k : k + 9]]
    for k in range(2 * radius + 1):
        expected += weights[abs(k - radius)] * sideways[rows[k : k + 7]]
    assert (out == expected).all()


# Halves and thirds make sums that should be whole; the last is no line in float32, since its sums
# lie a little below whole numbers.
LINES = [
    *((1.0, 0.0), (-1.0, 255.0), (0.5, 0.0), (1 / 3, 0.0), (10.0, -700.0), (1.0, -2.5), (0.0, 7.0)),
    (1.0 - 1e-6, 0.0),
]


@pytest.mark.parametrize(("factor", "offset"), LINES)
def test_levels_on_a_line_are_those_of_its_table(factor: float, offset: float) -> None:
    line = np.random.default_rng(0).integers(0, 2**24, 333).astype(np.uint32)
    every = np.arange(256)
    table = np.clip(every * factor + offset, 0, 255).astype(np.uint8)
    expected = sum(table[line >> shift & 255].astype(np.uint32) << shift for shift in (0, 8, 16))
    levels.look_up_lines(np.stack([table] * 3), np.full(3, factor), np.full(3, offset), line)
    assert (line == expected).all()


# What ops can draw, and a little beside whole numbers and halves, where float64 rounds.
NEAR = [0.0, 1e-20, 2.0**-45, -(2.0**-45), 2.0**-30, -(2.0**-30)]
TABLES = {
    "gamma0.1-10": [0.1, 0.45454, 0.8, 1.0, 1.2, 2.2, 9.99, 10.0],
    "invert_p1": [0.0],
    "posterize1-8": [2.0**k for k in range(8)],
    "solarize0-256": [*(k + e for k in (1, 128, 255) for e in NEAR), 0.0, 256.0],
    "solarizeadd0-255": [*(k + e for k in (1, 40, 254) for e in NEAR), 0.0, 1e-20, 255.0],
    "solarizeadd255_threshold256": [0.0, 255.0],
    "solarizeadd50_threshold0": [0.0, 50.5],
}


@pytest.mark.parametrize("text", TABLES)
def test_levels_are_those_of_the_ops_table(text: str) -> None:
    line = np.random.default_rng(0).integers(0, 2**24, 333).astype(np.uint32)
    line[:256] = np.arange(256) * 0x10101
    (op,) = Recipe.parse(text).ops
    assert isinstance(op, NumberedTableOp)
    stroke = process("numba.kernels", op.process)
    for value in TABLES[text]:
        drawn = GivenDraws(np.array([np.log2(256 / value) if "post" in text else value]))
        numbers = np.array([np.broadcast_to(number, 1)[0] for number in op.numbers(drawn)])
        table = np.clip(op.table(drawn, np.arange(256.0)[:, None]), 0, 255).astype(np.uint8)[:, 0]
        made = line.copy()
        stroke(numbers, (1, len(line)), Scratch.of(len(line), 0), made)
        assert (pixels_of(made) == table[pixels_of(line)]).all()


# Products of decimal fractions are whole, or just below; see `factors.lift_of`.
FACTORS = [
    *(0.0, 1e-20, 0.5, 0.55, 0.57, 0.6, 1 / 3, 1.0, 1.27, 1.4, 1.45, 1 - 2.0**-50, 9.9, 16.0, 20.0)
]


@pytest.mark.parametrize("factor", FACTORS)
def test_brightness_of_any_factor_is_that_in_float64(factor: float) -> None:
    line = np.random.default_rng(0).integers(0, 2**24, 333).astype(np.uint32)
    every = np.arange(256)
    table = (every * factor).clip(0, 255).astype(np.uint8)
    numbers, scratch, made = np.array([factor]), Scratch.of(len(line), 0), line.copy()
    levels.scale(numbers, (1, len(line)), scratch, made)
    assert (pixels_of(made) == table[pixels_of(line)]).all()
    stored, out = np.concatenate([[9], every]).astype(np.uint8), np.zeros(256, np.uint8)
    images = Images(np.empty(0, np.uint32), stored, np.array([1]), 16, 16)
    still = np.empty((1, 0, 6), np.int64), np.empty((1, 0, 8)), np.empty((0, 0, 2, 256), np.int32)
    none = np.empty(0, np.int64)
    warps = Warps(none, *still, none, np.empty(0, np.uint32), np.array([SCALED]), np.array([0]))
    output = Output(LEVELS, np.ones(3, np.float32), np.zeros(3, np.float32), out[None])
    codes, keys = np.array([[SCALE]]), np.zeros(1, np.uint64)
    tables = np.empty((1, 1, 0), np.uint8)
    strokes = Strokes(codes, numbers[None, None], tables, keys, keys, keys[0], keys[0])
    levels.scale_stored(images, 0, warps, strokes, 0, scratch, output)
    assert (out == table).all()


@pytest.mark.parametrize("factor", FACTORS)
def test_contrast_of_any_factor_is_that_in_float64(factor: float) -> None:
    line = np.random.default_rng(0).integers(0, 2**24, 3000).astype(np.uint32)
    red, green, blue = pixels_of(line).T.astype(int)
    mean = np.floor((19595 * red + 38470 * green + 7471 * blue + 0x8000 >> 16).mean() + 0.5)
    expected = (mean + factor * (pixels_of(line) - mean)).clip(0, 255).astype(np.uint8)
    intensity.contrast(np.array([factor]), (1, len(line)), Scratch.of(len(line), 0), line)
    assert (pixels_of(line) == expected).all()


@pytest.mark.parametrize("factor", FACTORS)
def test_saturation_of_any_factor_is_that_in_float64(factor: float) -> None:
    line = np.random.default_rng(0).integers(0, 2**24, 50_000).astype(np.uint32)
    red, green, blue = (line >> shift & 255 for shift in (0, 8, 16))
    grey = (19595 * red + 38470 * green + 7471 * blue + 0x8000 >> 16).astype(int)[:, None]
    expected = (grey + factor * (pixels_of(line) - grey)).clip(0, 255).astype(np.uint8)
    colours.saturate(np.array([factor]), (1, len(line)), Scratch.of(len(line), 0), line)
    assert (pixels_of(line) == expected).all()


@pytest.mark.parametrize("factor", FACTORS)
def test_sharpness_of_any_factor_is_that_in_float64(factor: float) -> None:
    height, width = 100, 30
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3))
    windows = np.lib.stride_tricks.sliding_window_view(levels, (3, 3), (0, 1))
    inner = levels[1:-1, 1:-1]
    smooth = (2 * (windows.sum(axis=(3, 4)) + 4 * inner) + 13) // 26
    expected = levels.copy()
    expected[1:-1, 1:-1] = (smooth + factor * (inner - smooth)).clip(0, 255).astype(np.uint8)
    line = (levels @ (1, 256, 65536)).astype(np.uint32).ravel()
    scratch = Scratch.of(len(line), 0)
    filters.sharpen(np.array([factor]), (height, width), scratch, line)
    assert (pixels_of(line) == expected.reshape(-1, 3)).all()


def test_factors_have_the_short_way_that_they_can_have() -> None:
    ways = {1.27: 128, 1 / 3: 128, 0.61803: 0, 0.55: -1, 1.4: -1, 16.0: -1}
    found = [factors.lift_of(factor, factors.whole_factor(factor), -255) for factor in ways]
    assert found == list(ways.values())
    assert factors.lift_of(0.55, factors.whole_factor(0.55), 0) == 128


# The last makes a half of one chroma, 150, and a whole number of none.
@pytest.mark.parametrize(
    "by", [0.0, 1e-20, 1 / 12, 1 / 6, 0.1, -0.1, 1 / 18, -1 / 24, 0.4999, -1.0, 101 / 1800]
)
def test_hue_of_any_turn_is_that_in_float64(by: float) -> None:
    line = np.random.default_rng(0).integers(0, 2**24, 50_000).astype(np.uint32)
    # Colours alike, and greys.
    line[::2] = line[::2] & 0x30303
    red, green, blue = pixels_of(line).T.astype(int)
    most, least = np.maximum(red, np.maximum(green, blue)), np.minimum(red, np.minimum(green, blue))
    chroma = np.maximum(most - least, 1)
    sector = [(green - blue) / chroma, (blue - red) / chroma + 2.0, (red - green) / chroma + 4.0]
    hue = np.select([most == red, most == green], sector[:2], sector[2]) + 6.0 * by
    hue -= 6.0 * np.floor(hue / 6.0)
    shares = np.stack([abs(hue - 3.0) - 1.0, 2.0 - abs(hue - 2.0), 2.0 - abs(hue - 4.0)], 1)
    made = most[:, None] - chroma[:, None] * (1.0 - shares.clip(0.0, 1.0))
    expected = np.where((most == least)[:, None], pixels_of(line), (made + 0.5).astype(np.uint8))
    colours.turn_hue(np.array([by]), (1, len(line)), Scratch.of(len(line), 0), line)
    assert (pixels_of(line) == expected).all()


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_line_that_float32_rounds_otherwise_is_looked_up(channel: int) -> None:
    offsets, made = np.zeros(3), np.arange(256, dtype=np.uint32) * 0x10101
    offsets[channel] = -(2.0**-20)
    expected = (np.arange(256.0)[:, None] + offsets).clip(0, 255).astype(np.uint8)
    levels.look_up_lines(np.empty((3, 256), np.uint8), np.ones(3), offsets, made)
    assert (pixels_of(made) == expected).all()


def pixels_of(line: np.ndarray) -> np.ndarray:
    made = np.empty(3 * len(line), np.uint8)
    pixels.unpack(line, made)
    return made.reshape(-1, 3)


@pytest.mark.parametrize("count", [0, 1, 1023, 1025, 3000])
def test_power_series_have_the_bits_of_numpys(count: int) -> None:
    x, coefficients = np.random.default_rng(0).normal(size=count), (1 / 3, -0.7, 2.0, 1e-3)
    expected = elementary.horner(coefficients, x)
    for horner in (series.horner, series.horner.py_func):
        made = np.empty(len(x))
        horner(np.array(coefficients), x, made)
        assert made.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", [drawing.CompiledDraws, drawing.FasterDraws])
def test_draws_of_the_engine_have_the_bits_of_others(kind: type[Draws]) -> None:
    words = np.random.default_rng(0).integers(0, 2**32, (6, 200), np.uint32)
    ours, others = kind(words), Draws(words)
    # Powers of two, halves of the root that mantissas are drawn to, and angles of whole quarters.
    x = np.array([1.0, 0.5, 0.25, 3.0, 0.5**0.5, 2.0**0.5, 1e-300, 1e300, 90, 180, 270, 360, 450])
    assert ours.logarithm(x).tobytes() == others.logarithm(x).tobytes()
    for angle in (x[-5:], -x[-5:], x[:6].reshape(2, 3) * 1000):
        made, expected = ours.sine_cosine(angle), others.sine_cosine(angle)
        assert [one.tobytes() for one in made] == [one.tobytes() for one in expected]
        x = angle % 1300 - 650
        assert ours.exponential(x).tobytes() == others.exponential(x).tobytes()
    for draw in ("beta", "normal"):
        arguments = (1, 0.3) if draw == "beta" else (1,)
        made, expected = (getattr(draws, draw)(*arguments) for draws in (ours, others))
        assert made.tobytes() == expected.tobytes()
    assert (ours.unit(slice(0, 6, 2)) == [others.unit(slot) for slot in (0, 2, 4)]).all()


def test_many_words_are_drawn_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = drawing.Drawing(Recipe.parse("rrc+altflip+crop4+erase").ops, 2**63 + 5)
    keys = np.random.default_rng(0).integers(0, 2**48, 37, np.uint64)
    many = ours.of(keys, 2**32 - 1)._words
    monkeypatch.setattr(drawing, "_MANY_WORDS", 100)
    assert len(many) > 20
    assert (many == ours.of(keys, 2**32 - 1)._words).all()


def test_draws_are_kept_for_the_same_examples_of_an_epoch() -> None:
    ours, keys = drawing.Drawing(Recipe.parse("mixup").ops, 0), np.arange(9, dtype=np.uint64)
    for others, epoch in ((keys, 4), (keys[::-1].copy(), 3), (keys[:-1], 3)):
        kept = ours.kept(keys, 3)
        assert ours.kept(keys.copy(), 3) is kept
        assert (ours.kept(others, epoch)._words == ours.of(others, epoch)._words).all()


# Sizes that stay where they are, as they have a multiple of four pixels, and others.
@pytest.mark.parametrize("size", [(8, 8), (1, 4), (5, 7), (3, 20)])
@pytest.mark.parametrize(
    "text", ["flip_p1", "flipud_p1", "flip_p1+flipud_p1", "plain", "invert_p1"]
)
def test_images_are_read_where_they_are(text: str, size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, *size, 3), np.uint8)
    mirrored = images[:, :: -1 if "flipud" in text else 1, :: -1 if "flip_" in text else 1]
    expected = 255 - mirrored if text == "invert_p1" else mirrored
    for given in (images, images[:, :, ::-1].copy()[:, :, ::-1]):
        before = given.copy()
        made = Recipe.parse(text)(given)
        assert (made == expected).all()
        made[:] = 0
        assert (given == before).all()


def test_results_are_never_written_again() -> None:
    recipe = Recipe.parse("gray_p1")
    images = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), np.uint8)
    made = [recipe(images[i : i + 10]) for i in range(40)]
    for i, one in enumerate(made):
        assert (one == recipe(images[i : i + 10])).all()
