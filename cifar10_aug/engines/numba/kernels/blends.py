"""Compiled loops that lay packed images over each other."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import uint32

from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE as _LOW
from cifar10_aug.engines.numba.kernels.pixels import as_level, channels, packed


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
def add(images: np.ndarray, weights: np.ndarray, total: np.ndarray) -> None:
    """Adds packed images [batch, pixels], times a weight each, to float32 [batch, pixels, 3]."""
    for n in range(images.shape[0]):
        weight = f32(weights[n])
        for i in range(images.shape[1]):
            r, g, b = channels(images[n, i])
            total[n, i, 0] += weight * f32(r)
            total[n, i, 1] += weight * f32(g)
            total[n, i, 2] += weight * f32(b)


@compiled
def round_off(total: np.ndarray, images: np.ndarray) -> None:
    """Packs float32 [batch, pixels, 3], rounded, into uint32 [batch, pixels]."""
    for n in range(images.shape[0]):
        for i in range(images.shape[1]):
            images[n, i] = packed(
                as_level(total[n, i, 0] + 0.5),
                as_level(total[n, i, 1] + 0.5),
                as_level(total[n, i, 2] + 0.5),
            )
