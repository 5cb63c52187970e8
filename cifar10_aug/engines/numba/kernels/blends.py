"""Compiled loops that lay packed images over each other."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32

from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.pixels import channels, packed


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
