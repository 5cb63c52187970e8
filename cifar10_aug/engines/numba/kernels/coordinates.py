"""Compiled coordinates: where each output pixel is read, in 16.16 fixed point."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32
from numba import int64 as i64
from numba import types, uint32

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import inlined, inner
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    CONSTANT,
    DISPLACE,
    EDGE,
    FIELD,
    MIRROR,
    NEAREST,
    PERSPECTIVE,
    REFLECT,
    TILT,
    Scratch,
    Warps,
)
from cifar10_aug.engines.numba.kernels.separate import Signature

# Set in a pixel that shows a border's level instead of the image.
PAINTED = 1 << 24

_COORDINATES = types.int64[::1]
_SIZE = types.UniTuple(i64, 2)
_TILT = Signature(types.none, types.float64[::1], _SIZE, _COORDINATES, _COORDINATES)
_DISPLACE = Signature(types.none, types.int32[:, ::1], _SIZE, _COORDINATES, _COORDINATES)
_tilted, _displaced = _TILT.call, _DISPLACE.call


def _clamp(at: int, last: int) -> int:
    # `min` and `max` take a tenth of a second to compile.
    at = at if at > i32(0) else i32(0)
    return at if at < last else last


within = inlined(_clamp)


@inner
def reflected_coordinates(field: np.ndarray, size: tuple[int, int], scratch: Scratch) -> bool:
    """Where each output pixel is read, by one field, int32 [2, pixels], with the reflecting border.

    Writes the index of the upper left neighbour and the weights of the right and lower ones.

    Whether one reflection is enough for all pixels; if not, what is written is of no use.
    """
    height, width = size
    wx, wy, pixel = scratch.lines[2], scratch.lines[3], scratch.lines[4]
    half, stride = i32(1 << (FRACTION - 1)), i32(width)
    last_x, last_y = i32((width - 1) << FRACTION), i32((height - 1) << FRACTION)
    period_x, period_y = i32(width << (FRACTION + 1)), i32(height << (FRACTION + 1))
    farther = i32(0)
    for y in range(height):
        row = y * width
        right, down = field[0, row : row + width], field[1, row : row + width]
        start_y = i32(i32(i32(y) << i32(FRACTION)) + half)
        for x in range(width):
            ax = i32(abs(i32(i32(i32(x) << i32(FRACTION)) + half + right[x])))
            ay = i32(abs(i32(start_y + down[x])))
            farther |= i32((ax > period_x) | (ay > period_y))
            sx = min(max(i32(min(ax, i32(period_x - ax)) - half), i32(0)), last_x)
            sy = min(max(i32(min(ay, i32(period_y - ay)) - half), i32(0)), last_y)
            pixel[row + x] = uint32(i32(i32(sy >> i32(16)) * stride) + i32(sx >> i32(16)))
            wx[row + x] = uint32((sx >> i32(8)) & i32(255))
            wy[row + x] = uint32((sy >> i32(8)) & i32(255))
    return farther == 0


@inner
def folded(at: int, size: int, border: int) -> int:
    """A coordinate brought back into the image, [0, size - 1], by a border's rule."""
    last = i64(size - 1) << FRACTION
    half = i64(1) << (FRACTION - 1) if border == REFLECT else i64(0)
    if border == REFLECT or (border == MIRROR and size > 1):
        period = i64(2 * size) << FRACTION if border == REFLECT else 2 * last
        at += half
        # In floats, because there is no vector division of integers. The fold is symmetric about
        # every multiple of the period, so it does not matter to which side one is rounded.
        at = abs(at - i64(np.floor(at / period)) * period)
        at = (at if at < period - at else period - at) - half
    return within(at, last)


