"""Compiled maps that move each row, or each column, as a whole: shears and shifts."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import uint32, uint64

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import inlined, inner
from cifar10_aug.engines.numba.kernels.coordinates import constant_from
from cifar10_aug.engines.numba.kernels.memory import transpose
from cifar10_aug.engines.numba.kernels.pass_arguments import NEAREST, SLANTED, Resampling
from cifar10_aug.engines.numba.kernels.resampling import RESAMPLER

_LOW_BYTE, _RED_BLUE, _LOW_HALF = uint32(0xFF), uint32(0xFF00FF), uint32(0xFFFF)
_HALF_LEVEL, _8, _16 = uint32(1 << 15), uint32(8), uint32(16)


@RESAMPLER.separate(SLANTED)
def slide(given: Resampling) -> None:
    """One map that adds to x by y, or to y by x, and shifts; with the nearest or a constant border.

    Columns move as rows of the image on its side do, where blending has the same sums.
    """
    source, start, size, warps, example, scratch, line, _ = given
    (height, width), pixels = size, size[0] * size[1]
    warp = warps.only[example]
    matrix, border, level = warps.matrices[example, warp], warps.borders[warp], warps.levels[warp]
    if matrix[3] == 0:
        _slide_rows(source, start, size, matrix[1], matrix[2], matrix[5], border, level, line)
        return
    aside, moved = scratch.lines[2], scratch.lines[3]
    _turn(source, start, height, width, aside)
    turned = width, height
    _slide_rows(aside, i64(0), turned, matrix[3], matrix[5], matrix[2], border, level, moved)
    _turn(moved[:pixels], i64(0), width, height, line)


@inner
def _turn(source: np.ndarray, start: int, height: int, width: int, line: np.ndarray) -> None:
    """Writes rows as columns."""
    if height % 8 == 0 and width % 8 == 0:
        for y in range(0, height, 8):
            for x in range(0, width, 8):
                first = start + y * width + x
                transpose(source, first, i64(width), line, x * height + y, i64(height))
        return
    for y in range(height):
        for x in range(width):
            line[uint64(x * height + y)] = source[uint64(start + y * width + x)]


@inner
def _slide_rows(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    slope: int,
    x0: int,
    y0: int,
    border: int,
    level: int,
    line: np.ndarray,
) -> None:
    """Reads row y at x + slope * y + x0 and y + y0, in 16.16 fixed point."""
    height, width = size
    low, last = constant_from(border)
    painted = border != NEAREST
    down, weight_y = y0 >> FRACTION, uint32((y0 >> i64(8)) & i64(255))
    for y in range(height):
        at_y, at_x = (i64(y) << FRACTION) + y0, slope * y + x0
        row = line[y * width : (y + 1) * width]
        if painted and (at_y < low or at_y > (i64(height - 1) << FRACTION) + last):
            _fill(row, 0, width, level)
            continue
        upper = start + _within(y + down, height - 1) * width
        lower = start + _within(y + down + 1, height - 1) * width
        right, weight_x = at_x >> FRACTION, uint32((at_x >> i64(8)) & i64(255))
        # From here to there, both neighbours lie in the image; before and after, its ends show.
        first, stop = _within(-right, width), _within(width - 1 - right, width)
        a, c = upper + first + right, lower + first + right
        count = max(stop - first, i64(0))
        if weight_y == 0:
            _blend(source[a : a + count + 1], weight_x, row[first : first + count])
        else:
            above, below = source[a : a + count + 1], source[c : c + count + 1]
            _blend_both(above, below, weight_x, weight_y, row[first : first + count])
        _fill(row, 0, first, _blended(source[upper], source[lower], weight_y))
        ends = source[upper + width - 1], source[lower + width - 1]
        _fill(row, max(stop, i64(0)), width, _blended(ends[0], ends[1], weight_y))
        if painted:
            farthest = (i64(width - 1) << FRACTION) + last
            _fill(row, 0, _within((low - at_x + i64(65535)) >> FRACTION, width), level)
            _fill(row, _within(((farthest - at_x) >> FRACTION) + 1, width), width, level)


@inner
def _within(at: int, last: int) -> int:
    return min(max(i64(at), i64(0)), i64(last))


@inner
def _fill(row: np.ndarray, first: int, stop: int, pixel: int) -> None:
    for x in range(first, stop):
        row[uint64(x)] = pixel


def _weigh(one: int, other: int, weight: int) -> int:
    """256 times what is between two numbers, or lanes of 16 bits; in 32 bits, step by step."""
    return uint32(uint32(one << _8) + uint32(uint32(other - one) * weight))


_between = inlined(_weigh)


def _round(red_blue: int, green: int) -> int:
    """A packed pixel of 256 times its levels."""
    red = uint32((red_blue & _LOW_HALF) + uint32(128)) >> _8
    blue = uint32(uint32(red_blue >> _16) + uint32(128)) >> _8
    return red | (uint32(uint32(green + uint32(128)) >> _8) << _8) | (blue << _16)


_rounded = inlined(_round)


@inner
def _blended(one: int, other: int, weight: int) -> int:
    """A pixel between two, rounded."""
    red_blue = _between(uint32(one & _RED_BLUE), uint32(other & _RED_BLUE), weight)
    green = _between(uint32((one >> _8) & _LOW_BYTE), uint32((other >> _8) & _LOW_BYTE), weight)
    return _rounded(red_blue, green)


@inner
def _blend(source: np.ndarray, weight: int, row: np.ndarray) -> None:
    """Blends pixels with their right neighbours."""
    others = source[1:]
    for x in range(row.shape[0]):
        a, b = source[x], others[x]
        red_blue = _between(uint32(a & _RED_BLUE), uint32(b & _RED_BLUE), weight)
        green = _between(uint32((a >> _8) & _LOW_BYTE), uint32((b >> _8) & _LOW_BYTE), weight)
        row[x] = _rounded(red_blue, green)


@inner
def _blend_both(
    above: np.ndarray, below: np.ndarray, weight_x: int, weight_y: int, row: np.ndarray
) -> None:
    """Blends pixels with their right neighbours and with those below; rounds once."""
    right_above, right_below = above[1:], below[1:]
    for x in range(row.shape[0]):
        a, b, c, d = above[x], right_above[x], below[x], right_below[x]
        top = _between(uint32(a & _RED_BLUE), uint32(b & _RED_BLUE), weight_x)
        bottom = _between(uint32(c & _RED_BLUE), uint32(d & _RED_BLUE), weight_x)
        high = _between(uint32((a >> _8) & _LOW_BYTE), uint32((b >> _8) & _LOW_BYTE), weight_x)
        deep = _between(uint32((c >> _8) & _LOW_BYTE), uint32((d >> _8) & _LOW_BYTE), weight_x)
        red = _between(uint32(top & _LOW_HALF), uint32(bottom & _LOW_HALF), weight_y)
        blue = _between(uint32(top >> _16), uint32(bottom >> _16), weight_y)
        green = _between(high, deep, weight_y)
        red, blue = uint32(red + _HALF_LEVEL) >> _16, uint32(blue + _HALF_LEVEL) >> _16
        row[x] = red | ((uint32(green + _HALF_LEVEL) >> _16) << _8) | (blue << _16)
