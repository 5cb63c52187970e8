"""Compiled convolution of one channel with a symmetric kernel, sideways and then downwards."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import int32 as i32
from numba import uint32, uint64

from cifar10_aug.engines import borders
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, as_level
from cifar10_aug.engines.numba.kernels.rounding import (
    error,
    in_doubt,
    next_in_doubt,
    round_channels,
    separate_channels,
    settled,
)

_reflected, _clamped = inner(borders.reflected), inner(borders.clamped)


@compiled
def reflected(size: int, radius: int) -> np.ndarray:
    """Where to find pixels -radius to size - 1 + radius of a line, reflected; int64."""
    places = np.empty(size + 2 * radius, np.int64)
    for i in range(places.shape[0]):
        places[i] = _reflected(i - radius, size)
    return places


@compiled
def clamped(size: int, radius: int) -> np.ndarray:
    """As `reflected`, but the edge is repeated."""
    places = np.empty(size + 2 * radius, np.int64)
    for i in range(places.shape[0]):
        places[i] = _clamped(i - radius, size)
    return places


@inner
def radius_of(weights: np.ndarray) -> int:
    """Without the zeros at the end of float64 [n], which stand for a centre and one side."""
    radius = weights.shape[0] - 1
    while radius > 0 and weights[radius] == 0.0:
        radius -= 1
    return radius


@compiled
def spread(weights: np.ndarray, radius: int) -> np.ndarray:
    """A tap for each pixel from -radius to radius, of weights from the centre outwards."""
    each = np.empty(2 * radius + 1, weights.dtype)
    for k in range(each.shape[0]):
        each[k] = weights[abs(k - radius)]
    return each


@compiled
def convolve(
    image: np.ndarray, weights: np.ndarray, columns: np.ndarray, rows: np.ndarray, out: np.ndarray
) -> None:
    """Convolves float64 [height, width] into `out`.

    Args:
        image: the channel.
        weights: float64 [radius + 1] or longer, from the centre outwards.
        columns, rows: as `reflected` or `clamped` makes them for one radius.
        out: float64 [height, width]; not the image.
    """
    height, width = image.shape
    wide, high = columns.shape[0], rows.shape[0]
    each = spread(weights, (wide - width) // 2)
    # What is summed lies whole lines apart, which begin at the same place of a cache line: columns
    # come one after the other at first.
    padded = np.empty(max(wide * height, high * width), np.float64)
    for x in range(wide):
        line, column = padded[x * height : (x + 1) * height], columns[x]
        for y in range(height):
            line[y] = image[y, column]
    sideways = np.empty((width, height), np.float64)
    _sum_taps(padded[: wide * height], height, each, sideways.reshape(sideways.size))
    for y in range(high):
        line, row = padded[y * width : (y + 1) * width], rows[y]
        for x in range(width):
            line[x] = sideways[x, row]
    _sum_taps(padded[: high * width], width, each, out.reshape(out.size))


class Room(NamedTuple):
    """Memory for `convolve_levels`.

    Attributes:
        pixels: uint32 [2, n], packed images.
        levels: float32 [7, n].
    """

    pixels: np.ndarray
    levels: np.ndarray


@compiled
def room(height: int, width: int, radius: int) -> Room:
    """That of images of a size and the widest kernel."""
    count = (height + 2 * radius) * _row(width + 2 * radius) + _row(2 * radius)
    return Room(np.zeros((2, count), np.uint32), np.zeros((7, count), np.float32))


@inner
def _row(wide: int) -> int:
    """How far apart rows are, so that they begin at the same place of a cache line."""
    return (wide + 15) // 16 * 16


@compiled
def convolve_levels(
    line: np.ndarray, weights: np.ndarray, columns: np.ndarray, rows: np.ndarray, room: Room
) -> None:
    """Convolves a packed image in place, to what `convolve` gives when it is rounded.

    Args:
        line: uint32 [pixels].
        weights: float64 [radius + 1], from the centre outwards; with those on both sides they sum
            to 1.
        columns, rows: as `reflected` or `clamped` makes them for the radius.
        room: to work in.
    """
    radius, high, wide = weights.shape[0] - 1, rows.shape[0], _row(columns.shape[0])
    height, width = high - 2 * radius, columns.shape[0] - 2 * radius
    taps = spread(weights, radius)
    each = taps.astype(np.float32)
    # Rows lie one after the other, so that loops are long; what is summed across the end of a row
    # is not used.
    seen, first = height * wide, radius * wide
    padded, made = room.pixels[0, :seen], room.pixels[1, :seen]
    sideways, totals = room.levels[3], room.levels[4:]
    for y in range(height):
        row, source = padded[y * wide : (y + 1) * wide], line[y * width : (y + 1) * width]
        for x in range(columns.shape[0]):
            row[x] = source[uint64(columns[x])]
    separate_channels(padded, room.levels)
    for channel in range(3):
        _sum_taps(room.levels[channel], 1, each, sideways[first : first + seen])
        for y in range(radius):
            for to in (y, high - 1 - y):
                row, source = sideways[to * wide :], sideways[(radius + rows[to]) * wide :]
                for x in range(wide):
                    row[x] = source[x]
        _sum_taps(sideways, wide, each, totals[channel, :seen])
    # The sums of symmetric weights up to each of them are half as much as there are, on average;
    # and the weights and products are rounded, too. All that twice.
    off = error(taps.shape[0] + 5)
    round_channels(totals, off, made)
    place = next_in_doubt(made, 0)
    while place >= 0:
        # None at the end of a row.
        for channel in range(3 if place % wide < width else 0):
            total = float(totals[channel, place])
            if in_doubt(totals[channel, place], off):
                total = _summed_again(padded, wide, uint32(8 * channel), taps, rows, place)
            made[place] = settled(made[place], channel, as_level(total + 0.5))
        place = next_in_doubt(made, place + 1)
    for y in range(height):
        row, source = line[y * width : (y + 1) * width], made[y * wide :]
        for x in range(width):
            row[x] = source[x]


@inner
def _summed_again(
    padded: np.ndarray, wide: int, shift: int, taps: np.ndarray, rows: np.ndarray, place: int
) -> float:
    """What `convolve` sums for one pixel, in its order: to the last bit."""
    y, x = place // wide, place % wide
    total = 0.0
    for j in range(taps.shape[0]):
        row, sideways = rows[y + j] * wide + x, 0.0
        for k in range(taps.shape[0]):
            sideways += taps[k] * float(i32((padded[row + k] >> shift) & LOW_BYTE))
        total += taps[j] * sideways
    return total


@inner
def _sum_taps(line: np.ndarray, step: int, weights: np.ndarray, total: np.ndarray) -> None:
    """Sums elements that are `step` apart, times an odd number of weights, in order."""
    taps, count = weights.shape[0], total.shape[0]
    w = weights[0]
    if taps == 1:
        for i in range(count):
            total[i] = w * line[i]
        return
    # Several at a time, which saves loads and stores.
    b, c = line[step:], line[2 * step :]
    x, y = weights[1], weights[2]
    for i in range(count):
        total[i] = (w * line[i] + x * b[i]) + y * c[i]
    k = 3
    while k + 8 <= taps:
        v0, v1, v2, v3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        v4, v5, v6, v7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
        a0, a1, a2 = line[k * step :], line[(k + 1) * step :], line[(k + 2) * step :]
        a3, a4, a5 = line[(k + 3) * step :], line[(k + 4) * step :], line[(k + 5) * step :]
        a6, a7 = line[(k + 6) * step :], line[(k + 7) * step :]
        for i in range(count):
            four = (((total[i] + v0 * a0[i]) + v1 * a1[i]) + v2 * a2[i]) + v3 * a3[i]
            total[i] = (((four + v4 * a4[i]) + v5 * a5[i]) + v6 * a6[i]) + v7 * a7[i]
        k += 8
    if k + 4 <= taps:
        v0, v1, v2, v3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        a0, a1 = line[k * step :], line[(k + 1) * step :]
        a2, a3 = line[(k + 2) * step :], line[(k + 3) * step :]
        for i in range(count):
            total[i] = (((total[i] + v0 * a0[i]) + v1 * a1[i]) + v2 * a2[i]) + v3 * a3[i]
        k += 4
    if k < taps:
        a, b = line[k * step :], line[(k + 1) * step :]
        w, x = weights[k], weights[k + 1]
        for i in range(count):
            total[i] = (total[i] + w * a[i]) + x * b[i]


@inner
def add_lines(line: np.ndarray, firsts: np.ndarray, weights: np.ndarray, total: np.ndarray) -> None:
    """Sums what begins at some places of a line, times a weight each, in order.

    Args:
        line: float64 or float32 [n].
        firsts: int64 [taps].
        weights: of the same type [taps].
        total: of the same type [m], written.
    """
    total[:] = 0.0
    k, taps = 0, weights.shape[0]
    # Several at a time, as there.
    while k + 4 <= taps:
        a, b = line[firsts[k] :], line[firsts[k + 1] :]
        c, d = line[firsts[k + 2] :], line[firsts[k + 3] :]
        w, x, y, z = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for i in range(total.shape[0]):
            total[i] = (((total[i] + w * a[i]) + x * b[i]) + y * c[i]) + z * d[i]
        k += 4
    while k < taps:
        a, w = line[firsts[k] :], weights[k]
        for i in range(total.shape[0]):
            total[i] += w * a[i]
        k += 1
