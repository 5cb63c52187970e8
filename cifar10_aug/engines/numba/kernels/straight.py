"""Compiled maps that take rows to rows and columns to columns: they are read axis by axis."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import types, uint32, uint64

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import inlined, inner
from cifar10_aug.engines.numba.kernels.coordinates import axis_coordinates, within
from cifar10_aug.engines.numba.kernels.memory import copy, halves, mirror
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    ALIGNED,
    CONSTANT,
    EDGE,
    FOLD,
    MIRRORED,
    NEAREST,
    REFLECT,
    STRAIGHT,
    Images,
    Output,
    Resampling,
    Scratch,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.kernels.resampling import RESAMPLER, RESAMPLING
from cifar10_aug.engines.numba.kernels.separate import Signature
from cifar10_aug.engines.numba.kernels.writing import COPIER

_LOW_BYTE = uint32(0xFF)
_RED_BLUE = uint32(0xFF00FF)
_LOW_HALF = uint32(0xFFFF)
_HALF_LEVEL = uint32(1 << 15)
# What is resampled, and columns and rows of it.
_FOLDER = Signature(types.none, RESAMPLING, i64, i64, i64, i64)
_folded = _FOLDER.call


@RESAMPLER.separate(ALIGNED)
def copy_aligned(given: Resampling) -> None:
    """A flip and whole-pixel shift: rows are copied, forwards or backwards, nothing is blended."""
    (height, width), warps, source, line = given.size, given.warps, given.source, given.line
    warp = warps.only[given.example]
    matrix, border = warps.matrices[given.example, warp], warps.borders[warp]
    level, painted = warps.levels[warp], (border == CONSTANT) | (border == EDGE)
    step, x0 = matrix[0] >> FRACTION, matrix[2] >> FRACTION
    row_step, y0 = matrix[4] >> FRACTION, matrix[5] >> FRACTION
    # Columns [left, right) and rows [top, bottom) lie inside the image.
    left = -x0 if step > 0 else x0 - (width - 1)
    left, right = within(left, width), within(left + width, width)
    top = -y0 if row_step > 0 else y0 - (height - 1)
    top, bottom = within(top, height), within(top + height, height)
    if painted:
        for i in range(line.shape[0]):
            line[i] = level
    for y in range(top, bottom):
        row = given.start + (row_step * y + y0) * width + x0
        if step > 0:
            copy(source, row + left, line, y * width + left, right - left)
        else:
            # Unsigned, since an index that may be negative keeps loops from becoming vector code.
            read, out = uint64(row - left), uint64(y * width + left)
            for x in range(right - left):
                line[out + uint64(x)] = source[read - uint64(x)]
    if not painted:
        # The rest is what a border brings back into the image.
        _folded(given.functions[FOLD], given, left, right, top, bottom)


@_FOLDER.separate(FOLD)
def _fold(given: Resampling, left: int, right: int, top: int, bottom: int) -> None:
    """Shows folded pixels outside of columns [left, right) and rows [top, bottom)."""
    (height, width), warps, source, line = given.size, given.warps, given.source, given.line
    warp, columns = warps.only[given.example], given.scratch.lines[2]
    matrix, border = warps.matrices[given.example, warp], warps.borders[warp]
    for x in range(width):
        at = (matrix[0] * x + matrix[2]) >> FRACTION
        columns[x] = uint32(_folded_pixel(at, width, border))
    for y in range(height):
        at = (matrix[4] * y + matrix[5]) >> FRACTION
        row = uint64(given.start + _folded_pixel(at, height, border) * width)
        beside = top <= y < bottom
        first, last = left if beside else i64(width), right if beside else i64(width)
        for k in range(first + width - last):
            x = k if k < first else k - first + last
            line[uint64(y * width + x)] = source[row + uint64(columns[x])]


@inner
def _folded_pixel(at: int, length: int, border: int) -> int:
    """As `folded`, of whole pixels, which takes less time to compile."""
    if border != NEAREST and length > 1 and (at < 0 or at >= length):
        # The outermost pixels are seen twice, or once.
        twice = i64(1) if border == REFLECT else i64(0)
        period = 2 * (length - 1 + twice)
        at = at % period
        at = at if at < length else period - twice - at
    return within(at, length - 1)


@COPIER.separate(MIRRORED)
def mirror_levels(
    images: Images,
    place: int,
    warps: Warps,
    strokes: Strokes,
    example: int,
    scratch: Scratch,
    output: Output,
) -> None:
    """Copies an image that is stored as levels, mirrored or as it is."""
    stored, start, out = images.stored, images.starts[place], output.memory[example]
    height, width = images.height, images.width
    moved, matrix = warps.kinds.shape[0] > 0, warps.matrices[example]
    warp = warps.only[example]
    across, down = moved and matrix[warp, 0] < 0, moved and matrix[warp, 4] < 0
    whole = 3 * width
    read, step = (start + whole * (height - 1), -whole) if down else (start, whole)
    if not across:
        for y in range(height):
            copy(stored, read + step * y, out, whole * y, whole)
        return
    for y in range(height):
        row, wrote = read + step * y + whole, whole * y
        for x in range(0, width - 15, 16):
            mirror(stored, row - 3 * x - 48, out, wrote + 3 * x)
        for x in range(width & ~15, width):
            copy(stored, row - 3 * x - 3, out, wrote + 3 * x, 3)


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
def interpolate_straight(given: Resampling) -> None:
    """Affine maps that mix no rows and columns, with borders of which none is constant."""
    source, start, size, scratch = given.source, given.start, given.size, given.scratch
    axis_coordinates(given.warps, given.example, size, scratch.at, given.functions)
    blend_columns(source, start, size, scratch)
    blend_rows(scratch.lines[3], scratch.lines[4], scratch.at[1], size, given.line)
