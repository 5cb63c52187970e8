"""Compiled loops that lay packed images over each other."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import uint32

from cifar10_aug.engines.numba.kernels.compiling import compiled
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
    half, sixteen = uint32(1 << 15), uint32(16)
    whole = uint32(1 << 16)
    for n in range(own.shape[0]):
        a = shares[n]
        b = whole - a
        top, left, bottom, right = boxes[n]
        for y in range(top, bottom):
            other_y = (y - top) * own.shape[1] // (bottom - top) if shrunk[n] else y
            for x in range(left, right):
                other_x = (x - left) * own.shape[2] // (right - left) if shrunk[n] else x
                r, g, bl = channels(own[n, y, x])
                other_r, other_g, other_b = channels(others[n, other_y, other_x])
                own[n, y, x] = packed(
                    (uint32(r) * a + uint32(other_r) * b + half) >> sixteen,
                    (uint32(g) * a + uint32(other_g) * b + half) >> sixteen,
                    (uint32(bl) * a + uint32(other_b) * b + half) >> sixteen,
                )


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
