"""Compiled loops that resample an image: each pixel is blended of four neighbours."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32
from numba import int64 as i64
from numba import types, uint32, uint64

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import inner
from cifar10_aug.engines.numba.kernels.coordinates import (
    constant_from,
    coordinates,
    reflected_coordinates,
    within,
)
from cifar10_aug.engines.numba.kernels.memory import copy, halves
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    BLEND,
    GENERAL,
    NEAR,
    NEAREST,
    OUTSIDE,
    REFLECTED,
    TILTED,
    Resampling,
)
from cifar10_aug.engines.numba.kernels.perspectives import tilted_coordinates
from cifar10_aug.engines.numba.kernels.pointers import SCRATCH, WARPS
from cifar10_aug.engines.numba.kernels.separate import Signature

_LOW_BYTE = uint32(0xFF)
_RED_BLUE = uint32(0xFF00FF)
_BLUE = uint32(0xFF0000)
_LOW_HALF = uint32(0xFFFF)
_HALF_LEVEL = uint32(1 << 15)

RESAMPLING = types.NamedTuple(
    (
        *(types.uint32[::1], i64, types.UniTuple(i64, 2), WARPS, i64, SCRATCH),
        *(types.uint32[::1], types.int64[::1]),
    ),
    Resampling,
)
RESAMPLER = Signature(types.none, RESAMPLING)
_OUTSIDE = Signature(
    types.none, types.int64[::1], i64, uint32, types.UniTuple(i64, 2), types.uint32[::1]
)
_resampled, _painted_outside = RESAMPLER.call, _OUTSIDE.call


@RESAMPLER.separate(BLEND)
def _blend(given: Resampling) -> None:
    """Bilinear interpolation, two 16-bit lanes to a word: red with blue, upper with lower green.

    Where pixels are read, and with which weights, is in `scratch`. Sideways the full 16 bits are
    kept, so rounding happens once, at the end.
    """
    source, start, width = given.source, given.start, given.size[1]
    scratch, line = given.scratch, given.line
    wx, wy, pixel = scratch.lines[2], scratch.lines[3], scratch.lines[4]
    pairs_above, pairs_below = scratch.pairs[0], scratch.pairs[1]
    # Each pixel with its right neighbour as one 64-bit word, in two rows.
    for i in range(line.shape[0]):
        # Signed, which processors load sooner here.
        k = uint64(start + i64(i32(pixel[i])))
        below = k + uint64(width)
        pairs_above[i] = uint64(source[k]) | (uint64(source[k + uint64(1)]) << uint64(32))
        pairs_below[i] = uint64(source[below]) | (uint64(source[below + uint64(1)]) << uint64(32))
    # As 32-bit words, since masks of 64 bits would make all of it half as wide.
    upper, lower = halves(pairs_above), halves(pairs_below)
    eight, sixteen = uint32(8), uint32(16)
    for i in range(line.shape[0]):
        j = uint64(2 * i)
        a, b = upper[j], upper[j + uint64(1)]
        c, d = lower[j], lower[j + uint64(1)]
        x, y = wx[i], wy[i]
        rb = a & _RED_BLUE
        top = uint32((rb << eight) + ((b & _RED_BLUE) - rb) * x)
        rb = c & _RED_BLUE
        bottom = uint32((rb << eight) + ((d & _RED_BLUE) - rb) * x)
        left = ((a >> eight) & _LOW_BYTE) | ((c << eight) & _BLUE)
        right = ((b >> eight) & _LOW_BYTE) | ((d << eight) & _BLUE)
        green = uint32((left << eight) + (right - left) * x)
        r0, r1 = top & _LOW_HALF, bottom & _LOW_HALF
        g0, g1 = green & _LOW_HALF, green >> sixteen
        b0, b1 = top >> sixteen, bottom >> sixteen
        r = uint32((r0 << eight) + (r1 - r0) * y + _HALF_LEVEL) >> sixteen
        g = uint32((g0 << eight) + (g1 - g0) * y + _HALF_LEVEL) >> sixteen
        bl = uint32((b0 << eight) + (b1 - b0) * y + _HALF_LEVEL) >> sixteen
        line[i] = r | (g << eight) | (bl << sixteen)


@inner
def paint_border(painted: np.ndarray, line: np.ndarray) -> None:
    for i in range(line.shape[0]):
        line[i] = uint32(painted[i] & i64(0xFFFFFF)) if painted[i] else line[i]


@_OUTSIDE.separate(OUTSIDE)
def _paint_outside(
    matrix: np.ndarray, border: int, level: int, size: tuple[int, int], line: np.ndarray
) -> None:
    """Shows a constant border's level where one near map reads outside the image."""
    height, width = size
    xx, xy, x0 = i32(matrix[0]), i32(matrix[1]), i32(matrix[2])
    yx, yy, y0 = i32(matrix[3]), i32(matrix[4]), i32(matrix[5])
    low, last = constant_from(border)
    low_x, last_x = i32(low), i32(((width - 1) << FRACTION) + last)
    last_y = i32(((height - 1) << FRACTION) + last)
    for y in range(height):
        start_x, start_y = i32(xy * i32(y) + x0), i32(yy * i32(y) + y0)
        row = line[y * width : (y + 1) * width]
        for x in range(width):
            sx, sy = i32(start_x + xx * i32(x)), i32(start_y + yx * i32(x))
            inside = (sx >= low_x) & (sx <= last_x) & (sy >= low_x) & (sy <= last_y)
            row[x] = row[x] if inside else uint32(level)


