"""Packed pixels, one uint32 each: red | green << 8 | blue << 16."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import uint8, uint32

from cifar10_aug.engines.numba.kernels.compiling import inner, loop

LOW_BYTE = uint32(0xFF)


def pack(levels: np.ndarray, source: np.ndarray) -> None:
    """Packs uint8 [pixels * 3] into the front of a source."""
    _pack(levels, levels[: len(levels) // 12 * 12].view(np.uint32), source)


@loop
def _pack(levels: np.ndarray, words: np.ndarray, source: np.ndarray) -> None:
    """Makes four pixels of three words at a time, and the last ones of levels."""
    low = uint32(0xFFFFFF)
    for i in range(words.shape[0] // 3):
        one, two, three = words[3 * i], words[3 * i + 1], words[3 * i + 2]
        source[4 * i] = one & low
        source[4 * i + 1] = (one >> uint32(24)) | ((two << uint32(8)) & low)
        source[4 * i + 2] = (two >> uint32(16)) | ((three << uint32(16)) & low)
        source[4 * i + 3] = three >> uint32(8)
    for i in range(words.shape[0] // 3 * 4, levels.shape[0] // 3):
        source[i] = packed(levels[3 * i], levels[3 * i + 1], levels[3 * i + 2])


@loop
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


@loop
def unpack(source: np.ndarray, levels: np.ndarray) -> None:
    """Writes the packed pixels at the front of a source as uint8 [pixels * 3]."""
    for i in range(levels.shape[0] // 3):
        levels[3 * i] = uint8(source[i] & LOW_BYTE)
        levels[3 * i + 1] = uint8((source[i] >> uint32(8)) & LOW_BYTE)
        levels[3 * i + 2] = uint8((source[i] >> uint32(16)) & LOW_BYTE)


@inner
def channels(packed: int) -> tuple[int, int, int]:
    return (
        i32(packed & LOW_BYTE),
        i32((packed >> uint32(8)) & LOW_BYTE),
        i32((packed >> uint32(16)) & LOW_BYTE),
    )


@inner
def packed(red: int, green: int, blue: int) -> int:
    return uint32(red) | (uint32(green) << uint32(8)) | (uint32(blue) << uint32(16))


@inner
def as_level(value: float) -> int:
    """A level, as Pillow makes one: fractions and what lies outside are cut off."""
    return i32(min(max(value, 0.0), 255.0))


@inner
def grey(red: int, green: int, blue: int) -> int:
    """As Pillow weighs the channels: ITU-R BT.601 in 16.16 fixed point."""
    # At most 2**24, so that 32 bits do.
    total = i32(i32(19595) * red + i32(38470) * green + i32(7471) * blue + i32(0x8000))
    return i32(total >> i32(16))


@inner
def read_channels(line: np.ndarray, image: np.ndarray) -> None:
    """Red, green and blue of a packed image, as float64 [3, height, width]."""
    for channel in range(3):
        levels, shift = image[channel].reshape(line.shape[0]), uint32(8 * channel)
        for i in range(line.shape[0]):
            levels[i] = float(i32((line[i] >> shift) & LOW_BYTE))


@inner
def write_channel(channel: np.ndarray, shift: int, line: np.ndarray, added: float = 0.5) -> None:
    """Adds a channel to a packed image that has zeros there: 0, 8 or 16 bits up.

    It is rounded, or fractions are cut off after another number is added.
    """
    levels = channel.reshape(line.shape[0])
    for i in range(line.shape[0]):
        line[i] |= uint32(as_level(levels[i] + added)) << uint32(shift)
