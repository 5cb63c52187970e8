"""Compiled maps that take rows to rows and columns to columns: they are read axis by axis."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import types, uint32, uint64

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import inlined, inner
from cifar10_aug.engines.numba.kernels.coordinates import axis_coordinates, folded
from cifar10_aug.engines.numba.kernels.memory import halves
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    ALIGNED,
    CONSTANT,
    EDGE,
    MIRRORED,
    STRAIGHT,
    Scratch,
    Warps,
)
from cifar10_aug.engines.numba.kernels.resampling import RESAMPLER
from cifar10_aug.engines.numba.kernels.separate import Signature

_LOW_BYTE = uint32(0xFF)
_RED_BLUE = uint32(0xFF00FF)
_LOW_HALF = uint32(0xFFFF)
_HALF_LEVEL = uint32(1 << 15)

MIRRORER = Signature(
    types.none,
    types.Array(types.uint8, 1, "C", readonly=True),
    i64,
    types.UniTuple(i64, 2),
    types.boolean,
    types.boolean,
    types.uint8[::1],
)


@RESAMPLER.separate(ALIGNED)
def copy_aligned(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    scratch: Scratch,
    line: np.ndarray,
    functions: np.ndarray,
) -> None:
    """A flip and whole-pixel shift: rows are copied, forwards or backwards, nothing is blended."""
    height, width = size
    warp = warps.only[example]
    matrix, border, level = warps.matrices[example, warp], warps.borders[warp], warps.levels[warp]
    painted = border in (CONSTANT, EDGE)
    step = i64(matrix[0]) >> FRACTION
    x0, y0 = i64(matrix[2]) >> FRACTION, i64(matrix[5]) >> FRACTION
    row_step = i64(matrix[4]) >> FRACTION
    # Output columns [first, last) lie inside the image.
    first = max(i64(0), -x0) if step > 0 else max(i64(0), x0 - (width - 1))
    last = min(i64(width), width - x0) if step > 0 else min(i64(width), x0 + 1)
    first = min(first, i64(width))
    last = max(first, last)
    for y in range(height):
        sy = row_step * y + y0
        if (sy < 0 or sy >= height) and not painted:
            sy = folded(sy << FRACTION, height, border) >> FRACTION
        outside = sy < 0 or sy >= height
        row, left = start + sy * width, i64(width) if outside else first
        out, inside = uint64(y * width), uint64(y * width + first)
        # Unsigned, since an index that may be negative keeps loops from becoming vector code.
        read = uint64(row + step * first + x0)
        if not outside and step > 0:
            for x in range(last - first):
                line[inside + uint64(x)] = source[read + uint64(x)]
        elif not outside:
            for x in range(last - first):
                line[inside + uint64(x)] = source[read - uint64(x)]
        for part in range(2):
            begin, end = (i64(0), left) if part == 0 else (max(left, last), i64(width))
            for x in range(begin, end):
                if painted:
                    line[out + uint64(x)] = level
                else:
                    sx = folded((step * x + x0) << FRACTION, width, border) >> FRACTION
                    line[out + uint64(x)] = source[uint64(row + sx)]


@MIRRORER.separate(MIRRORED)
def mirror_levels(
    stored: np.ndarray, start: int, size: tuple[int, int], across: bool, down: bool, out: np.ndarray
) -> None:
    """Copies an image that is stored as levels, mirrored or as it is."""
    height, width = size
    one, two, three, whole = uint64(1), uint64(2), uint64(3), uint64(3 * width)
    for y in range(height):
        read = uint64(start + 3 * width * (height - 1 - y if down else y))
        wrote = whole * uint64(y)
        if not across:
            _copy(stored, read, whole, out, wrote)
            continue
        read += whole - three
        for x in range(width):
            k = three * uint64(x)
            out[wrote + k] = stored[read - k]
            out[wrote + k + one] = stored[read - k + one]
            out[wrote + k + two] = stored[read - k + two]


@inner
def _copy(
    source: np.ndarray, read: np.uint64, count: np.uint64, out: np.ndarray, wrote: np.uint64
) -> None:
    """By itself, since LLVM makes no vector code of it in a loop over rows."""
    for i in range(count):
        out[wrote + i] = source[read + i]


@inner
def blend_columns(source: np.ndarray, start: int, size: tuple[int, int], scratch: Scratch) -> None:
    """Blends columns with their right neighbours, and keeps 16 bits a channel, in rows to be seen.

    Args:
        source, start, size: as for the others.
        scratch: where columns and rows are read is in `at`, see `axis_coordinates`; red with blue
            is written to the fourth of its lines, and green to the fifth.
    """
    height, width = size
    xs, ys = scratch.at[0, :width], scratch.at[1, :height]
    weights, columns = scratch.lines[2, :width], scratch.lines[2, width : 2 * width]
    pairs = scratch.pairs[0]
    for x in range(width):
        weights[x] = uint32((xs[x] >> i64(8)) & i64(255))
        columns[x] = uint32(xs[x] >> FRACTION)
    low, high = i64(height), i64(0)
    for y in range(height):
        low, high = min(low, ys[y] >> FRACTION), max(high, ys[y] >> FRACTION)
    high = min(high + 2, i64(height))
    # All of them before any is read again: the processor waits for what has just been stored in
    # smaller pieces.
    for row in range(low, high):
        read, line = uint64(start + row * width), pairs[row * width : (row + 1) * width]
        for x in range(width):
            k = read + uint64(columns[x])
            line[x] = uint64(source[k]) | (uint64(source[k + uint64(1)]) << uint64(32))
    # As 32-bit words, as in `resampling`.
    words = halves(pairs)
    for row in range(low, high):
        first, last = row * width, (row + 1) * width
        red_blue, green = scratch.lines[3, first:last], scratch.lines[4, first:last]
        line = words[2 * first : 2 * last]
        for x in range(width):
            j = uint64(2 * x)
            a, b, weight = line[j], line[j + uint64(1)], weights[x]
            red_blue[x] = _between(uint32(a & _RED_BLUE), uint32(b & _RED_BLUE), weight)
            left, right = uint32(a >> uint32(8)), uint32(b >> uint32(8))
            green[x] = _between(uint32(left & _LOW_BYTE), uint32(right & _LOW_BYTE), weight)


def _weigh(one: int, other: int, weight: int) -> int:
    """256 times what is between two numbers, or lanes of 16 bits; in 32 bits, step by step."""
    return uint32(uint32(one << uint32(8)) + uint32(uint32(other - one) * weight))


_between = inlined(_weigh)


def _blend(one: int, other: int, weight: int) -> int:
    """Blends two numbers of 16 bits, and rounds to a level."""
    return uint32(uint32(_between(one, other, weight) + _HALF_LEVEL) >> uint32(16))


_blended = inlined(_blend)


@inner
def blend_rows(
    red_blue: np.ndarray, green: np.ndarray, ys: np.ndarray, size: tuple[int, int], line: np.ndarray
) -> None:
    """Blends each row with the one below, and rounds as `resampling` does, to the last bit."""
    height, width = size
    sixteen = uint32(16)
    for y in range(height):
        row = ys[y] >> FRACTION
        # Beyond the last row, the weight is 0.
        upper, lower = uint64(row * width), uint64(min(row + 1, i64(height - 1)) * width)
        out, weight = uint64(y * width), uint32((ys[y] >> i64(8)) & i64(255))
        for x in range(width):
            top, bottom = red_blue[upper + uint64(x)], red_blue[lower + uint64(x)]
            g0, g1 = green[upper + uint64(x)], green[lower + uint64(x)]
            r0, r1 = uint32(top & _LOW_HALF), uint32(bottom & _LOW_HALF)
            b0, b1 = uint32(top >> sixteen), uint32(bottom >> sixteen)
            r = _blended(r0, r1, weight)
            g = _blended(g0, g1, weight)
            b = _blended(b0, b1, weight)
            line[out + uint64(x)] = r | uint32(g << uint32(8)) | uint32(b << sixteen)


@RESAMPLER.separate(STRAIGHT)
def interpolate_straight(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    scratch: Scratch,
    line: np.ndarray,
    functions: np.ndarray,
) -> None:
    """Affine maps that mix no rows and columns, with borders of which none is constant."""
    axis_coordinates(warps, example, size, scratch.at, functions)
    blend_columns(source, start, size, scratch)
    blend_rows(scratch.lines[3], scratch.lines[4], scratch.at[1], size, line)
