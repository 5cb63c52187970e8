"""Compiled ways to resample an image that several affine maps move, of which most are straight."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32
from numba import int64 as i64
from numba import uint32

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import inner
from cifar10_aug.engines.numba.kernels.coordinates import constant_from, folded, is_identity
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    ALIGNED,
    CHAINED,
    CONSTANT,
    EDGE,
    MIRROR,
    REFLECT,
    STACKED,
    Scratch,
    Warps,
)
from cifar10_aug.engines.numba.kernels.resampling import RESAMPLER, interpolate_pixels, paint_border

_ONE, _HALF = i32(1 << FRACTION), i32(1 << (FRACTION - 1))
_PAINTED = i64(1 << 24)
_resampled = RESAMPLER.call


@RESAMPLER.separate(CHAINED)
def interpolate_chained(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    scratch: Scratch,
    line: np.ndarray,
    functions: np.ndarray,
) -> None:
    """Any map with the nearest or a constant border, and then straight ones; all of them near.

    Once brought back into the image, coordinates have 32 bits from map to map.
    """
    pixels = size[0] * size[1]
    xs, ys, pixel = scratch.lines[2, :pixels], scratch.lines[3, :pixels], scratch.lines[4, :pixels]
    painted = scratch.at[2]
    _start(warps.matrices[example, 0], size, xs, ys)
    for warp in range(warps.kinds.shape[0]):
        matrix, border = warps.matrices[example, warp], warps.borders[warp]
        if warp > 0:
            if is_identity(matrix):
                continue
            _move(i32(matrix[0]), i32(matrix[2]), xs)
            _move(i32(matrix[4]), i32(matrix[5]), ys)
        if warp == 0:
            painted[:] = 0
        if border in (CONSTANT, EDGE):
            _note_outside(border, warps.levels[warp], size, xs, ys, painted)
        _bring_back(border, size[1], xs)
        _bring_back(border, size[0], ys)
    stride = i32(size[1])
    for i in range(pixels):
        sx, sy = i32(xs[i]), i32(ys[i])
        pixel[i] = uint32((sy >> i32(16)) * stride + (sx >> i32(16)))
        xs[i] = uint32((sx >> i32(8)) & i32(255))
        ys[i] = uint32((sy >> i32(8)) & i32(255))
    interpolate_pixels(source, start, size[1], scratch, line)
    paint_border(painted, line)


@inner
def _start(matrix: np.ndarray, size: tuple[int, int], xs: np.ndarray, ys: np.ndarray) -> None:
    """Where a near map reads each pixel."""
    height, width = size
    xx, xy, x0 = i32(matrix[0]), i32(matrix[1]), i32(matrix[2])
    yx, yy, y0 = i32(matrix[3]), i32(matrix[4]), i32(matrix[5])
    for y in range(height):
        start_x, start_y = i32(xy * i32(y) + x0), i32(yy * i32(y) + y0)
        row_x, row_y = xs[y * width : (y + 1) * width], ys[y * width : (y + 1) * width]
        for x in range(width):
            row_x[x] = uint32(start_x + xx * i32(x))
            row_y[x] = uint32(start_y + yx * i32(x))


@inner
def _move(factor: int, shift: int, values: np.ndarray) -> None:
    """Takes the coordinates of one axis through a straight map."""
    if factor == _ONE:
        for i in range(values.shape[0]):
            values[i] = uint32(i32(values[i]) + shift)
    elif factor == -_ONE:
        for i in range(values.shape[0]):
            values[i] = uint32(shift - i32(values[i]))
    else:
        for i in range(values.shape[0]):
            scaled = (i64(factor) * i64(i32(values[i])) + i64(_HALF)) >> i64(FRACTION)
            values[i] = uint32(i32(scaled) + shift)


@inner
def _note_outside(
    border: int,
    level: int,
    size: tuple[int, int],
    xs: np.ndarray,
    ys: np.ndarray,
    painted: np.ndarray,
) -> None:
    """Notes where a constant border shows, unless another does already."""
    low, last = constant_from(border)
    lowest, paint = i32(low), i64(level) | _PAINTED
    last_y = i32((i64(size[0] - 1) << FRACTION) + last)
    last_x = i32((i64(size[1] - 1) << FRACTION) + last)
    for i in range(xs.shape[0]):
        x, y = i32(xs[i]), i32(ys[i])
        inside = (x >= lowest) & (x <= last_x) & (y >= lowest) & (y <= last_y)
        painted[i] = painted[i] if inside or painted[i] else paint


@inner
def _bring_back(border: int, length: int, values: np.ndarray) -> None:
    """Brings the coordinates of one axis back into the image; see `coordinates.folded`."""
    last = i32((length - 1) << FRACTION)
    if border in (REFLECT, MIRROR):
        half = _HALF if border == REFLECT else i32(0)
        period = i32((length << (FRACTION + 1)) if border == REFLECT else 2 * last)
        low, high = i32(0), i32(0)
        for i in range(values.shape[0]):
            low, high = min(low, i32(values[i])), max(high, i32(values[i]))
        if period > 0 and max(i64(high) + i64(half), -i64(low)) <= i64(period):
            # One reflection is enough.
            for i in range(values.shape[0]):
                at = i32(abs(i32(i32(values[i]) + half)))
                at = i32(min(at, i32(period - at)) - half)
                values[i] = uint32(min(max(at, i32(0)), last))
        else:
            for i in range(values.shape[0]):
                values[i] = uint32(i32(folded(i64(i32(values[i])), length, border)))
    else:
        for i in range(values.shape[0]):
            values[i] = uint32(min(max(i32(values[i]), i32(0)), last))


@RESAMPLER.separate(STACKED)
def copy_stacked(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    scratch: Scratch,
    line: np.ndarray,
    functions: np.ndarray,
) -> None:
    """Flips and whole-pixel shifts, done one by one in the recipe's order, each with its border."""
    pixels, left = size[0] * size[1], 0
    for warp in range(warps.kinds.shape[0]):
        left += 0 if is_identity(warps.matrices[example, warp]) else 1
    read, first, room = source, start, 3
    for warp in range(warps.kinds.shape[0] - 1, -1, -1):
        if is_identity(warps.matrices[example, warp]):
            continue
        left -= 1
        warps.only[example] = warp
        out = line if left == 0 else scratch.lines[room, :pixels]
        _resampled(functions[ALIGNED], read, first, size, warps, example, scratch, out, functions)
        read, first, room = out, i64(0), 7 - room
