"""Compiled loops that write an image: packed uint32 [pixels] into the memory, uint8, of another."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import int64 as i64
from numba import types, uint8, uint32

from cifar10_aug.engines.numba.kernels.memory import float32_view
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    FLOAT_PLANES,
    FLOATS,
    FRACTIONS,
    LEVEL_PLANES,
    LEVELS,
    Output,
)
from cifar10_aug.engines.numba.kernels.pointers import IMAGES, OUTPUT, SCRATCH, STROKES, WARPS
from cifar10_aug.engines.numba.kernels.separate import Signature

_LOW_BYTE = uint32(0xFF)
_8, _16 = uint32(8), uint32(16)

# The image, packed, what is written, and which example it is.
WRITER = Signature(types.none, types.uint32[::1], OUTPUT, i64)
# What is read, which image of it, maps and strokes of all examples, which example it is, memory to
# work in, and what is written.
COPIER = Signature(types.none, IMAGES, i64, WARPS, STROKES, i64, SCRATCH, OUTPUT)


@WRITER.separate(LEVELS)
def write_levels(line: np.ndarray, output: Output, example: int) -> None:
    out = output.memory[example]
    for i in range(line.shape[0]):
        out[3 * i] = uint8(line[i] & _LOW_BYTE)
        out[3 * i + 1] = uint8((line[i] >> _8) & _LOW_BYTE)
        out[3 * i + 2] = uint8((line[i] >> _16) & _LOW_BYTE)


@WRITER.separate(FRACTIONS)
def write_fractions(line: np.ndarray, output: Output, example: int) -> None:
    """Writes level / 255."""
    out = float32_view(output.memory[example])
    for i in range(line.shape[0]):
        out[3 * i] = f32(i32(line[i] & _LOW_BYTE)) / f32(255)
        out[3 * i + 1] = f32(i32((line[i] >> _8) & _LOW_BYTE)) / f32(255)
        out[3 * i + 2] = f32(i32((line[i] >> _16) & _LOW_BYTE)) / f32(255)


@WRITER.separate(FLOATS)
def write_floats(line: np.ndarray, output: Output, example: int) -> None:
    """Writes level * scale + offset."""
    out = float32_view(output.memory[example])
    scale, offset = output.scale, output.offset
    s0, s1, s2 = scale[0], scale[1], scale[2]
    o0, o1, o2 = offset[0], offset[1], offset[2]
    for i in range(line.shape[0]):
        out[3 * i] = f32(i32(line[i] & _LOW_BYTE)) * s0 + o0
        out[3 * i + 1] = f32(i32((line[i] >> _8) & _LOW_BYTE)) * s1 + o1
        out[3 * i + 2] = f32(i32((line[i] >> _16) & _LOW_BYTE)) * s2 + o2


@WRITER.separate(LEVEL_PLANES)
def write_level_planes(line: np.ndarray, output: Output, example: int) -> None:
    """Writes one channel after the other."""
    out, pixels = output.memory[example], line.shape[0]
    for channel in range(3):
        first, shift = channel * pixels, uint32(8 * channel)
        for i in range(pixels):
            out[first + i] = uint8((line[i] >> shift) & _LOW_BYTE)


@WRITER.separate(FLOAT_PLANES)
def write_float_planes(line: np.ndarray, output: Output, example: int) -> None:
    """Writes level * scale + offset, one channel after the other."""
    out, pixels = float32_view(output.memory[example]), line.shape[0]
    for channel in range(3):
        first, shift = channel * pixels, uint32(8 * channel)
        s, o = output.scale[channel], output.offset[channel]
        for i in range(pixels):
            out[first + i] = f32(i32((line[i] >> shift) & _LOW_BYTE)) * s + o
