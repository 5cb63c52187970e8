"""Compiled processes that add noise, drawn pixel by pixel."""

from __future__ import annotations

import numpy as np
from numba import uint64

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.corruption_tables import cumulated_poisson
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.philox import noise_words
from cifar10_aug.engines.numba.kernels.pixels import as_level, channels, packed


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
    low, sixteen = uint64(0xFFFF), uint64(16)
    for n in range(rows.shape[0]):
        line, sigma = canvas.pixels[rows[n]], numbers[0, n]
        four = (uint64(0), uint64(0), uint64(0), uint64(0))
        for i in range(line.shape[0]):
            # A block of four words serves two pixels, with two 16-bit halves to spare.
            if i % 2 == 0:
                four = noise_words(canvas, rows[n], i // 2)
                one, two, three = four[0] & low, four[0] >> sixteen, four[1] & low
            else:
                one, two, three = four[2] & low, four[2] >> sixteen, four[3] & low
            r, g, b = channels(line[i])
            line[i] = packed(
                as_level(r + sigma * quantiles[one] + 0.5),
                as_level(g + sigma * quantiles[two] + 0.5),
                as_level(b + sigma * quantiles[three] + 0.5),
            )


def count_photons(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Shot noise: how many photons make white, [1, n], all the same."""
    photons = int(numbers[0, 0])
    _count_photons(canvas, rows, photons, cumulated_poisson(photons))


@compiled
def _count_photons(canvas: Canvas, rows: np.ndarray, photons: int, cumulated: np.ndarray) -> None:
    """Replaces each level by a Poisson number of photons.

    Args:
        canvas, rows: the images.
        photons: how many make white.
        cumulated: float64 [256, photons], of each level the probabilities of at most so many.
    """
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        for i in range(line.shape[0]):
            four = noise_words(canvas, rows[n], i)
            r, g, b = channels(line[i])
            line[i] = packed(
                _counted(cumulated[r], four[0], photons),
                _counted(cumulated[g], four[1], photons),
                _counted(cumulated[b], four[2], photons),
            )


@compiled
def _counted(cumulated: np.ndarray, word: int, photons: int) -> int:
    """The level of the number of photons at a place of their distribution."""
    at = (word + 0.5) / 4294967296.0
    low, high = 0, cumulated.shape[0]
    while low < high:
        middle = (low + high) // 2
        if cumulated[middle] < at:
            low = middle + 1
        else:
            high = middle
    return as_level(low * 255.0 / photons + 0.5)


@compiled
def salt_and_pepper(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Makes some levels, each for itself, 255 or 0: numbers [1, n], the share of them."""
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        flipped = uint64(numbers[0, n] * 4294967296.0)
        for i in range(line.shape[0]):
            four = noise_words(canvas, rows[n], i)
            r, g, b = channels(line[i])
            line[i] = packed(
                _salted(r, four[0], flipped),
                _salted(g, four[1], flipped),
                _salted(b, four[2], flipped),
            )


@compiled
def _salted(level: int, word: int, flipped: int) -> int:
    if word >= flipped:
        return level
    return 255 if word < flipped // uint64(2) else 0


@compiled
def whiten_or_blacken(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Makes some pixels white or black: numbers [1, n], the share of them."""
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        changed = uint64(numbers[0, n] * 4294967296.0)
        four = (uint64(0), uint64(0), uint64(0), uint64(0))
        for i in range(line.shape[0]):
            if i % 4 == 0:
                four = noise_words(canvas, rows[n], i // 4)
            if four[i % 4] < changed:
                line[i] = 0xFFFFFF if four[i % 4] < changed // uint64(2) else 0
