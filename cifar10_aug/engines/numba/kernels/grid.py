"""Compiled squares at even distances."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64

from cifar10_aug.engines.numba.kernels.pass_arguments import Scratch
from cifar10_aug.engines.numba.kernels.pixels import packed
from cifar10_aug.engines.numba.kernels.strokes import stroke


@stroke
def mask_grid(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Paints what lies between the lines of a grid.

    Five numbers: the grid's unit, how wide its lines are, where it begins from above and from the
    left, and the level that it is painted with.
    """
    unit, kept = i64(numbers[0]), i64(numbers[1])
    top, left, level = i64(numbers[2]), i64(numbers[3]), i64(numbers[4])
    for y in range(size[0]):
        if (y - top) % unit < kept:
            continue
        for x in range(size[1]):
            if (x - left) % unit >= kept:
                line[y * size[1] + x] = packed(level, level, level)
