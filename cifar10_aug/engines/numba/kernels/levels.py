"""Compiled loops that make another level of each level, by tables or by sums that equal them."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import uint8, uint32, uint64

from cifar10_aug.engines.numba.kernels.compiling import inlined, inner
from cifar10_aug.engines.numba.kernels.factors import lift_of, scaled_level, whole_factor
from cifar10_aug.engines.numba.kernels.memory import uint64_view
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    SCALE,
    SCALED,
    TABLE,
    Images,
    Output,
    Scratch,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, as_level, channels, packed
from cifar10_aug.engines.numba.kernels.strokes import SPECIAL, STROKE, stroke
from cifar10_aug.engines.numba.kernels.writing import COPIER
from cifar10_aug.rng import elementary
from cifar10_aug.rng.elementary import LN2, LN2_HIGH, LN2_LOW

# Keeps sums that should be whole from falling below it.
_NUDGE = f32(2.0**-13)

# Multiplied with a level, the level in every channel; in a red and a blue lane; with a carry of 1,
# the whole level.
_EACH, _LANES, _8 = uint32(0x10101), uint32(0x10001), uint32(8)
_RED_BLUE = uint32(0xFF00FF)
_EXP, _LAST = np.array(elementary.EXP), len(elementary.EXP) - 1
_LOGARITHMS = elementary.logarithm(np.maximum(np.arange(256.0), 1.0) / 255.0)


@SPECIAL.separate(TABLE)
def _look_up_own(
    strokes: Strokes, example: int, stroke: int, size: tuple[int, int], line: np.ndarray
) -> None:
    look_up_one(strokes.tables[example, stroke], line)


@inner
def look_up_one(table: np.ndarray, line: np.ndarray) -> None:
    """Replaces levels of all channels by one table, uint8 [256]."""
    for i in range(line.shape[0]):
        # Unsigned, so that they are not checked for counting from the end.
        red, green = line[i] & LOW_BYTE, (line[i] >> _8) & LOW_BYTE
        blue = (line[i] >> uint32(16)) & LOW_BYTE
        line[i] = packed(table[red], table[green], table[blue])


@inner
def look_up(tables: np.ndarray, line: np.ndarray) -> None:
    """Replaces levels by uint8 [3, 256], a table for each channel."""
    for i in range(line.shape[0]):
        red, green = line[i] & LOW_BYTE, (line[i] >> _8) & LOW_BYTE
        blue = (line[i] >> uint32(16)) & LOW_BYTE
        line[i] = packed(tables[0, red], tables[1, green], tables[2, blue])


def _on_line(level: int, factor: float, offset: float) -> int:
    return min(max(i32(f32(i32(level)) * factor + offset), i32(0)), i32(255))


_level_on_line = inlined(_on_line)


@inner
def _rounds_alike(factor: float, offset: float, f: float, o: float) -> bool:
    """Whether float32 makes the same of each level as float64."""
    off = i32(0)
    for level in range(256):
        off |= _level_on_line(level, f, o) ^ as_level(level * factor + offset)
    return off == 0


@inner
def look_up_lines(
    tables: np.ndarray, factors: np.ndarray, offsets: np.ndarray, line: np.ndarray
) -> None:
    """Makes level * factor + offset, in float64, of the levels of each channel; cuts off the rest.

    Args:
        tables: uint8 [3, 256], memory to work in.
        factors, offsets: float64 [3 or more], of each channel.
        line: uint32 [pixels], packed; changed in place.
    """
    f0, f1, f2 = f32(factors[0]), f32(factors[1]), f32(factors[2])
    o0, o1, o2 = f32(offsets[0]) + _NUDGE, f32(offsets[1]) + _NUDGE, f32(offsets[2]) + _NUDGE
    if (
        _rounds_alike(factors[0], offsets[0], f0, o0)
        and _rounds_alike(factors[1], offsets[1], f1, o1)
        and _rounds_alike(factors[2], offsets[2], f2, o2)
    ):
        for i in range(line.shape[0]):
            line[i] = packed(
                _level_on_line(line[i] & LOW_BYTE, f0, o0),
                _level_on_line((line[i] >> uint32(8)) & LOW_BYTE, f1, o1),
                _level_on_line((line[i] >> uint32(16)) & LOW_BYTE, f2, o2),
            )
    else:
        for channel in range(3):
            _tabulate(factors[channel], offsets[channel], tables[channel])
        look_up(tables, line)


@STROKE.separate(SCALE)
def scale(numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray) -> None:
    """Multiplies each level by the first number, in float64; cuts off fractions and the rest."""
    factor, table = numbers[0], scratch.tables[0]
    whole = whole_factor(factor)
    lift = lift_of(factor, whole, 0)
    if lift >= 0:
        for i in range(line.shape[0]):
            red, green, blue = channels(line[i])
            line[i] = packed(
                scaled_level(red, whole, lift),
                scaled_level(green, whole, lift),
                scaled_level(blue, whole, lift),
            )
    else:
        _tabulate(factor, 0.0, table)
        look_up_one(table, line)


@COPIER.separate(SCALED)
def scale_stored(
    images: Images,
    place: int,
    warps: Warps,
    strokes: Strokes,
    example: int,
    scratch: Scratch,
    output: Output,
) -> None:
    """As `scale`, from levels as they are stored, uint8, to uint8."""
    factor, table, out = strokes.numbers[example, 0, 0], scratch.tables[0], output.memory[example]
    stored, first = images.stored, uint64(images.starts[place])
    whole = whole_factor(factor)
    lift = lift_of(factor, whole, 0)
    if lift >= 0:
        for i in range(out.shape[0]):
            out[i] = uint8(scaled_level(i32(stored[first + uint64(i)]), whole, lift))
    else:
        _tabulate(factor, 0.0, table)
        for i in range(out.shape[0]):
            out[i] = table[stored[first + uint64(i)]]


@inner
def _tabulate(factor: float, offset: float, table: np.ndarray) -> None:
    for level in range(256):
        table[level] = as_level(level * factor + offset)


@stroke
def invert(numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray) -> None:
    """Takes all levels from 255; there are no numbers."""
    for i in range(line.shape[0]):
        line[i] ^= uint32(0xFFFFFF)


@stroke
def posterize(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Keeps multiples of a power of two, 1 to 256."""
    kept = (uint32(256) - uint32(numbers[0])) * _EACH
    for i in range(line.shape[0]):
        line[i] &= kept


