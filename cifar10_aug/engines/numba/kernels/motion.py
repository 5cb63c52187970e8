"""Compiled motion blur of one channel, and where it reads."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.rng import elementary


def along(angles: np.ndarray, taps: int) -> np.ndarray:
    """How far right and down each tap of a line at an angle is read: int64 [n, 2, taps]."""
    sine, cosine = elementary.sine_cosine(angles)
    steps = np.stack([cosine, sine], axis=1)[:, :, None]
    return np.ceil(steps * np.arange(taps) - 0.5).astype(np.int64)


@compiled
def drag(image: np.ndarray, weights: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """Sums what lies along a line from each pixel of float64 [height, width], edges repeated.

    Args:
        image: the channel.
        weights: float64 [taps].
        offsets: int64 [2, taps], how far right and down each tap is read.
        out: float64 [height, width]; not the image.
    """
    height, width = image.shape
    for y in range(height):
        for x in range(width):
            total = 0.0
            for k in range(weights.shape[0]):
                at_y = min(max(y + offsets[1, k], 0), height - 1)
                at_x = min(max(x + offsets[0, k], 0), width - 1)
                total += weights[k] * image[at_y, at_x]
            out[y, x] = total
