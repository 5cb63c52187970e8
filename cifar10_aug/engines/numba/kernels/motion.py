"""Compiled motion blur of one channel."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines.numba.kernels.compiling import compiled


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
