"""Compiled processes that look at a pixel's neighbours."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32
from numba import uint32

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.convolution import (
    convolve_levels,
    radius_of,
    reflected,
    room,
)
from cifar10_aug.engines.numba.kernels.factors import lift_of, moved_level, whole_factor
from cifar10_aug.engines.numba.kernels.pass_arguments import Scratch
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, as_level, channels, packed
from cifar10_aug.engines.numba.kernels.strokes import stroke

_LANES = uint32(0xFF00FF)
_8 = uint32(8)


@inner
def _weighed(columns: np.ndarray, x: int, centre: int) -> int:
    """Nine neighbours' levels in two lanes of 16 bits, the centre five times: at most 12 bits."""
    return uint32(columns[x] + columns[x + 1] + columns[x + 2] + (centre << uint32(2)))


@inner
def _thirteenth(total: int) -> int:
    """A sum of 13 levels, as their rounded mean: (2 * total + 13) // 26 without a division."""
    return i32((uint32(uint32(total) * uint32(2) + uint32(13)) * uint32(40330)) >> uint32(20))


@stroke
def sharpen(numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray) -> None:
    """Blends with a smoothed image by a factor, the first number; the border stays as it is.

    The smoothing is (1 1 1, 1 5 1, 1 1 1) / 13.
    """
    (height, width), pixels, factor = size, line.shape[0], numbers[0]
    if height < 3 or width < 3:
        return
    # Rows lie one after the other, so that loops are long; the ends of rows are written back.
    before = scratch.lines[1, :pixels]
    first, last = width, (height - 1) * width
    above, middle, below = before[: last - first], before[first:last], before[2 * width :]
    red_blue, greens = scratch.lines[2, : last - first], scratch.lines[3, : last - first]
    for i in range(pixels):
        before[i] = line[i]
    for i in range(red_blue.shape[0]):
        a, b, c = above[i], middle[i], below[i]
        red_blue[i] = (a & _LANES) + (b & _LANES) + (c & _LANES)
        greens[i] = ((a >> _8) & LOW_BYTE) + ((b >> _8) & LOW_BYTE) + ((c >> _8) & LOW_BYTE)
    centre, out = middle[1:], line[first + 1 : last - 1]
    for i in range(out.shape[0]):
        lanes = _weighed(red_blue, i, centre[i] & _LANES)
        smooth_green = _thirteenth(_weighed(greens, i, (centre[i] >> _8) & LOW_BYTE))
        smooth_red = _thirteenth(lanes & uint32(0xFFFF))
        smooth_blue = _thirteenth(lanes >> uint32(16))
        out[i] = packed(smooth_red, smooth_green, smooth_blue)
    whole = whole_factor(factor)
    lift = lift_of(factor, whole, -255)
    if lift >= 0:
        for i in range(out.shape[0]):
            (r, g, b), (red, green, blue) = channels(centre[i]), channels(out[i])
            out[i] = packed(
                moved_level(red, i32(r - red), whole, lift),
                moved_level(green, i32(g - green), whole, lift),
                moved_level(blue, i32(b - blue), whole, lift),
            )
    else:
        for i in range(out.shape[0]):
            (r, g, b), (red, green, blue) = channels(centre[i]), channels(out[i])
            out[i] = packed(
                as_level(red + factor * (r - red)),
                as_level(green + factor * (g - green)),
                as_level(blue + factor * (b - blue)),
            )
    for y in range(1, height - 1):
        for i in (y * width, (y + 1) * width - 1):
            line[i] = before[i]


def blur(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Blurs by a Gaussian: its deviation, and the widest that can be drawn, [2, n], in pixels."""
    _blur(canvas, rows, gaussians.weights(numbers[0], numbers[1].max()))


@compiled
def _blur(canvas: Canvas, rows: np.ndarray, weights: np.ndarray) -> None:
    """Convolves sideways and then downwards, the image reflected at its border; rounds once.

    Args:
        canvas: the images.
        rows: int64 [n], which.
        weights: float64 [n, radius + 1], from the centre outwards.
    """
    widest, width, height = weights.shape[1] - 1, canvas.width, canvas.height
    memory = room(height, width, widest)
    across, down = reflected(width, widest), reflected(height, widest)
    for n in range(rows.shape[0]):
        radius = radius_of(weights[n])
        first = widest - radius
        columns = across[first : width + widest + radius]
        places = down[first : height + widest + radius]
        convolve_levels(canvas.pixels[rows[n]], weights[n, : radius + 1], columns, places, memory)
