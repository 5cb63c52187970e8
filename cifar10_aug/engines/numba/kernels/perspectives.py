"""Compiled coordinates of one perspective map."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32
from numba import int64 as i64
from numba import uint32

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import inlined
from cifar10_aug.engines.numba.kernels.coordinates import PAINTED, constant_from
from cifar10_aug.engines.numba.kernels.pass_arguments import NEAREST, Scratch


@inlined
def tilted_coordinates(
    h: np.ndarray, border: int, level: int, size: tuple[int, int], scratch: Scratch
) -> None:
    """As `reflected_coordinates`, by one perspective map, float64 [8]; it rounds as `coordinates`.

    The third line of `scratch.at` has the packed level where a constant border shows, 0 elsewhere.
    """
    wx, wy, pixel = scratch.lines[2], scratch.lines[3], scratch.lines[4]
    painted = scratch.at[2]
    height, width = size
    last_x, last_y = i32((width - 1) << FRACTION), i32((height - 1) << FRACTION)
    low, beyond = constant_from(border)
    lowest, most_x, most_y = float(low), float(last_x + beyond), float(last_y + beyond)
    paint = (i64(level) | i64(PAINTED)) if border != NEAREST else i64(0)
    stride = i32(width)
    for y in range(height):
        row = y * width
        for x in range(width):
            depth = h[6] * float(x) + h[7] * float(y) + 1.0
            depth = 65536.0 / depth if depth > 1e-6 else 1e12
            at_x = np.floor((h[0] * float(x) + h[1] * float(y) + h[2]) * depth + 0.5)
            at_y = np.floor((h[3] * float(x) + h[4] * float(y) + h[5]) * depth + 0.5)
            inside = (at_x >= lowest) & (at_x <= most_x) & (at_y >= lowest) & (at_y <= most_y)
            painted[row + x] = i64(0) if inside else paint
            at_x, at_y = at_x if at_x > 0.0 else 0.0, at_y if at_y > 0.0 else 0.0
            sx = i32(at_x if at_x < float(last_x) else float(last_x))
            sy = i32(at_y if at_y < float(last_y) else float(last_y))
            pixel[row + x] = (sy >> i32(16)) * stride + (sx >> i32(16))
            wx[row + x] = uint32((sx >> i32(8)) & i32(255))
            wy[row + x] = uint32((sy >> i32(8)) & i32(255))
