"""Compiled loops that lay packed images over each other."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import int64 as i64
from numba import uint32

from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE as _LOW
from cifar10_aug.engines.numba.kernels.pixels import channels, packed


@compiled
def mix(
    own: np.ndarray,
    others: np.ndarray,
    boxes: np.ndarray,
    shares: np.ndarray,
    shrunk: np.ndarray,
) -> None:
    """Shows others' pixels in a box of each image; rounds once.

    Args:
        own: uint32 [batch, height, width], packed; changed in place.
        others: of the same shape.
        boxes: int64 [batch, 4]: top, left, bottom, right.
        shares: uint32 [batch], of the own image within the box, in 65,536ths.
        shrunk: bool [batch], whether the whole of the other is resized into the box.
    """
    height, width = own.shape[1], own.shape[2]
    columns = np.empty(width, np.int64)
    shown = np.empty(width, np.uint32)
    for n in range(own.shape[0]):
        top, left, bottom, right = boxes[n]
        wide, tall, share = right - left, bottom - top, shares[n]
        if shrunk[n]:
            for x in range(wide):
                columns[x] = x * width // wide
            for y in range(tall):
                other = others[n, y * height // tall]
                for x in range(wide):
                    shown[x] = other[columns[x]]
                _blend(own[n, top + y], left, shown, i64(0), wide, share)
        elif wide == width:
            # Whole rows, which follow each other.
            first, pixels = top * width, tall * width
            _blend(own[n].reshape(-1), first, others[n].reshape(-1), first, pixels, share)
        else:
            for y in range(top, bottom):
                _blend(own[n, y], left, others[n, y], left, wide, share)


@compiled
def _blend(
    own: np.ndarray, first: int, others: np.ndarray, first_other: int, count: int, share: int
) -> None:
    """Makes pixels a share of themselves, in 65,536ths, and the rest of others."""
    a, half = uint32(share), uint32(1 << 15)
    sixteen, eight = uint32(16), uint32(8)
    line, other = own[first : first + count], others[first_other : first_other + count]
    if a == 0:
        for x in range(line.shape[0]):
            line[x] = other[x]
        return
    # Differences below 0 wrap around, and so do sums with them, back to what they should be.
    for x in range(line.shape[0]):
        b, mine = other[x], line[x]
        red = ((b & _LOW) << sixteen) + ((mine & _LOW) - (b & _LOW)) * a + half
        level, of_mine = (b >> eight) & _LOW, (mine >> eight) & _LOW
        green = (level << sixteen) + (of_mine - level) * a + half
        level, of_mine = (b >> sixteen) & _LOW, (mine >> sixteen) & _LOW
        blue = (level << sixteen) + (of_mine - level) * a + half
        line[x] = packed(red >> sixteen, green >> sixteen, blue >> sixteen)


@compiled
def lay(versions: tuple[np.ndarray, ...], weights: np.ndarray, out: np.ndarray) -> None:
    """Lays versions of images over each other; rounds once.

    Args:
        versions: each uint32 [batch, pixels], packed.
        weights: float32 [versions, batch], 0 or more, of each image about 1 in all.
        out: uint32 [batch, pixels]; may be one of the versions.
    """
    total = np.empty((3, out.shape[1]), np.float32)
    red, green, blue = total[0], total[1], total[2]
    for n in range(out.shape[0]):
        total[:] = 0
        for place, version in enumerate(versions):
            line, weight = version[n], weights[place, n]
            for i in range(line.shape[0]):
                r, g, b = channels(line[i])
                red[i] += weight * f32(r)
                green[i] += weight * f32(g)
                blue[i] += weight * f32(b)
        line = out[n]
        for i in range(line.shape[0]):
            line[i] = packed(_rounded(red[i]), _rounded(green[i]), _rounded(blue[i]))


@compiled
def _rounded(value: float) -> int:
    """float32, 0 or more, as the nearest level, halves up."""
    whole = i32(value)
    # Exact, which value + 0.5 is not.
    return min(whole + (i32(1) if value - f32(whole) >= f32(0.5) else i32(0)), i32(255))
