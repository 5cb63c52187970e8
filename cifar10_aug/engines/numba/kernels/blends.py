"""Compiled loops that lay packed images over each other."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
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
    for n in range(own.shape[0]):
        top, left, bottom, right = boxes[n]
        for y in range(top, bottom):
            line = own[n, y, left:right]
            if shrunk[n]:
                other = others[n, (y - top) * height // (bottom - top)]
                for x in range(line.shape[0]):
                    _blend(line, x, other[x * width // line.shape[0]], shares[n])
            else:
                other = others[n, y, left:right]
                for x in range(line.shape[0]):
                    _blend(line, x, other[x], shares[n])


@compiled
def _blend(line: np.ndarray, x: int, other: int, share: int) -> None:
    """Makes a pixel a share of itself, in 65,536ths, and the rest of another."""
    a, b = uint32(share), uint32(uint32(1 << 16) - share)
    half, sixteen, eight = uint32(1 << 15), uint32(16), uint32(8)
    own = line[x]
    red = uint32((own & _LOW) * a + (other & _LOW) * b + half) >> sixteen
    green = uint32(((own >> eight) & _LOW) * a + ((other >> eight) & _LOW) * b + half) >> sixteen
    blue = uint32(((own >> sixteen) & _LOW) * a + ((other >> sixteen) & _LOW) * b + half)
    line[x] = packed(red, green, blue >> sixteen)


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
