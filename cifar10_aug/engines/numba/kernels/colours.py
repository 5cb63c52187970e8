"""Compiled strokes that change colours, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32
from numba import uint32

from cifar10_aug.engines.numba.kernels.compiling import inlined, inner
from cifar10_aug.engines.numba.kernels.factors import (
    BITS,
    far_from_whole,
    lift_of,
    moved_level,
    whole_factor,
)
from cifar10_aug.engines.numba.kernels.pass_arguments import Scratch
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, as_level, channels, grey, packed
from cifar10_aug.engines.numba.kernels.strokes import stroke

_HALF = i32(1 << (BITS - 1))


@stroke
def saturate(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Blends with grey by a factor, the first number; 0 is grey."""
    factor = numbers[0]
    if factor == 0.0:
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            level = grey(r, g, b)
            line[i] = packed(level, level, level)
        return
    whole = whole_factor(factor)
    lift = lift_of(factor, whole, -255)
    if lift >= 0:
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            level = grey(r, g, b)
            line[i] = packed(
                moved_level(level, i32(r - level), whole, lift),
                moved_level(level, i32(g - level), whole, lift),
                moved_level(level, i32(b - level), whole, lift),
            )
    else:
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            level = grey(r, g, b)
            line[i] = packed(
                as_level(level + factor * (r - level)),
                as_level(level + factor * (g - level)),
                as_level(level + factor * (b - level)),
            )


def _turn(r: int, g: int, b: int, by: float) -> int:
    """A packed pixel whose hue in HSV is turned, `by` in full circles; rounds."""
    # Choices, not branches, so that many pixels are turned at once; grey has no hue, and stays.
    most, least = max(r, max(g, b)), min(r, min(g, b))
    chroma = float(max(most - least, 1))
    is_red, is_green = most == r, most == g
    # The hue in sixths of a circle.
    rest = g - b if is_red else (b - r if is_green else r - g)
    hue = rest / chroma + (0.0 if is_red else (2.0 if is_green else 4.0))
    hue += 6.0 * by
    hue -= 6.0 * np.floor(hue / 6.0)
    # Distance from the nearest of red, green and blue says how much of each is left.
    red = float(most) - chroma * (1.0 - min(max(abs(hue - 3.0) - 1.0, 0.0), 1.0))
    green = float(most) - chroma * (1.0 - min(max(2.0 - abs(hue - 2.0), 0.0), 1.0))
    blue = float(most) - chroma * (1.0 - min(max(2.0 - abs(hue - 4.0), 0.0), 1.0))
    turned = packed(as_level(red + 0.5), as_level(green + 0.5), as_level(blue + 0.5))
    return packed(r, g, b) if most == least else turned


_turned = inlined(_turn)


def _turn_by_whole(r: int, g: int, b: int, turn: int) -> int:
    """As `_turn`, by sixths of a circle and one more, with `BITS` bits after the point."""
    most, least = max(r, max(g, b)), min(r, min(g, b))
    chroma = i32(most - least)
    two = i32(chroma << i32(1))
    three, four, six = i32(two + chroma), i32(two + two), i32(chroma * i32(6))
    is_red, is_green = most == r, most == g
    # Hues are multiplied with the chroma, so that they are whole, but for what is added. They count
    # from magenta, a sixth before red, so that they are 0 or more, and less than two circles.
    hue = i32(g - b) if is_red else (i32(b - r) + two if is_green else i32(r - g) + four)
    hue = i32(i32(hue) + i32(i32(i32(chroma * turn) + _HALF) >> i32(BITS)))
    # Without a sign, a number below 0 is a large one.
    hue = i32(min(uint32(hue), uint32(hue - six)))
    red, blue = i32(_distance(hue, four) - chroma), i32(_distance(hue, two) - chroma)
    green = i32(two - _distance(hue, three))
    return packed(
        min(max(i32(red + least), least), most),
        min(max(i32(green + least), least), most),
        min(max(i32(blue + least), least), most),
    )


_turned_by_whole = inlined(_turn_by_whole)


@inner
def _distance(one: int, other: int) -> int:
    by = i32(one - other)
    return max(by, i32(-by))


@inner
def _rounds_alike(rest: float, whole: int) -> bool:
    """Whether chroma * rest is rounded alike, and is no half, for all chromas."""
    if far_from_whole(whole, _HALF):
        return True
    off = i32(0)
    for chroma in range(256):
        exact = float(i32(chroma)) * rest + 0.5
        below = exact - float(i32(i32(i32(i32(chroma) * whole) + _HALF) >> i32(BITS)))
        off |= i32(0) if (below > 1e-9) & (below < 1.0 - 1e-9) else i32(1)
    return off == 0


@stroke
def turn_hue(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Adds the first number to the hue of HSV, in full circles."""
    by = numbers[0]
    rest = 6.0 * by - np.floor(6.0 * by)
    sixths = i32(np.floor(6.0 * by) - 6.0 * np.floor(by))
    whole = whole_factor(rest)
    if _rounds_alike(rest, whole):
        turn = i32(i32(i32(sixths + i32(1)) << i32(BITS)) + whole)
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            line[i] = _turned_by_whole(r, g, b, turn)
    else:
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            line[i] = _turned(r, g, b, by)


@stroke
def shuffle_channels(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Shows the channels of three numbers, each 0, 1 or 2, as red, green and blue."""
    red, green, blue = (
        uint32(8.0 * numbers[0]),
        uint32(8.0 * numbers[1]),
        uint32(8.0 * numbers[2]),
    )
    for i in range(line.shape[0]):
        line[i] = packed(
            (line[i] >> red) & LOW_BYTE, (line[i] >> green) & LOW_BYTE, (line[i] >> blue) & LOW_BYTE
        )


@stroke
def brighten(
    numbers: np.ndarray, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Adds the first number to the value of HSV, in levels, and rounds."""
    by = numbers[0]
    for i in range(line.shape[0]):
        r, g, b = channels(line[i])
        value = max(r, g, b)
        brighter = min(value + by, 255.0)
        if value == 0:
            line[i] = packed(
                as_level(brighter + 0.5), as_level(brighter + 0.5), as_level(brighter + 0.5)
            )
            continue
        scale = brighter / value
        line[i] = packed(
            as_level(r * scale + 0.5), as_level(g * scale + 0.5), as_level(b * scale + 0.5)
        )
