"""Compiled coarser pixels."""

from __future__ import annotations

import numpy as np
from numba import uint64

from cifar10_aug.engines.corruption_tables import box_blocks
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.pixels import packed


@inner
def _average(line: np.ndarray, first: int, stride: int, count: int) -> int:
    """The mean of some packed pixels, rounded."""
    if count == 1:
        return line[first]
    red, green, blue = uint64(0), uint64(0), uint64(0)
    for k in range(count):
        pixel = uint64(line[first + k * stride])
        red += pixel & uint64(255)
        green += (pixel >> uint64(8)) & uint64(255)
        blue += pixel >> uint64(16)
    once, double = uint64(count), uint64(2 * count)
    two = uint64(2)
    return packed(
        (two * red + once) // double, (two * green + once) // double, (two * blue + once) // double
    )


def pixelate(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Resizes to a share of the size, [1, n], all the same, and back, with Pillow's BOX filter."""
    share = float(numbers[0, 0])
    small_width = max(1, int(canvas.width * share))
    small_height = max(1, int(canvas.height * share))
    _pixelate(
        canvas,
        rows,
        box_blocks(canvas.width, small_width),
        box_blocks(canvas.height, small_height),
        box_blocks(small_width, canvas.width)[:, 0].copy(),
        box_blocks(small_height, canvas.height)[:, 0].copy(),
    )


@compiled
def _pixelate(
    canvas: Canvas,
    rows: np.ndarray,
    columns: np.ndarray,
    lines: np.ndarray,
    column_of: np.ndarray,
    line_of: np.ndarray,
) -> None:
    """Averages blocks of pixels, first sideways and then downwards, and shows each block's mean.

    Args:
        canvas, rows: the images.
        columns, lines: int64 [blocks, 2], the first pixel of each block and the one after its
            last.
        column_of, line_of: int64 [width], [height]: the block that each pixel shows.
    """
    height, width = canvas.height, canvas.width
    sideways = np.empty(height * columns.shape[0], np.uint32)
    small = np.empty((lines.shape[0], columns.shape[0]), np.uint32)
    for n in range(rows.shape[0]):
        image = canvas.pixels[rows[n]]
        across = columns.shape[0]
        for y in range(height):
            for c in range(across):
                first, last = columns[c, 0], columns[c, 1]
                sideways[y * across + c] = _average(image, y * width + first, 1, last - first)
        for b in range(lines.shape[0]):
            first, last = lines[b, 0], lines[b, 1]
            for c in range(across):
                small[b, c] = _average(sideways, first * across + c, across, last - first)
        for y in range(height):
            for x in range(width):
                image[y * width + x] = small[line_of[y], column_of[x]]