@inner
def _move(matrix: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> None:
    """Takes coordinates through an affine map."""
    m0, m1, m2 = i64(matrix[0]), i64(matrix[1]), i64(matrix[2])
    m3, m4, m5 = i64(matrix[3]), i64(matrix[4]), i64(matrix[5])
    half = i64(1) << (FRACTION - 1)
    for i in range(xs.shape[0]):
        x = ((m0 * xs[i] + m1 * ys[i] + half) >> FRACTION) + m2
        ys[i] = ((m3 * xs[i] + m4 * ys[i] + half) >> FRACTION) + m5
        xs[i] = x


@inner
def horizon(height: int, width: int) -> float:
    """The farthest that a perspective map shows, in 16.16 fixed point: 32 images and more."""
    return 2097152.0 * max(height, width, 1024)


@_TILT.separate(TILT)
def _tilt(h: np.ndarray, size: tuple[int, int], xs: np.ndarray, ys: np.ndarray) -> None:
    """Takes coordinates through a perspective map, float64 [8]; see `ops.kinds.Perspective`."""
    one = float(1 << FRACTION)
    farthest = horizon(*size)
    for i in range(xs.shape[0]):
        x, y = xs[i] / one, ys[i] / one
        depth = h[6] * x + h[7] * y + 1.0
        # What is at the horizon or beyond it lies farther than any border.
        depth = one / depth if depth > 1e-6 else 1e12
        at_x = (h[0] * x + h[1] * y + h[2]) * depth
        at_y = (h[3] * x + h[4] * y + h[5]) * depth
        xs[i] = i64(np.floor(min(max(at_x, -farthest), farthest) + 0.5))
        ys[i] = i64(np.floor(min(max(at_y, -farthest), farthest) + 0.5))


@_DISPLACE.separate(DISPLACE)
def _displace(field: np.ndarray, size: tuple[int, int], xs: np.ndarray, ys: np.ndarray) -> None:
    """Adds what a field, int32 [2, pixels], has at the nearest pixel: x, then y."""
    height, width = size
    half = i64(1) << (FRACTION - 1)
    for i in range(xs.shape[0]):
        x = min(max((xs[i] + half) >> FRACTION, i64(0)), i64(width - 1))
        y = min(max((ys[i] + half) >> FRACTION, i64(0)), i64(height - 1))
        xs[i] += i64(field[0, y * width + x])
        ys[i] += i64(field[1, y * width + x])


@inner
def constant_from(border: int) -> tuple[int, int]:
    """How far before the first and after the last pixel's centre a constant border begins."""
    # At the outermost centres, or half a pixel beyond them.
    half = i64(1) << (FRACTION - 1)
    return (i64(0), i64(0)) if border == CONSTANT else (-half, half - 1)


@inner
def _bring_back(
    border: int,
    level: int,
    size: tuple[int, int],
    xs: np.ndarray,
    ys: np.ndarray,
    painted: np.ndarray,
) -> None:
    """Brings coordinates back into the image, and notes where a constant border shows.

    `painted` holds the packed level of the first constant border met, 0 for none: int64 [points].
    """
    height, width = size
    if border in (CONSTANT, EDGE):
        low, last = constant_from(border)
        last_x, last_y = (i64(width - 1) << FRACTION) + last, (i64(height - 1) << FRACTION) + last
        paint = i64(level) | i64(PAINTED)
        for i in range(xs.shape[0]):
            x, y = xs[i], ys[i]
            inside = (x >= low) & (x <= last_x) & (y >= low) & (y <= last_y)
            painted[i] = painted[i] if inside or painted[i] else paint
    # Each rule in a separate loop: with the rule constant, LLVM can vectorise the loop.
    if border == REFLECT:
        for i in range(xs.shape[0]):
            xs[i] = folded(xs[i], width, REFLECT)
            ys[i] = folded(ys[i], height, REFLECT)
    elif border == MIRROR:
        for i in range(xs.shape[0]):
            xs[i] = folded(xs[i], width, MIRROR)
            ys[i] = folded(ys[i], height, MIRROR)
    else:
        for i in range(xs.shape[0]):
            xs[i] = folded(xs[i], width, NEAREST)
            ys[i] = folded(ys[i], height, NEAREST)


@inner
def is_identity(matrix: np.ndarray) -> bool:
    one = i64(1 << FRACTION)
    straight = matrix[0] == one and matrix[4] == one
    return straight and matrix[1] == 0 and matrix[2] == 0 and matrix[3] == 0 and matrix[5] == 0


@inner
def coordinates(
    warps: Warps, example: int, size: tuple[int, int], scratch: Scratch, functions: np.ndarray
) -> None:
    """As `reflected_coordinates`, through an example's maps, of any kind and with any border."""
    height, width = size
    wx, wy, pixel = scratch.lines[2], scratch.lines[3], scratch.lines[4]
    xs, ys, painted = scratch.at[0], scratch.at[1], scratch.at[2]
    for y in range(height):
        for x in range(width):
            xs[y * width + x] = i64(x) << FRACTION
            ys[y * width + x] = i64(y) << FRACTION
    _follow(warps, example, size, xs, ys, painted, functions)
    # Two loops, since LLVM checks at most eight pairs of arrays for overlapping memory.
    for i in range(xs.shape[0]):
        pixel[i] = i32((ys[i] >> FRACTION) * width + (xs[i] >> FRACTION))
    for i in range(xs.shape[0]):
        wx[i] = uint32((xs[i] >> i64(8)) & i64(255))
        wy[i] = uint32((ys[i] >> i64(8)) & i64(255))


@inner
def axis_coordinates(
    warps: Warps, example: int, size: tuple[int, int], at: np.ndarray, functions: np.ndarray
) -> None:
    """Where columns and rows are read by straight maps: x and y of `at`, each for its own axis."""
    longer = max(size[0], size[1])
    xs, ys, painted = at[0][:longer], at[1][:longer], at[2][:longer]
    for i in range(longer):
        xs[i] = i64(i) << FRACTION
        ys[i] = i64(i) << FRACTION
    _follow(warps, example, size, xs, ys, painted, functions)


@inner
def _follow(
    warps: Warps,
    example: int,
    size: tuple[int, int],
    xs: np.ndarray,
    ys: np.ndarray,
    painted: np.ndarray,
    functions: np.ndarray,
) -> None:
    """Takes points through an example's maps, each with its border; see `_bring_back`."""
    painted[:] = 0
    for warp in range(warps.kinds.shape[0]):
        if warps.kinds[warp] == PERSPECTIVE:
            _tilted(functions[TILT], warps.perspectives[example, warp], size, xs, ys)
        elif warps.kinds[warp] == FIELD:
            _displaced(functions[DISPLACE], warps.fields[example, warp], size, xs, ys)
        elif is_identity(warps.matrices[example, warp]):
            continue
        else:
            _move(warps.matrices[example, warp], xs, ys)
        _bring_back(warps.borders[warp], warps.levels[warp], size, xs, ys, painted)
