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
    wide, high = columns.shape[0], rows.shape[0]
    each = np.empty(wide - width + 1, np.float64)
    for k in range(each.shape[0]):
        each[k] = weights[abs(k - (wide - width) // 2)]
    # What is summed lies whole lines apart, which begin at the same place of a cache line: columns
    # come one after the other at first.
    padded = np.empty(max(wide * height, high * width), np.float64)
    for x in range(wide):
        line, column = padded[x * height : (x + 1) * height], columns[x]
        for y in range(height):
            line[y] = image[y, column]
    sideways = np.empty((width, height), np.float64)
    _sum_taps(padded[: wide * height], height, each, sideways.reshape(sideways.size))
    for y in range(high):
        line, row = padded[y * width : (y + 1) * width], rows[y]
        for x in range(width):
            line[x] = sideways[x, row]
    _sum_taps(padded[: high * width], width, each, out.reshape(out.size))


@compiled
def _sum_taps(line: np.ndarray, step: int, weights: np.ndarray, total: np.ndarray) -> None:
    """Sums elements that are `step` apart, times an odd number of weights, in order."""
    taps, count = weights.shape[0], total.shape[0]
    w = weights[0]
    if taps == 1:
        for i in range(count):
            total[i] = w * line[i]
        return
    # Several at a time, which saves loads and stores.
    b, c = line[step:], line[2 * step :]
    x, y = weights[1], weights[2]
    for i in range(count):
        total[i] = (w * line[i] + x * b[i]) + y * c[i]
    k = 3
    while k + 8 <= taps:
        v0, v1, v2, v3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        v4, v5, v6, v7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
        a0, a1, a2 = line[k * step :], line[(k + 1) * step :], line[(k + 2) * step :]
        a3, a4, a5 = line[(k + 3) * step :], line[(k + 4) * step :], line[(k + 5) * step :]
        a6, a7 = line[(k + 6) * step :], line[(k + 7) * step :]
        for i in range(count):
            four = (((total[i] + v0 * a0[i]) + v1 * a1[i]) + v2 * a2[i]) + v3 * a3[i]
            total[i] = (((four + v4 * a4[i]) + v5 * a5[i]) + v6 * a6[i]) + v7 * a7[i]
        k += 8
    while k < taps:
        a, b = line[k * step :], line[(k + 1) * step :]
        w, x = weights[k], weights[k + 1]
        for i in range(count):
            total[i] = (total[i] + w * a[i]) + x * b[i]
        k += 2


@compiled
def add_lines(line: np.ndarray, firsts: np.ndarray, weights: np.ndarray, total: np.ndarray) -> None:
    """Sums what begins at some places of a line, times a weight each, in order.

    Args:
        line: float64 [n].
        firsts: int64 [taps].
        weights: float64 [taps].
        total: float64 [m], written.
    """
    total[:] = 0.0
    k, taps = 0, weights.shape[0]
    # Several at a time, as there.
    while k + 4 <= taps:
        a, b = line[firsts[k] :], line[firsts[k + 1] :]
        c, d = line[firsts[k + 2] :], line[firsts[k + 3] :]
        w, x, y, z = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for i in range(total.shape[0]):
            total[i] = (((total[i] + w * a[i]) + x * b[i]) + y * c[i]) + z * d[i]
        k += 4
    while k < taps:
        a, w = line[firsts[k] :], weights[k]
        for i in range(total.shape[0]):
            total[i] += w * a[i]
        k += 1
