"""Packed pixels, one uint32 each: red | green << 8 | blue << 16."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import int64 as i64
from numba import uint8, uint32

from cifar10_aug.engines.numba.kernels.compiling import compiled

LOW_BYTE = uint32(0xFF)


@compiled
def pack(images: np.ndarray, source: np.ndarray) -> None:
    """Packs uint8 [pixels, 3] into the front of a source."""
    for i in range(images.shape[0]):
        source[i] = (
            uint32(images[i, 0])
            | (uint32(images[i, 1]) << uint32(8))
            | (uint32(images[i, 2]) << uint32(16))
        )


@compiled
def round_fractions(fractions: np.ndarray, levels: np.ndarray) -> bool:
    """Rounds flat float32 to 256 levels, uint8; whether all of them are from 0 to 1."""
    outside = i32(0)
    # A float32 of this size has no bits after the point: adding it rounds, halves to even.
    rounder = f32(12582912.0)
    for i in range(fractions.shape[0]):
        x = fractions[i]
        outside |= i32(0) if (x >= f32(0)) & (x <= f32(1)) else i32(1)
        levels[i] = uint8(i32((x * f32(255) + rounder) - rounder))
    return outside == 0


@compiled
def unpack(source: np.ndarray, images: np.ndarray) -> None:
    """Writes the packed pixels at the front of a source as uint8 [pixels, 3]."""
    for i in range(images.shape[0]):
        red, green, blue = channels(source[i])
        images[i, 0], images[i, 1], images[i, 2] = red, green, blue


@compiled
def channels(packed: int) -> tuple[int, int, int]:
    return (
        i32(packed & LOW_BYTE),
        i32((packed >> uint32(8)) & LOW_BYTE),
        i32((packed >> uint32(16)) & LOW_BYTE),
    )


@compiled
def packed(red: int, green: int, blue: int) -> int:
    return uint32(red) | (uint32(green) << uint32(8)) | (uint32(blue) << uint32(16))


@compiled
def as_level(value: float) -> int:
    """A level, as Pillow makes one: fractions and what lies outside are cut off."""
    return i32(min(max(value, 0.0), 255.0))


@compiled
def grey(red: int, green: int, blue: int) -> int:
    """As Pillow weighs the channels: ITU-R BT.601 in 16.16 fixed point."""
    return (i64(19595) * red + i64(38470) * green + i64(7471) * blue + i64(0x8000)) >> i64(16)


@compiled
def read_channels(line: np.ndarray, image: np.ndarray) -> None:
    """Red, green and blue of a packed image, as float64 [3, height, width]."""
    _, height, width = image.shape
    for channel in range(3):
        for y in range(height):
            for x in range(width):
                packed = line[y * width + x] >> uint32(8 * channel)
                image[channel, y, x] = float(packed & LOW_BYTE)


@compiled
def write_channel(channel: np.ndarray, shift: int, line: np.ndarray) -> None:
    """Adds a channel, rounded, to a packed image that has zeros there: 0, 8 or 16 bits up."""
    width = channel.shape[1]
    for y in range(channel.shape[0]):
        for x in range(width):
            line[y * width + x] |= uint32(as_level(channel[y, x] + 0.5)) << uint32(shift)
