"""Compiled loops that make another level of each level, by tables or by sums that equal them."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import uint8, uint32, uint64

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
    return min(max(i32(f32(i32(level)) * factor + offset), i32(0)), i32(255))


_level_on_line = compiled(_on_line, inline=True)


@compiled
def _is_line(table: np.ndarray, factor: float, offset: float) -> bool:
    """Whether a table, uint8 [256], has level * factor + offset, in float32 and cut off."""
    off = i32(0)
    for level in range(256):
        off |= _level_on_line(level, factor, offset) ^ i32(table[level])
    return off == 0


@compiled
def _move(factors: tuple[float, ...], offsets: tuple[float, ...], line: np.ndarray) -> None:
    """What `look_up` does with tables that are lines, many pixels at once."""
    f0, f1, f2 = factors
    o0, o1, o2 = offsets
    for i in range(line.shape[0]):
        line[i] = packed(
            _level_on_line(line[i] & LOW_BYTE, f0, o0),
            _level_on_line((line[i] >> uint32(8)) & LOW_BYTE, f1, o1),
            _level_on_line((line[i] >> uint32(16)) & LOW_BYTE, f2, o2),
        )


@compiled
def look_up_lines(
    tables: np.ndarray, factors: np.ndarray, offsets: np.ndarray, line: np.ndarray
) -> None:
    """Does what `look_up` does, by sums where those give all entries of the tables.

    Args:
        tables: uint8 [3, 256].
        factors, offsets: float64 [3], of each channel's line.
        line: uint32 [pixels], packed; changed in place.
    """
    f0, f1, f2 = f32(factors[0]), f32(factors[1]), f32(factors[2])
    o0, o1, o2 = f32(offsets[0]) + _NUDGE, f32(offsets[1]) + _NUDGE, f32(offsets[2]) + _NUDGE
    red, green, blue = tables[0], tables[1], tables[2]
    if _is_line(red, f0, o0) and _is_line(green, f1, o1) and _is_line(blue, f2, o2):
        _move((f0, f1, f2), (o0, o1, o2), line)
    else:
        look_up(tables, line)


@compiled
def scale(factor: float, offset: float, tables: np.ndarray, line: np.ndarray) -> None:
    """Makes level * factor + offset, in float64, of each level; cuts off fractions and the rest.

    Args:
        factor, offset: of all channels.
        tables: uint8 [3, 256], to work in.
        line: uint32 [pixels], packed; changed in place.
    """
    table, f, o = tables[0], f32(factor), f32(offset) + _NUDGE
    _tabulate(factor, offset, table)
    if _is_line(table, f, o):
        _move((f, f, f), (o, o, o), line)
    else:
        for channel in range(1, 3):
            for level in range(256):
                tables[channel, level] = table[level]
        look_up(tables, line)


@compiled
def scale_stored(
    factor: float,
    offset: float,
    table: np.ndarray,
    stored: np.ndarray,
    start: int,
    out: np.ndarray,
    n: int,
) -> None:
    """As `scale`, from levels as they are stored, uint8, to `out[n]`; works in `table`."""
    f, o, first = f32(factor), f32(offset) + _NUDGE, uint64(start)
    _tabulate(factor, offset, table)
    if _is_line(table, f, o):
        for i in range(out.shape[1]):
            out[n, i] = uint8(_level_on_line(stored[first + uint64(i)], f, o))
    else:
        for i in range(out.shape[1]):
            out[n, i] = table[stored[first + uint64(i)]]


@compiled
def _tabulate(factor: float, offset: float, table: np.ndarray) -> None:
    for level in range(256):
        table[level] = as_level(level * factor + offset)