@RESAMPLER.separate(NEAR)
def interpolate_near(given: Resampling) -> None:
    """One affine map that is near, with the nearest or a constant border."""
    (height, width), warps, scratch = given.size, given.warps, given.scratch
    warp = warps.only[given.example]
    matrix, border = warps.matrices[given.example, warp], warps.borders[warp]
    wx, wy, pixel = scratch.lines[2], scratch.lines[3], scratch.lines[4]
    xx, xy, x0 = i32(matrix[0]), i32(matrix[1]), i32(matrix[2])
    yx, yy, y0 = i32(matrix[3]), i32(matrix[4]), i32(matrix[5])
    last_x, last_y = i32((width - 1) << FRACTION), i32((height - 1) << FRACTION)
    stride = i32(width)
    for y in range(height):
        start_x, start_y = i32(xy * i32(y) + x0), i32(yy * i32(y) + y0)
        row = y * width
        for x in range(width):
            sx, sy = i32(start_x + xx * i32(x)), i32(start_y + yx * i32(x))
            sx, sy = within(sx, last_x), within(sy, last_y)
            pixel[row + x] = (sy >> i32(16)) * stride + (sx >> i32(16))
            wx[row + x] = uint32((sx >> i32(8)) & i32(255))
            wy[row + x] = uint32((sy >> i32(8)) & i32(255))
    _resampled(given.functions[BLEND], given)
    if border != NEAREST:
        outside, level = given.functions[OUTSIDE], warps.levels[warp]
        _painted_outside(outside, matrix, border, level, given.size, given.line)


@RESAMPLER.separate(REFLECTED)
def interpolate_reflected(given: Resampling) -> None:
    """One field with the reflecting border; GENERAL does what lies too far outside."""
    field = given.warps.fields[given.example, 0]
    near = reflected_coordinates(field, given.size, given.scratch)
    _resampled(given.functions[BLEND if near else GENERAL], given)


@RESAMPLER.separate(TILTED)
def interpolate_tilted(given: Resampling) -> None:
    """One perspective map, with the nearest or a constant border."""
    warps, line, painted = given.warps, given.line, given.scratch.at[2]
    h, border = warps.perspectives[given.example, 0], warps.borders[0]
    straight = h[0] == 1.0 and h[4] == 1.0 and h[6] == 0.0 and h[7] == 0.0
    if straight and h[1] == 0.0 and h[2] == 0.0 and h[3] == 0.0 and h[5] == 0.0:
        # As most are where p is small.
        copy(given.source, given.start, line, 0, line.shape[0])
        return
    tilted_coordinates(h, border, warps.levels[0], given.size, given.scratch)
    _resampled(given.functions[BLEND], given)
    if border != NEAREST:
        paint_border(painted, line)


@RESAMPLER.separate(GENERAL)
def interpolate(given: Resampling) -> None:
    """Maps of any kind, with any border."""
    coordinates(given.warps, given.example, given.size, given.scratch, given.functions)
    _resampled(given.functions[BLEND], given)
    paint_border(given.scratch.at[2], given.line)
