"""Compiled convolution of one channel with a symmetric kernel, sideways and then downwards."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import uint32

from cifar10_aug.engines import borders
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.fused import plus_product
from cifar10_aug.engines.numba.kernels.memory import copy, turn
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
    taps = np.arange(each.shape[0])
    add_lines(padded[: wide * height], taps * height, each, sideways.reshape(sideways.size))
    for y in range(high):
        line, row = padded[y * width : (y + 1) * width], rows[y]
        for x in range(width):
            line[x] = sideways[x, row]
    add_lines(padded[: high * width], taps * width, each, out.reshape(out.size))


class Room(NamedTuple):
    """Memory for `convolve_levels`.

    Attributes:
        levels: float32 [3, n], an image with the lines that it is summed with, and then turned.
        sums: float32 [3, n].
        made: uint32 [n], packed.
        taps: float64 [taps].
        groups: float32 [taps in whole groups], see `add_lines_fused`.
        firsts: int64 [2, taps in whole groups], likewise, downwards and sideways.
    """

    levels: np.ndarray
    sums: np.ndarray
    made: np.ndarray
    taps: np.ndarray
    groups: np.ndarray
    firsts: np.ndarray


@compiled
def room(height: int, width: int, radius: int) -> Room:
    """That of images of a size and the widest kernel."""
    high, wide = _line(height), _line(width)
    most = max((high + 2 * radius) * wide, (wide + 2 * radius) * high)
    levels, sums = np.zeros((3, most), np.float32), np.zeros((3, high * wide), np.float32)
    taps, grouped = 2 * radius + 1, in_groups(2 * radius + 1)
    return Room(
        levels,
        sums,
        np.empty(high * wide, np.uint32),
        np.empty(taps),
        np.empty(grouped, np.float32),
        np.empty((2, grouped), np.int64),
    )


@inner
def _line(size: int) -> int:
    """How far apart lines of a size are: whole cache lines."""
    return (size + 15) // 16 * 16


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
    radius = weights.shape[0] - 1
    height, width = rows.shape[0] - 2 * radius, columns.shape[0] - 2 * radius
    high, wide = _line(height), _line(width)
    count = 2 * radius + 1
    taps, groups = room.taps[:count], room.groups[: in_groups(count)]
    down, across = room.firsts[0], room.firsts[1]
    groups[:], down[:], across[:] = f32(0.0), 0, 0
    for k in range(count):
        taps[k] = groups[k] = weights[abs(k - radius)]
        down[k], across[k] = k * wide, k * high
    # What is summed lies whole lines apart, so the image is turned between: downwards, sideways.
    first = radius * wide
    red, green, blue = room.levels[0, first:], room.levels[1, first:], room.levels[2, first:]
    for y in range(height if wide > width else 0):
        at = y * wide
        separate_channels(line[y * width : (y + 1) * width], red[at:], green[at:], blue[at:])
    if wide == width:
        separate_channels(line, red, green, blue)
    for channel in range(3):
        levels, sums = room.levels[channel], room.sums[channel]
        _repeat_lines(levels, rows, wide, radius)
        add_lines_fused(levels, down, groups, sums[: height * wide])
        turn(sums, 0, wide, levels, radius * high, high, (high, wide))
        _repeat_lines(levels, columns, high, radius)
        add_lines_fused(levels, across, groups, sums[: width * high])
    made = room.made[: width * high]
    # The sums of symmetric weights up to each of them are half as much as there are, on average;
    # and the weights and products are rounded, too. All that twice.
    off = error(taps.shape[0] + 5)
    round_channels(room.sums, off, made)
    place = next_in_doubt(made, 0)
    while place >= 0:
        x, y = place // high, place % high
        # None at the end of a line.
        for channel in range(3 if y < height else 0):
            total = float(room.sums[channel, place])
            if in_doubt(room.sums[channel, place], off):
                shift = uint32(8 * channel)
                total = _summed_again(line, width, shift, taps, columns[x:], rows[y:])
            made[place] = settled(made[place], channel, as_level(total + 0.5))
        place = next_in_doubt(made, place + 1)
    turn(made, 0, high, line, 0, width, (width, height))


@inner
def _repeat_lines(levels: np.ndarray, places: np.ndarray, apart: int, radius: int) -> None:
    """Writes the lines outside of an image, so many at both ends.

    Args:
        levels: float32 [n]: room for those on one side, then the image's.
        places: which of the image's each line is; see `reflected`.
        apart: from a line to the next one.
        radius: how many.
    """
    last = places.shape[0] - 1
    for k in range(radius):
        for to in (k, last - k):
            copy(levels, (radius + places[to]) * apart, levels, to * apart, apart)


@inner
def _summed_again(
    line: np.ndarray,
    width: int,
    shift: int,
    taps: np.ndarray,
    columns: np.ndarray,
    rows: np.ndarray,
) -> float:
    """What `convolve` sums for one pixel, in its order: to the last bit."""
    total = 0.0
    for j in range(taps.shape[0]):
        row, sideways = line[rows[j] * width :], 0.0
        for k in range(taps.shape[0]):
            sideways += taps[k] * float(i32((row[columns[k]] >> shift) & LOW_BYTE))
        total += taps[j] * sideways
    return total


@inner
def add_lines(line: np.ndarray, firsts: np.ndarray, weights: np.ndarray, total: np.ndarray) -> None:
    """Sums what begins at some places of a line, times a weight each, in order.

    Args:
        line: float64 [n].
        firsts: int64 [taps].
        weights: float64 [taps].
        total: float64 [m], written.
    """
    total[:] = 0.0
    k, taps = 0, weights.shape[0]
    # Several at a time, which saves loads and stores.
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


@inner
def in_groups(taps: int) -> int:
    """So many taps, and some without weight: each time that a line is read costs as two taps."""
    return (taps + 3) // 4 * 4


@inner
def add_lines_fused(
    line: np.ndarray, firsts: np.ndarray, weights: np.ndarray, total: np.ndarray
) -> None:
    """As `add_lines`, of float32 and taps `in_groups`, to within rounding: see `fused`."""
    total[:] = f32(0.0)
    w, at, k = weights, firsts, 0
    while k + 8 <= w.shape[0]:
        v0, v1, v2, v3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        v4, v5, v6, v7 = w[k + 4], w[k + 5], w[k + 6], w[k + 7]
        a0, a1, a2, a3 = line[at[k] :], line[at[k + 1] :], line[at[k + 2] :], line[at[k + 3] :]
        a4, a5, a6, a7 = line[at[k + 4] :], line[at[k + 5] :], line[at[k + 6] :], line[at[k + 7] :]
        for i in range(total.shape[0]):
            one = plus_product(plus_product(total[i], v0, a0[i]), v1, a1[i])
            one = plus_product(plus_product(one, v2, a2[i]), v3, a3[i])
            one = plus_product(plus_product(one, v4, a4[i]), v5, a5[i])
            total[i] = plus_product(plus_product(one, v6, a6[i]), v7, a7[i])
        k += 8
    if k < w.shape[0]:
        v0, v1, v2, v3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        a0, a1, a2, a3 = line[at[k] :], line[at[k + 1] :], line[at[k + 2] :], line[at[k + 3] :]
        for i in range(total.shape[0]):
            one = plus_product(plus_product(total[i], v0, a0[i]), v1, a1[i])
            total[i] = plus_product(plus_product(one, v2, a2[i]), v3, a3[i])
