"""Compiled strokes: what is painted on an image, packed uint32 [pixels]."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import types, uint32, uint64

from cifar10_aug.engines.numba.kernels.pass_arguments import BOX, NOISY_BOX, TABLE
from cifar10_aug.engines.numba.kernels.philox import noise
from cifar10_aug.engines.numba.kernels.separate import Signature

_LOW_BYTE = uint32(0xFF)

_LINE, _BOX = types.uint32[::1], types.int64[::1]
BOX_STROKE = Signature(types.none, _BOX, uint32, i64, _LINE)
NOISE_STROKE = Signature(types.none, _BOX, uint64, uint64, uint64, uint64, i64, _LINE)
TABLE_STROKE = Signature(types.none, types.uint8[::1], _LINE)


@BOX_STROKE.separate(BOX)
def _paint_box(box: np.ndarray, colour: int, width: int, line: np.ndarray) -> None:
    """Fills the rectangle top, left, bottom, right."""
    for y in range(box[0], box[2]):
        for x in range(box[1], box[3]):
            line[y * width + x] = colour


@NOISE_STROKE.separate(NOISY_BOX)
def _paint_noise(
    box: np.ndarray,
    base: int,
    key: int,
    epoch: int,
    seed: int,
    width: int,
    line: np.ndarray,
) -> None:
    """Fills a rectangle with independent levels, drawn from the counters after `base`."""
    # The noise of a pixel does not depend on where the box is: lane i % 4 of block i // 4.
    for y in range(box[0], box[2]):
        block = i64(-1)
        four = (uint64(0), uint64(0), uint64(0), uint64(0))
        for x in range(box[1], box[3]):
            i = y * width + x
            if i // 4 != block:
                block = i // 4
                four = noise(key, epoch, seed, base, block)
            line[i] = uint32(four[i % 4]) & uint32(0xFFFFFF)


@TABLE_STROKE.separate(TABLE)
def _look_up(table: np.ndarray, line: np.ndarray) -> None:
    for i in range(line.shape[0]):
        red = uint32(table[line[i] & _LOW_BYTE])
        green = uint32(table[(line[i] >> uint32(8)) & _LOW_BYTE])
        blue = uint32(table[(line[i] >> uint32(16)) & _LOW_BYTE])
        line[i] = red | (green << uint32(8)) | (blue << uint32(16))
