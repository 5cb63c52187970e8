"""Compiled coarser pixels."""

from __future__ import annotations

import numpy as np
from numba import uint32, uint64

from cifar10_aug.engines.corruption_tables import box_blocks
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.pixels import packed


@inner
def _average(line: np.ndarray, first: int, stride: int, count: int) -> int:
    """The mean of some packed pixels, rounded."""
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


@inner
def _middle(one: int, other: int) -> int:
    """The mean of two packed pixels, halves up; without carries from channel to channel."""
    return uint32((one | other) - (((one ^ other) >> uint32(1)) & uint32(0x7F7F7F)))


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
    across = columns.shape[0]
    sideways = np.empty(height * across, np.uint32)
    small = np.empty(across, np.uint32)
    for n in range(rows.shape[0]):
        image = canvas.pixels[rows[n]]
        for y in range(height):
            _shrink(image[y * width : (y + 1) * width], columns, sideways[y * across :])
        shown = -1
        for y in range(height):
            row = image[y * width : (y + 1) * width]
            if line_of[y] == shown:
                before = image[(y - 1) * width : y * width]
                for x in range(width):
                    row[x] = before[x]
                continue
            shown = line_of[y]
            first, last = lines[shown, 0], lines[shown, 1]
            if last - first <= 2:
                upper, lower = sideways[first * across :], sideways[(last - 1) * across :]
                for c in range(across):
                    small[c] = _middle(upper[c], lower[c])
            else:
                for c in range(across):
                    small[c] = _average(sideways, first * across + c, across, last - first)
            for x in range(width):
                row[x] = small[uint64(column_of[x])]


@inner
def _shrink(row: np.ndarray, blocks: np.ndarray, small: np.ndarray) -> None:
    """Writes the mean of each block of a row's pixels."""
    for c in range(blocks.shape[0]):
        first, last = uint64(blocks[c, 0]), uint64(blocks[c, 1])
        if last - first <= uint64(2):
            small[c] = _middle(row[first], row[last - uint64(1)])
        else:
            small[c] = _average(row, first, 1, last - first)
