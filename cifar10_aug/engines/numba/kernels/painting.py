"""Compiled strokes: what is painted on an image, packed uint32 [pixels]."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import uint32, uint64

from cifar10_aug.engines.numba.kernels.pass_arguments import BOX, NOISY_BOX, Scratch, Strokes
from cifar10_aug.engines.numba.kernels.philox import noise
from cifar10_aug.engines.numba.kernels.strokes import SPECIAL, STROKE


@STROKE.separate(BOX)
def _paint_box(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Fills a rectangle: top, left, bottom, right, and the packed colour."""
    top, left, bottom, right = i64(numbers[0]), i64(numbers[1]), i64(numbers[2]), i64(numbers[3])
    colour = uint32(numbers[4])
    for y in range(top, bottom):
        for x in range(left, right):
            line[y * size[1] + x] = colour


@SPECIAL.separate(NOISY_BOX)
def _paint_noise(
    strokes: Strokes, example: int, stroke: int, size: tuple[int, int], line: np.ndarray
) -> None:
    """Fills top, left, bottom, right with independent levels, of the counters after its base."""
    numbers, base, key = (
        strokes.numbers[example, stroke],
        strokes.bases[stroke],
        strokes.keys[example],
    )
    epoch, seed, width = strokes.epoch, strokes.seed, size[1]
    # The noise of a pixel does not depend on where the box is: lane i % 4 of block i // 4.
    top, left, bottom, right = i64(numbers[0]), i64(numbers[1]), i64(numbers[2]), i64(numbers[3])
    for y in range(top, bottom):
        block = i64(-1)
        four = (uint64(0), uint64(0), uint64(0), uint64(0))
        for x in range(left, right):
            i = y * width + x
            if i // 4 != block:
                block = i // 4
                four = noise(key, epoch, seed, base, block)
            line[i] = uint32(four[i % 4]) & uint32(0xFFFFFF)
