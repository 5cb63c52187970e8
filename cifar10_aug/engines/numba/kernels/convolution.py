"""Compiled convolution of one channel with a symmetric kernel, sideways and then downwards."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines import borders
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner

_reflected, _clamped = inner(borders.reflected), inner(borders.clamped)


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


@inner
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
    wide = columns.shape[0]
    radius = (wide - width) // 2
    each = np.empty(2 * radius + 1, np.float64)
    for k in range(each.shape[0]):
        each[k] = weights[abs(k - radius)]
    # Rows lie one after the other, so that loops are long; the sums across the end of a row are
    # not used.
    padded = np.empty((height, wide), np.float64)
    for y in range(height):
        row, source = padded[y], image[y]
        inside = row[radius : radius + width]
        for x in range(width):
            inside[x] = source[x]
        for x in range(radius):
            row[x], row[wide - 1 - x] = source[columns[x]], source[columns[wide - 1 - x]]
    sideways = np.empty((height, wide), np.float64)
    _sum_taps(padded.reshape(height * wide), 1, each, sideways.reshape(height * wide))
    tall = np.empty((rows.shape[0], width), np.float64)
    for y in range(rows.shape[0]):
        row, source = tall[y], sideways[rows[y]]
        for x in range(width):
            row[x] = source[x]
    _sum_taps(tall.reshape(tall.size), width, each, out.reshape(out.size))


@inner
def _sum_taps(line: np.ndarray, step: int, weights: np.ndarray, total: np.ndarray) -> None:
    """Sums elements that are `step` apart, times a weight each, in order, as far as there are."""
    taps = weights.shape[0]
    count = min(total.shape[0], line.shape[0] - (taps - 1) * step)
    total = total[:count]
    total[:] = 0.0
    k = 0
    # Several at a time, which saves loads and stores.
    while k + 4 <= taps:
        a, b = line[k * step :], line[(k + 1) * step :]
        c, d = line[(k + 2) * step :], line[(k + 3) * step :]
        w, x, y, z = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for i in range(count):
            total[i] = (((total[i] + w * a[i]) + x * b[i]) + y * c[i]) + z * d[i]
        k += 4
    while k < taps:
        add_weighed(total, weights[k], line[k * step :])
        k += 1


@inner
def add_weighed(total: np.ndarray, weight: float, line: np.ndarray) -> None:
    """Adds a line, or the first part of it, times a weight."""
    for i in range(total.shape[0]):
        total[i] += weight * line[i]
