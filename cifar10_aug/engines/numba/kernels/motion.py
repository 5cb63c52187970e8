"""Compiled motion blur of one channel, and where it reads."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.convolution import add_weighed
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
    reach = max(np.abs(offsets).max(), 1)
    wide = width + 2 * reach
    padded = np.empty((height + 2 * reach, wide), np.float64)
    for y in range(padded.shape[0]):
        source, row = image[min(max(y - reach, 0), height - 1)], padded[y]
        for x in range(wide):
            row[x] = source[min(max(x - reach, 0), width - 1)]
    # Rows of the padded image lie one after the other, so that loops are long; what is summed
    # across the end of a row is not used.
    flat = padded.reshape(padded.size)
    total = np.zeros((height, wide), np.float64)
    sums = total.reshape(total.size)[: (height - 1) * wide + width]
    for k in range(weights.shape[0]):
        first = (reach + offsets[1, k]) * wide + reach + offsets[0, k]
        add_weighed(sums, weights[k], flat[first : first + sums.shape[0]])
    for y in range(height):
        row, source = out[y], total[y]
        for x in range(width):
            row[x] = source[x]
