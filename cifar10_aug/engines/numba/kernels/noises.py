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

# Parts of all random words, in which few borders of Poisson distributions lie.
_CELL_BITS = 22
_CELL_SIZE, _CELLS = 1 << _CELL_BITS, 1 << (32 - _CELL_BITS)
_SEVERAL = 1 << 8


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
    _count_photons(canvas, rows, *_poisson(int(numbers[0, 0])))


@functools.lru_cache(maxsize=8)
def _poisson(photons: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a random word makes of each level; see `_count_photons`."""
    made = np.clip(np.arange(photons + 1) * 255.0 / photons + 0.5, 0, 255).astype(np.uint8)
    brighter = np.flatnonzero(made[1:] > made[:-1])
    shown = made[np.append(0, brighter + 1)]
    # (word + 0.5) / 2**32 is more than a probability from these words on.
    words = np.floor(cumulated_poisson(photons)[:, brighter] * 2.0**32 + 0.5).astype(np.int64)
    borders = np.arange(_CELLS + 1) << _CELL_BITS
    places = np.stack([np.searchsorted(level, borders) for level in words])
    first, inside = places[:, :-1], np.diff(places)
    # A border at the beginning of a cell is in it.
    of_first = np.take_along_axis(words, np.minimum(first, len(brighter) - 1), axis=1)
    start = of_first & (_CELL_SIZE - 1)
    cells = np.where(inside == 1, start << 10 | first, (first - 1) & 255)
    cells = np.where(inside > 1, first | _SEVERAL, cells)
    return cells.astype(np.uint32), words.astype(np.uint64), shown


@compiled
def _count_photons(
    canvas: Canvas, rows: np.ndarray, cells: np.ndarray, borders: np.ndarray, shown: np.ndarray
) -> None:
    """Replaces each level by a Poisson number of photons.

    Args:
        canvas, rows: the images.
        cells: uint32 [256, cells], of each level and each part of all words: how many of its
            borders lie before, in the lower 8 bits, and, if there is one inside, its place above
            bit 10. One less and the place 0 is for none, and `_SEVERAL` is set for several.
        borders: uint64 [256, n], from which words on each level becomes a brighter one.
        shown: uint8 [n + 1], what it becomes after so many of them.
    """
    flat = cells.reshape(cells.size)
    words = np.empty((4, canvas.pixels.shape[1]), np.uint32)
    made = np.empty((3, canvas.pixels.shape[1]), np.uint32)
    red, green, blue = made[0], made[1], made[2]
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        fill_noise(canvas, rows[n], words)
        for channel in range(3):
            counts, drawn, shift = made[channel], words[channel], uint32(8 * channel)
            _count(flat, line, shift, drawn, counts)
            for i in range(counts.shape[0]):
                count = counts[i]
                if count & uint32(_SEVERAL):
                    level = (line[i] >> shift) & LOW_BYTE
                    count = _search(borders[level], drawn[i], count & LOW_BYTE)
                counts[i] = shown[uint64(count)]
        for i in range(line.shape[0]):
            line[i] = packed(red[i], green[i], blue[i])


@inner
def _count(
    cells: np.ndarray, line: np.ndarray, shift: int, words: np.ndarray, counts: np.ndarray
) -> None:
    """How many borders of its level each word has reached, or `_SEVERAL` with the fewest."""
    rest, ten, bits = uint32(_CELL_SIZE - 1), uint32(32 - _CELL_BITS), uint32(_CELL_BITS)
    # One after the other: only the second loop reads here and there.
    for i in range(line.shape[0]):
        counts[i] = (((line[i] >> shift) & LOW_BYTE) << ten) | (words[i] >> bits)
    for i in range(line.shape[0]):
        counts[i] = cells[uint64(counts[i])]
    for i in range(line.shape[0]):
        cell, count = counts[i], counts[i] & uint32(LOW_BYTE | _SEVERAL)
        more = uint32(1) if (words[i] & rest) >= (cell >> uint32(10)) else uint32(0)
        # One less than 0 are 255.
        counts[i] = count if cell & uint32(_SEVERAL) else uint32(count + more) & LOW_BYTE


@inner
def _search(borders: np.ndarray, word: int, count: int) -> int:
    """How many borders, sorted, a word has reached; at least `count`."""
    while count < uint32(borders.shape[0]) and borders[count] <= word:
        count = uint32(count + uint32(1))
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
