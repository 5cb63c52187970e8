"""Kernels that sum or draw by a short way give what the long one does, level for level."""

import numpy as np
import pytest

from cifar10_aug.engines import corruption_tables, gaussians
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels import blurs, convolution, motion, noises, rounding

# In the largest, some levels would be others if none were summed again.
SIZES = [(7, 9), (32, 32), (1, 20), (200, 256)]
# Of two levels, blurred, many pixels lie near a border between levels; of one, none does.
LEVELS = [[0, 255], [127, 128], [200], list(range(256))]


def planes(height: int, width: int, levels: list[int]) -> np.ndarray:
    return np.random.default_rng(0).choice(levels, (3, height, width)).astype(np.float64)


def packed(planes: np.ndarray) -> np.ndarray:
    red, green, blue = np.floor(planes + 0.5).astype(np.uint32).reshape(3, -1)
    return red | green << np.uint32(8) | blue << np.uint32(16)


def canvas(line: np.ndarray, height: int, width: int) -> Canvas:
    whole = np.uint64(0)
    return Canvas(line[None].copy(), height, width, np.zeros(1, np.uint64), whole, whole, whole)


@pytest.mark.parametrize("levels", LEVELS, ids=str)
@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.3, 2.0])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_blurred_level_is_that_of_the_sum_in_float64(
    height: int, width: int, sigma: float, levels: list[int]
) -> None:
    before, after = planes(height, width, levels), np.empty((3, height, width))
    weights = gaussians.weights(np.array([sigma]), sigma)[0]
    radius = len(weights) - 1
    columns, rows = convolution.reflected(width, radius), convolution.reflected(height, radius)
    for one, made in zip(before, after, strict=True):
        convolution.convolve(one, weights, columns, rows, made)
    line = packed(before)
    room = convolution.room(height, width, radius + 2)
    convolution.convolve_levels(line, weights, columns, rows, room)
    assert (line == packed(after)).all()


@pytest.mark.parametrize("levels", LEVELS, ids=str)
@pytest.mark.parametrize("degrees", [-45.0, 3.0, 170.0])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_moved_level_is_that_of_the_sum_in_float64(
    height: int, width: int, degrees: float, levels: list[int]
) -> None:
    before, after = planes(height, width, levels), np.empty((3, height, width))
    weights = corruption_tables.motion_weights(6.0, 2.0)
    for one, made in zip(before, after, strict=True):
        motion.drag(one, weights, motion.along(np.array([degrees]), len(weights))[0], made)
    moved = canvas(packed(before), height, width)
    blurs.move(moved, np.arange(1), np.array([[6.0], [2.0], [degrees]]))
    assert (moved.pixels[0] == packed(after)).all()


def test_what_could_be_off_is_in_doubt_and_nothing_else() -> None:
    off = rounding.error(10.0)
    sums = np.array([9.5 - off / 2, 9.5 + off / 2, 9.5 - 2 * off, 9.5 + 2 * off, 9.0], np.float32)
    line = np.empty(len(sums), np.uint32)
    for channel in range(3):
        all_sums = np.full((3, len(sums)), 7.0, np.float32)
        all_sums[channel] = sums
        rounding.round_channels(all_sums, off, line)
        found = [place for place in range(5) if rounding.next_in_doubt(line, place) == place]
        assert found == [0, 1]
        made = [rounding.settled(pixel, channel, 10) for pixel in line[:2]]
        assert made == [0x070707 & ~(0xFF << 8 * channel) | 10 << 8 * channel] * 2
        assert (line[2:] >> (8 * channel) & 255).tolist() == [9, 10, 9]


@pytest.mark.parametrize("photons", [500, 250, 100, 50, 1])
def test_shot_noise_counts_the_probabilities_below_a_word(photons: int) -> None:
    cumulated = corruption_tables.cumulated_poisson(photons)
    cells, borders, shown = noises._poisson(photons)
    for level in (0, 1, 100, 254, 255):
        near = np.floor(cumulated[level] * 2.0**32).astype(np.int64)[:, None] + np.arange(-2, 3)
        random = np.random.default_rng(level).integers(0, 2**32, 500)
        words = np.unique(np.concatenate([near.ravel(), random]).clip(0, 2**32 - 1))
        words = words.astype(np.uint32)
        counts = (cumulated[level] < (words[:, None] + 0.5) / 2.0**32).sum(axis=1)
        expected = np.clip(counts * 255.0 / photons + 0.5, 0, 255).astype(np.uint8)
        line, found = np.full(len(words), level << 8, np.uint32), np.empty(len(words), np.uint32)
        noises._count(cells.reshape(-1), line, np.uint32(8), words, found)
        several = found >= noises._SEVERAL
        for i in np.flatnonzero(several):
            fewest = np.uint32(found[i] & 255)
            found[i] = noises._search(borders[level], words[i], fewest)
        assert (shown[found] == expected).all()
