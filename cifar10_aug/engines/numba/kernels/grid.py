"""Compiled squares at even distances."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64

from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import loop
from cifar10_aug.engines.numba.kernels.pixels import packed


@loop
def mask_grid(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Paints what lies between the lines of a grid.

    Args:
        canvas, rows: the images.
        numbers: float64 [5, n]: the grid's unit, how wide its lines are, where it begins from above
            and from the left, and the level that it is painted with.
    """
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        unit, kept = i64(numbers[0, n]), i64(numbers[1, n])
        top, left, level = i64(numbers[2, n]), i64(numbers[3, n]), i64(numbers[4, n])
        for y in range(canvas.height):
            if (y - top) % unit < kept:
                continue
            for x in range(canvas.width):
                if (x - left) % unit >= kept:
                    line[y * canvas.width + x] = packed(level, level, level)
