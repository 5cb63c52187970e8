"""Compiled convolution of one channel with a symmetric kernel, sideways and then downwards."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines import borders
from cifar10_aug.engines.numba.kernels.compiling import compiled

_reflected, _clamped = compiled(borders.reflected), compiled(borders.clamped)


@compiled
def reflected(size: int, radius: int) -> np.ndarray:
    """Where to find pixels -radius to size - 1 + radius of a line, reflected; int64."""
    places = np.empty(size + 2 * radius, np.int64)
    for i in range(places.shape[0]):
        places[i] = _reflected(i - radius, size)
    return places


@compiled
def clamped(size: int, radius: int) -> np.ndarray:
    """As `reflected`, but the edge is repeated."""
    places = np.empty(size + 2 * radius, np.int64)
    for i in range(places.shape[0]):
        places[i] = _clamped(i - radius, size)
    return places


@compiled
def radius_of(weights: np.ndarray) -> int:
    """Without the zeros at the end of float64 [n], which stand for a centre and one side."""
    radius = weights.shape[0] - 1
    while radius > 0 and weights[radius] == 0.0:
        radius -= 1
    return radius


@compiled
def convolve(
    image: np.ndarray, weights: np.ndarray, columns: np.ndarray, rows: np.ndarray, out: np.ndarray
) -> None:
    """Convolves float64 [height, width] into `out`.

    Args:
        image: the channel.
        weights: float64 [radius + 1] or longer, from the centre outwards.
        columns, rows: as `reflected` or `clamped` makes them for one radius.
        out: float64 [height, width]; not the image.
    """
    height, width = image.shape
    taps = columns.shape[0] - width + 1
    radius = taps // 2
    padded = np.empty(columns.shape[0], np.float64)
    sideways = np.empty((height, width), np.float64)
    total = np.empty(width, np.float64)
    for y in range(height):
        for x in range(padded.shape[0]):
            padded[x] = image[y, columns[x]]
        total[:] = 0.0
        for k in range(taps):
            weight = weights[abs(k - radius)]
            for x in range(width):
                total[x] += weight * padded[x + k]
        sideways[y] = total
    for y in range(height):
        total[:] = 0.0
        for k in range(taps):
            weight = weights[abs(k - radius)]
            source = sideways[rows[y + k]]
            for x in range(width):
                total[x] += weight * source[x]
        out[y] = total
