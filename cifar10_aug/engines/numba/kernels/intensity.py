"""Compiled strokes that make other levels of an image's levels."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32
from numba import int64 as i64
from numba import uint32, uint64

from cifar10_aug.engines.numba.kernels.compiling import inner
from cifar10_aug.engines.numba.kernels.factors import (
    LIFT,
    far_from_whole,
    moved_level,
    whole_factor,
)
from cifar10_aug.engines.numba.kernels.levels import look_up, look_up_lines, look_up_one
from cifar10_aug.engines.numba.kernels.pass_arguments import Scratch
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, as_level, channels, grey, packed
from cifar10_aug.engines.numba.kernels.strokes import stroke


@inner
def _histograms(line: np.ndarray, counts: np.ndarray) -> None:
    """Counts levels: int32 [6, 256], of which the first three are the result."""
    counts[:] = 0
    # Every other pixel somewhere else, since neighbours are alike, and adding to a number waits for
    # the last one that was added.
    for i in range(line.shape[0] // 2):
        one, other = line[uint64(2 * i)], line[uint64(2 * i + 1)]
        counts[0, one & LOW_BYTE] += 1
        counts[3, other & LOW_BYTE] += 1
        counts[1, (one >> uint32(8)) & LOW_BYTE] += 1
        counts[4, (other >> uint32(8)) & LOW_BYTE] += 1
        counts[2, (one >> uint32(16)) & LOW_BYTE] += 1
        counts[5, (other >> uint32(16)) & LOW_BYTE] += 1
    if line.shape[0] % 2:
        last = channels(line[line.shape[0] - 1])
        for channel in range(3):
            counts[channel, last[channel]] += 1
    for channel in range(3):
        for level in range(256):
            counts[channel, level] += counts[3 + channel, level]


@inner
def _range(line: np.ndarray, channel: int) -> tuple[int, int]:
    """The least and the greatest level of a channel."""
    shift, low, high = uint32(8 * channel), LOW_BYTE, uint32(0)
    for i in range(line.shape[0]):
        level = (line[i] >> shift) & LOW_BYTE
        low, high = min(low, level), max(high, level)
    return i64(low), i64(high)


@inner
def _least_and_greatest(counts: np.ndarray) -> tuple[int, int]:
    """Of the levels that occur in int64 [256]."""
    low, high = 0, 255
    while counts[low] == 0:
        low += 1
    while counts[high] == 0:
        high -= 1
    return low, high


@stroke
def contrast(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Draws levels to the mean grey by a factor, the first number."""
    total, factor, table = i64(0), numbers[0], scratch.tables[0]
    for i in range(line.shape[0]):
        red, green, blue = channels(line[i])
        total += grey(red, green, blue)
    mean = i32(np.floor(total / line.shape[0] + 0.5))
    whole = whole_factor(factor)
    lift = i32(0) if far_from_whole(whole, i32(0)) else LIFT
    if lift:
        for level in range(256):
            table[level] = as_level(mean + factor * (level - mean))
    if lift and _moves_otherwise(mean, whole, lift, table):
        look_up_one(table, line)
        return
    for i in range(line.shape[0]):
        red, green, blue = channels(line[i])
        line[i] = packed(
            moved_level(mean, i32(red - mean), whole, lift),
            moved_level(mean, i32(green - mean), whole, lift),
            moved_level(mean, i32(blue - mean), whole, lift),
        )


@inner
def _moves_otherwise(mean: int, whole: int, lift: int, table: np.ndarray) -> bool:
    """Whether `moved_level` makes of any level another one than a table, uint8 [256]."""
    off = i32(0)
    for level in range(256):
        off |= moved_level(mean, i32(i32(level) - mean), whole, lift) ^ i32(table[level])
    return off != 0


@stroke
def autocontrast(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Stretches each channel to 0 to 255."""
    tables, factors, offsets = scratch.tables, scratch.reals[0], scratch.reals[1]
    for channel in range(3):
        low, high = _range(line, channel)
        scale = 255.0 / (high - low) if high > low else 1.0
        factors[channel], offsets[channel] = scale, -low * scale if high > low else 0.0
    look_up_lines(tables, factors, offsets, line)


@stroke
def equalize(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Makes all levels of a channel about as frequent."""
    counts, tables = scratch.counts, scratch.tables
    _histograms(line, counts)
    for channel in range(3):
        low, high = _least_and_greatest(counts[channel])
        step = (line.shape[0] - counts[channel, high]) // 255
        unchanged = step == 0 or low == high
        # The last three have been added to the first three, and are free.
        count, below = counts[channel], counts[3 + channel]
        total = i32(step // 2)
        for level in range(256):
            below[level] = total
            total += count[level]
        # Quotients of whole numbers below 2**27, rounded down. With a half more, they are farther
        # from the next whole number than a product with the reciprocal is off.
        share = 1.0 / max(step, 1)
        for level in range(256):
            made = i32(min((below[level] + 0.5) * share, 255.0))
            tables[channel, level] = i32(level) if unchanged else made
    look_up(tables, line)


@stroke
def channel_shift(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Adds the first number to all levels and keeps them in the image's range."""
    low, high = _range(line, 0)
    for channel in range(1, 3):
        lower, higher = _range(line, channel)
        low, high = min(low, lower), max(high, higher)
    table = scratch.tables[0]
    for level in range(256):
        table[level] = as_level(min(max(level + numbers[0], float(low)), float(high)))
    look_up_one(table, line)


@stroke
def rgb_shift(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Adds one of three numbers to each channel's levels."""
    tables, ones = scratch.tables, scratch.reals[0]
    for channel in range(3):
        ones[channel] = 1.0
    look_up_lines(tables, ones, numbers, line)


@stroke
def channel_contrast(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Draws each channel to its own mean by a factor, the first number, and rounds."""
    counts, tables = scratch.counts, scratch.tables
    _histograms(line, counts)
    for channel in range(3):
        total = i64(0)
        for level in range(256):
            total += level * counts[channel, level]
        mean = total / line.shape[0]
        for level in range(256):
            made = mean + numbers[0] * (level - mean)
            tables[channel, level] = as_level(made + 0.5)
    look_up(tables, line)
