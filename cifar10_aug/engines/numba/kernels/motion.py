"""Compiled motion blur of one channel, and where it reads."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.convolution import add_lines
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
    left, right = max(-offsets[0].min(), 0), max(offsets[0].max(), 0)
    above, below = max(-offsets[1].min(), 0), max(offsets[1].max(), 0)
    wide = width + left + right
    padded = np.empty((height + above + below, wide), np.float64)
    for y in range(padded.shape[0]):
        source, row = image[min(max(y - above, 0), height - 1)], padded[y]
        row[:left] = source[0]
        inside = row[left : left + width]
        for x in range(width):
            inside[x] = source[x]
        row[left + width :] = source[width - 1]
    # Rows of the padded image lie one after the other, so that loops are long; what is summed
    # across the end of a row is not used.
    flat = padded.reshape(padded.size)
    firsts = (above + offsets[1]) * wide + left + offsets[0]
    total = np.empty((height, wide), np.float64)
    add_lines(flat, firsts, weights, total.reshape(total.size)[: (height - 1) * wide + width])
    for y in range(height):
        row, source = out[y], total[y]
        for x in range(width):
            row[x] = source[x]
