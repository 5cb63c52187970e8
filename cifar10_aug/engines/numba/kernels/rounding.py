"""Compiled rounding of sums that were made in float32, as if they had been made in float64.

Half as wide numbers take half as long. Where their errors could have changed a level, which are
some two pixels of an image, the caller sums again.
"""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import uint32

from cifar10_aug.engines.numba.kernels.compiling import inlined, inner
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE

# Pixels that are looked through at once.
_MANY = 128
# A bit of a packed pixel that is free: whether one of its channels is in doubt.
_DOUBT = uint32(1 << 24)


@inner
def error(roundings: float) -> float:
    """How much a sum of levels, times weights that add up to 1, can be off in float32.

    Args:
        roundings: how often the whole sum is rounded, at most; of terms and smaller sums, as much
            of it as they are.
    """
    # One more for adding 1/2, and one for all that is of second order.
    return 256.0 * 2.0**-24 * (roundings + 2)


@inner
def separate_channels(
    line: np.ndarray, red: np.ndarray, green: np.ndarray, blue: np.ndarray
) -> None:
    """Writes levels as float32 [pixels or more] each."""
    for i in range(line.shape[0]):
        pixel = line[i]
        red[i] = f32(i32(pixel & LOW_BYTE))
        green[i] = f32(i32((pixel >> uint32(8)) & LOW_BYTE))
        blue[i] = f32(i32((pixel >> uint32(16)) & LOW_BYTE))


@inner
def round_channels(planes: np.ndarray, off: float, line: np.ndarray) -> None:
    """Rounds sums to packed pixels, and marks what is in doubt.

    Args:
        planes: float32 [3, pixels or more], 0 to 255.
        off: how much they can be off, less than 1/2.
        line: uint32 [pixels], written.
    """
    red, green, blue, certain = planes[0], planes[1], planes[2], f32(0.5 - off)
    for i in range(line.shape[0]):
        r, g, b = _rounded(red[i], certain), _rounded(green[i], certain), _rounded(blue[i], certain)
        line[i] = r | (g << uint32(8)) | (b << uint32(16)) | ((g | b) & _DOUBT)


def _round(total: float, certain: float) -> int:
    more = total + f32(0.5)
    level = i32(more)
    beside = abs((more - f32(level)) - f32(0.5))
    return uint32(level) | (_DOUBT if beside >= certain else uint32(0))


_rounded = inlined(_round)


@inner
def in_doubt(total: float, off: float) -> bool:
    return (_rounded(total, f32(0.5 - off)) & _DOUBT) != uint32(0)


@inner
def settled(pixel: int, channel: int, level: int) -> int:
    """A packed pixel with a level that is certain, and none in doubt."""
    shift = uint32(8 * channel)
    kept = uint32(pixel) & ~uint32(_DOUBT | (LOW_BYTE << shift))
    return uint32(kept | (uint32(level) << shift))


@inner
def next_in_doubt(line: np.ndarray, first: int) -> int:
    """The first pixel in doubt from a place on; -1 if there is none."""
    while first < line.shape[0]:
        part, found = line[first : first + _MANY], uint32(0)
        for i in range(part.shape[0]):
            found |= part[i]
        if found & _DOUBT:
            for i in range(part.shape[0]):
                if part[i] & _DOUBT:
                    return first + i
        first += _MANY
    return -1