@stroke
def solarize(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Inverts levels from a threshold on, 0 to 256."""
    below = uint32(256) - uint32(np.ceil(numbers[0]))
    for i in range(line.shape[0]):
        line[i] ^= _reaching(line[i], below)


@stroke
def solarize_add(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Adds a number, 0 to 255, to levels below a threshold, a whole number from 0 to 256."""
    added, threshold = numbers[0], numbers[1]
    whole, below = uint32(added), uint32(256) - uint32(threshold)
    if _adds_whole(added, i32(whole)):
        for i in range(line.shape[0]):
            pixel = line[i]
            red_blue = uint32((pixel & _RED_BLUE) + whole * _LANES)
            green = uint32(((pixel >> _8) & LOW_BYTE) + whole)
            red_blue |= uint32(((red_blue >> _8) & _LANES) * LOW_BYTE)
            green |= uint32(((green >> _8) & _LANES) * LOW_BYTE)
            made = (red_blue & _RED_BLUE) | uint32((green & LOW_BYTE) << _8)
            kept = _reaching(pixel, below)
            line[i] = (pixel & kept) | (made & ~kept)
    else:
        table = scratch.tables[0]
        for level in range(256):
            table[level] = as_level(level + added) if level < threshold else i32(level)
        look_up_one(table, line)


@inner
def _adds_whole(added: float, whole: int) -> bool:
    """Whether the fraction of what is added to a level is lost."""
    off = i32(0)
    for level in range(256):
        off |= as_level(level + added) ^ min(i32(level) + whole, i32(255))
    return off == 0


@inner
def _reaching(pixel: int, below: int) -> int:
    """255 for each level of a packed pixel that is at least 256 - `below`, else 0."""
    red_blue = (uint32((pixel & _RED_BLUE) + uint32(below * _LANES)) >> _8) & _LANES
    green = uint32(uint32((pixel >> _8) & LOW_BYTE) + below) & uint32(256)
    return uint32(red_blue * LOW_BYTE) | uint32(green * LOW_BYTE)


@stroke
def raise_to_power(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Raises levels, as fractions of white, to a power: 255.999 * (level / 255) ** gamma."""
    # As `elementary.exponential`.
    rests, powers = scratch.reals[0], scratch.reals[1]
    bits, table = uint64_view(powers), scratch.tables[0]
    for level in range(256):
        x = numbers[0] * _LOGARITHMS[level]
        power = np.rint(x / LN2)
        rests[level] = (x - power * LN2_HIGH) - power * LN2_LOW
        # A float64 that is this power of two.
        bits[level] = uint64(i32(power) + i32(1023)) << uint64(52)
    for level in range(256):
        rest = rests[level]
        total = rest * 0.0 + _EXP[_LAST]
        for k in range(_LAST - 1, -1, -1):
            total = total * rest + _EXP[k]
        table[level] = as_level(255.999 * (total * powers[level]))
    # Black has no logarithm.
    table[0] = 0
    look_up_one(table, line)
