"""Compiled loops that make another level of each level, by tables or by sums that equal them."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import uint32

from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, as_level, packed

# Keeps sums that should be whole from falling below it.
_NUDGE = f32(2.0**-13)


@compiled
def look_up(tables: np.ndarray, line: np.ndarray) -> None:
    """Replaces levels by uint8 [3, 256], a table for each channel."""
    for i in range(line.shape[0]):
        # Unsigned, so that they are not checked for counting from the end.
        red, green = line[i] & LOW_BYTE, (line[i] >> uint32(8)) & LOW_BYTE
        blue = (line[i] >> uint32(16)) & LOW_BYTE
        line[i] = packed(tables[0, red], tables[1, green], tables[2, blue])


def _on_line(level: int, factor: float, offset: float) -> int:
    made = f32(i32(level)) * factor + offset
    return i32(min(max(made, f32(0)), f32(255)))


_level_on_line = compiled(_on_line, inline=True)


@compiled
def look_up_line(
    tables: np.ndarray, factors: np.ndarray, offsets: np.ndarray, line: np.ndarray
) -> None:
    """Does what `look_up` does, many pixels at once where the tables are straight lines.

    They are if level * factor + offset, in float32 and cut off, gives all their entries.

    Args:
        tables: uint8 [3, 256].
        factors, offsets: float64 [3], of each channel's line.
        line: uint32 [pixels], packed; changed in place.
    """
    f0, f1, f2 = f32(factors[0]), f32(factors[1]), f32(factors[2])
    o0, o1, o2 = f32(offsets[0]) + _NUDGE, f32(offsets[1]) + _NUDGE, f32(offsets[2]) + _NUDGE
    red, green, blue = tables[0], tables[1], tables[2]
    off = i32(0)
    for level in range(256):
        off |= _level_on_line(level, f0, o0) ^ i32(red[level])
        off |= _level_on_line(level, f1, o1) ^ i32(green[level])
        off |= _level_on_line(level, f2, o2) ^ i32(blue[level])
    if off != 0:
        look_up(tables, line)
        return
    for i in range(line.shape[0]):
        line[i] = packed(
            _level_on_line(line[i] & LOW_BYTE, f0, o0),
            _level_on_line((line[i] >> uint32(8)) & LOW_BYTE, f1, o1),
            _level_on_line((line[i] >> uint32(16)) & LOW_BYTE, f2, o2),
        )


@compiled
def scale(
    factor: float, offset: float, tables: np.ndarray, ends: np.ndarray, line: np.ndarray
) -> None:
    """Makes level * factor + offset, in float64, of each level; cuts off fractions and the rest.

    Args:
        factor, offset: of all channels.
        tables: uint8 [3, 256], to work in.
        ends: float64 [2, 3], to work in.
        line: uint32 [pixels], packed; changed in place.
    """
    for channel in range(3):
        ends[0, channel], ends[1, channel] = factor, offset
        table = tables[channel]
        for level in range(256):
            table[level] = as_level(level * factor + offset)
    look_up_line(tables, ends[0], ends[1], line)
