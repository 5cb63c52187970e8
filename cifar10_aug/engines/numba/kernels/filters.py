"""Compiled processes that look at a pixel's neighbours."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.convolution import convolve, radius_of, reflected
from cifar10_aug.engines.numba.kernels.pixels import (
    as_level,
    channels,
    packed,
    read_channels,
    write_channel,
)


@compiled
def sharpen(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Blends with a smoothed image by a factor: numbers [1, n]; the border stays as it is.

    The smoothing is (1 1 1, 1 5 1, 1 1 1) / 13.
    """
    width = canvas.width
    before = np.empty(canvas.height * width, np.uint32)
    for n in range(rows.shape[0]):
        line, factor = canvas.pixels[rows[n]], numbers[0, n]
        before[:] = line
        for y in range(1, canvas.height - 1):
            for x in range(1, width - 1):
                centre = y * width + x
                red, green, blue = i32(0), i32(0), i32(0)
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        r, g, b = channels(before[centre + dy * width + dx])
                        weight = i32(5) if dx == 0 and dy == 0 else i32(1)
                        red, green, blue = red + weight * r, green + weight * g, blue + weight * b
                r, g, b = channels(before[centre])
                red, green = (2 * red + 13) // 26, (2 * green + 13) // 26
                blue = (2 * blue + 13) // 26
                line[centre] = packed(
                    as_level(red + factor * (r - red)),
                    as_level(green + factor * (g - green)),
                    as_level(blue + factor * (b - blue)),
                )


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
    height, width = canvas.height, canvas.width
    before = np.empty((3, height, width), np.float64)
    after = np.empty((height, width), np.float64)
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        radius = radius_of(weights[n])
        columns, places = reflected(width, radius), reflected(height, radius)
        read_channels(line, before)
        line[:] = 0
        for channel in range(3):
            convolve(before[channel], weights[n], columns, places, after)
            write_channel(after, 8 * channel, line)
