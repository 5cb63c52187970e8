"""Compiled loops that write an image: packed uint32 [pixels] into the memory, uint8, of another."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import types, uint8, uint32

from cifar10_aug.engines.numba.kernels.memory import float32_view
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    FLOAT_PLANES,
    FLOATS,
    FRACTIONS,
    LEVEL_PLANES,
    LEVELS,
)
from cifar10_aug.engines.numba.kernels.separate import Signature

_LOW_BYTE = uint32(0xFF)
_8, _16 = uint32(8), uint32(16)

_RANGE = types.Array(types.float32, 1, "C", readonly=True)
WRITER = Signature(types.none, types.uint32[::1], _RANGE, _RANGE, types.uint8[::1])


@WRITER.separate(LEVELS)
def write_levels(line: np.ndarray, scale: np.ndarray, offset: np.ndarray, out: np.ndarray) -> None:
    for i in range(line.shape[0]):
        out[3 * i] = uint8(line[i] & _LOW_BYTE)
        out[3 * i + 1] = uint8((line[i] >> _8) & _LOW_BYTE)
        out[3 * i + 2] = uint8((line[i] >> _16) & _LOW_BYTE)


@WRITER.separate(FRACTIONS)
def write_fractions(
    line: np.ndarray, scale: np.ndarray, offset: np.ndarray, memory: np.ndarray
) -> None:
    """Writes level / 255."""
    out = float32_view(memory)
    for i in range(line.shape[0]):
        out[3 * i] = f32(i32(line[i] & _LOW_BYTE)) / f32(255)
        out[3 * i + 1] = f32(i32((line[i] >> _8) & _LOW_BYTE)) / f32(255)
        out[3 * i + 2] = f32(i32((line[i] >> _16) & _LOW_BYTE)) / f32(255)


@WRITER.separate(FLOATS)
def write_floats(
    line: np.ndarray, scale: np.ndarray, offset: np.ndarray, memory: np.ndarray
) -> None:
    """Writes level * scale + offset."""
    out = float32_view(memory)
    s0, s1, s2 = scale[0], scale[1], scale[2]
    o0, o1, o2 = offset[0], offset[1], offset[2]
    for i in range(line.shape[0]):
        out[3 * i] = f32(i32(line[i] & _LOW_BYTE)) * s0 + o0
        out[3 * i + 1] = f32(i32((line[i] >> _8) & _LOW_BYTE)) * s1 + o1
        out[3 * i + 2] = f32(i32((line[i] >> _16) & _LOW_BYTE)) * s2 + o2


@WRITER.separate(LEVEL_PLANES)
def write_level_planes(
    line: np.ndarray, scale: np.ndarray, offset: np.ndarray, out: np.ndarray
) -> None:
    """Writes one channel after the other."""
    pixels = line.shape[0]
    for channel in range(3):
        first, shift = channel * pixels, uint32(8 * channel)
        for i in range(pixels):
            out[first + i] = uint8((line[i] >> shift) & _LOW_BYTE)


@WRITER.separate(FLOAT_PLANES)
def write_float_planes(
    line: np.ndarray, scale: np.ndarray, offset: np.ndarray, memory: np.ndarray
) -> None:
    """Writes level * scale + offset, one channel after the other."""
    out, pixels = float32_view(memory), line.shape[0]
    for channel in range(3):
        first, shift = channel * pixels, uint32(8 * channel)
        s, o = scale[channel], offset[channel]
        for i in range(pixels):
            out[first + i] = f32(i32((line[i] >> shift) & _LOW_BYTE)) * s + o
