"""Compiled processes that add noise, drawn pixel by pixel."""

from __future__ import annotations

import functools

import numpy as np
from numba import int32 as i32
from numba import uint32, uint64

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.corruption_tables import cumulated_poisson
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.philox import fill_noise
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, as_level, channels, packed


def add_normal(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Adds normal noise of a deviation in levels: numbers [1, n]."""
    _add_normal(canvas, rows, numbers, gaussians.quantiles())


@compiled
def _add_normal(
    canvas: Canvas, rows: np.ndarray, numbers: np.ndarray, quantiles: np.ndarray
) -> None:
    """Adds normal noise of a deviation in levels: numbers [1, n].

    16 random bits choose one of the distribution's 65,536 quantiles.
    """
    # A block of four words serves two pixels, with two 16-bit halves to spare.
    blocks = (canvas.pixels.shape[1] + 1) // 2
    words = np.empty((4, blocks), np.uint32)
    halves = words.view(np.uint16)
    drawn = np.empty((3, 2 * blocks), np.float64)
    red, green, blue = drawn[0], drawn[1], drawn[2]
    for n in range(rows.shape[0]):
        line, sigma = canvas.pixels[rows[n]], numbers[0, n]
        fill_noise(canvas, rows[n], words)
        for pixel in range(2):
            _look_up(quantiles, halves[2 * pixel], 0, red, pixel)
            _look_up(quantiles, halves[2 * pixel], 1, green, pixel)
            _look_up(quantiles, halves[2 * pixel + 1], 0, blue, pixel)
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            line[i] = packed(
                as_level(r + sigma * red[i] + 0.5),
                as_level(g + sigma * green[i] + 0.5),
                as_level(b + sigma * blue[i] + 0.5),
            )


@compiled
def _look_up(table: np.ndarray, places: np.ndarray, first: int, out: np.ndarray, to: int) -> None:
    """Looks up every other place, from `first` on, and writes every other number, from `to` on."""
    for i in range(places.shape[0] // 2):
        # Unsigned, so that they are not checked for counting from the end.
        out[uint64(2 * i + to)] = table[places[uint64(2 * i + first)]]


def count_photons(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Shot noise: how many photons make white, [1, n], all the same."""
    photons = int(numbers[0, 0])
    _count_photons(canvas, rows, photons, *_poisson(photons))


@functools.lru_cache(maxsize=8)
def _poisson(photons: int) -> tuple[np.ndarray, np.ndarray]:
    """Each level's cumulated probabilities, and where to begin to look in them."""
    cumulated = cumulated_poisson(photons)
    parts = np.arange(1025) / 1024.0
    starts = np.stack([np.searchsorted(level, parts) for level in cumulated])
    return cumulated, starts.astype(np.uint16)


@compiled
def _count_photons(
    canvas: Canvas, rows: np.ndarray, photons: int, cumulated: np.ndarray, starts: np.ndarray
) -> None:
    """Replaces each level by a Poisson number of photons.

    Args:
        canvas, rows: the images.
        photons: how many make white.
        cumulated: float64 [256, photons], of each level the probabilities of at most so many.
        starts: uint16 [256, 1025], the first of them that is at least 0, 1, … 1024 1024ths.
    """
    words = np.empty((4, canvas.pixels.shape[1]), np.uint32)
    levels = np.empty(cumulated.shape[1] + 1, np.uint8)
    for count in range(levels.shape[0]):
        levels[count] = as_level(count * 255.0 / photons + 0.5)
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        fill_noise(canvas, rows[n], words)
        for i in range(line.shape[0]):
            r, g, b = line[i] & LOW_BYTE, (line[i] >> uint32(8)) & LOW_BYTE, line[i] >> uint32(16)
            line[i] = packed(
                levels[_counted(cumulated, starts, r, words[0, i])],
                levels[_counted(cumulated, starts, g, words[1, i])],
                levels[_counted(cumulated, starts, b, words[2, i])],
            )


@inner
def _counted(cumulated: np.ndarray, starts: np.ndarray, level: int, word: int) -> int:
    """The number of photons at a place of a level's distribution."""
    at, part = (word + 0.5) / 4294967296.0, word >> uint32(22)
    # Most parts have one number or none to look at.
    count, last = uint64(starts[level, part]), uint64(starts[level, part + uint32(1)])
    while count < last and cumulated[level, count] < at:
        count += uint64(1)
    return count


@compiled
def salt_and_pepper(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Makes some levels, each for itself, 255 or 0: numbers [1, n], the share of them."""
    words = np.empty((4, canvas.pixels.shape[1]), np.uint32)
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        flipped = uint64(numbers[0, n] * 4294967296.0)
        fill_noise(canvas, rows[n], words)
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            line[i] = packed(
                _salted(r, uint64(words[0, i]), flipped),
                _salted(g, uint64(words[1, i]), flipped),
                _salted(b, uint64(words[2, i]), flipped),
            )


@inner
def _salted(level: int, word: int, flipped: int) -> int:
    painted = 255 if word < flipped // uint64(2) else 0
    return i32(level if word >= flipped else painted)


@compiled
def whiten_or_blacken(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Makes some pixels white or black: numbers [1, n], the share of them."""
    words = np.empty((4, (canvas.pixels.shape[1] + 3) // 4), np.uint32)
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        changed = uint64(numbers[0, n] * 4294967296.0)
        white = changed // uint64(2)
        fill_noise(canvas, rows[n], words)
        for lane in range(4):
            part, drawn = line[lane::4], words[lane]
            for i in range(part.shape[0]):
                word, kept = uint64(drawn[i]), part[i]
                painted = uint32(0xFFFFFF) if word < white else uint32(0)
                part[i] = painted if word < changed else kept
