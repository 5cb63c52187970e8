"""Compiled weather of CIFAR-10-C: fog, frost and snow."""

from __future__ import annotations

import numpy as np
from numba import uint32, uint64

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.corruption_tables import motion_weights
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.motion import along, drag
from cifar10_aug.engines.numba.kernels.philox import fill_noise, from_minus_one
from cifar10_aug.engines.numba.kernels.pixels import as_level, channels, grey, packed


@inner
def _cell(words: np.ndarray, cell: int) -> float:
    """Uniform from -1 to 1, for each cell of a map; its noise is uint32 [4, cells / 4]."""
    place = uint64(cell)
    return from_minus_one(words[place & uint64(3), place >> uint64(2)])


@compiled
def _plasma(canvas: Canvas, row: int, decay: float, heights: np.ndarray) -> None:
    """A cloudy landscape from 0 to 1 by diamonds and squares, which wraps at its border.

    Args:
        canvas, row: key the noise.
        decay: by how much the bumps shrink from one size to the next.
        heights: float64 [size, size], size a power of two; written.
    """
    size = heights.shape[0]
    words = np.empty((4, size * size // 4), np.uint32)
    fill_noise(canvas, row, words)
    heights[0, 0] = 0.0
    # & last is % size, of powers of two.
    last = size - 1
    step, bump = size, 100.0
    while step >= 2:
        half = step // 2
        for y in range(0, size, step):
            for x in range(0, size, step):
                down, right = (y + step) & last, (x + step) & last
                mean = heights[y, x] + heights[down, x] + heights[y, right] + heights[down, right]
                at = (y + half) * size + x + half
                noise = bump * bump * _cell(words, at)
                heights[y + half, x + half] = mean / 4.0 + noise
        for y in range(0, size, step):
            for x in range(0, size, step):
                middle, up, left = y + half, (y - half) & last, (x - half) & last
                down, right = (y + step) & last, (x + step) & last
                mean = heights[y, x] + heights[y, right]
                mean += heights[middle, x + half] + heights[up, x + half]
                noise = bump * bump * _cell(words, y * size + x + half)
                heights[y, x + half] = mean / 4.0 + noise
                mean = heights[y, x] + heights[down, x]
                mean += heights[middle, x + half] + heights[middle, left]
                noise = bump * bump * _cell(words, middle * size + x)
                heights[middle, x] = mean / 4.0 + noise
        step //= 2
        bump /= decay
    lowest, highest = heights.min(), heights.max()
    heights[:] = (heights - lowest) / max(highest - lowest, 1e-9)


@inner
def _map_size(canvas: Canvas) -> int:
    size = 2
    while size < max(canvas.height, canvas.width):
        size *= 2
    return size


@compiled
def fog(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Adds clouds and darkens: numbers [2, n], how much (1 is white) and the clouds' decay."""
    size, width = _map_size(canvas), canvas.width
    heights = np.empty((size, size), np.float64)
    for n in range(rows.shape[0]):
        line, much = canvas.pixels[rows[n]], numbers[0, n]
        _plasma(canvas, rows[n], numbers[1, n], heights)
        brightest = 0
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            brightest = max(brightest, r, g, b)
        scale = brightest / (brightest + 255.0 * much)
        for y in range(canvas.height):
            row, clouds = line[y * width : (y + 1) * width], heights[y]
            for x in range(width):
                r, g, b = channels(row[x])
                cloud = 255.0 * much * clouds[x]
                row[x] = packed(
                    as_level((r + cloud) * scale + 0.5),
                    as_level((g + cloud) * scale + 0.5),
                    as_level((b + cloud) * scale + 0.5),
                )


@compiled
def frost(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Lays drawn ice over the image: numbers [2, n], shares of the image and of the ice.

    The ice is white where the clouds of `fog` are at their middle height, and blue between.
    """
    size, width = _map_size(canvas), canvas.width
    heights = np.empty((size, size), np.float64)
    for n in range(rows.shape[0]):
        line, own, ice = canvas.pixels[rows[n]], numbers[0, n], numbers[1, n]
        _plasma(canvas, rows[n], 2.0, heights)
        for y in range(canvas.height):
            row, clouds = line[y * width : (y + 1) * width], heights[y]
            for x in range(width):
                ridge = 1.0 - abs(2.0 * clouds[x] - 1.0)
                ridge *= ridge
                r, g, b = channels(row[x])
                row[x] = packed(
                    as_level(own * r + ice * (70.0 + 185.0 * ridge) + 0.5),
                    as_level(own * g + ice * (100.0 + 155.0 * ridge) + 0.5),
                    as_level(own * b + ice * (130.0 + 125.0 * ridge) + 0.5),
                )


@compiled
def _flakes(
    canvas: Canvas, row: int, numbers: np.ndarray, quantiles: np.ndarray, flakes: np.ndarray
) -> None:
    """Normal noise, enlarged about the centre, of which the brightest stays: 0 to 1."""
    mean, sigma, zoom, threshold = numbers[0], numbers[1], numbers[2], numbers[3]
    height, width = flakes.shape
    noise = np.empty((height, width), np.float64)
    words = np.empty((4, (height * width + 3) // 4), np.uint32)
    fill_noise(canvas, row, words)
    flat = noise.reshape(height * width)
    for lane in range(4):
        drawn, part = words[lane], flat[lane::4]
        for i in range(part.shape[0]):
            part[i] = mean + sigma * quantiles[drawn[i] >> uint32(16)]
    if zoom == 1.0:
        seen = flakes.reshape(height * width)
        for i in range(seen.shape[0]):
            seen[i] = _flake(flat[i], threshold)
        return
    middle_y, middle_x = (height - 1) / 2.0, (width - 1) / 2.0
    lefts, shares = np.empty(width, np.int64), np.empty(width, np.float64)
    for x in range(width):
        at_x = middle_x + (x - middle_x) / zoom
        lefts[x] = int(at_x)
        shares[x] = at_x - lefts[x]
    for y in range(height):
        at_y = middle_y + (y - middle_y) / zoom
        top = int(at_y)
        above, below = noise[top], noise[min(top + 1, height - 1)]
        for x in range(width):
            left, share = uint64(lefts[x]), shares[x]
            right = min(left + uint64(1), uint64(width - 1))
            upper = above[left] + share * (above[right] - above[left])
            lower = below[left] + share * (below[right] - below[left])
            flakes[y, x] = _flake(upper + (at_y - top) * (lower - upper), threshold)


@inner
def _flake(value: float, threshold: float) -> float:
    return min(max(value, 0.0), 1.0) if value >= threshold else 0.0


def snow(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """As `_snow`; then the flakes' way: radius, deviation, and angles in degrees."""
    weights = motion_weights(float(numbers[5, 0]), float(numbers[6, 0]))
    offsets = along(numbers[7], len(weights))
    _snow(canvas, rows, np.ascontiguousarray(numbers[:5]), gaussians.quantiles(), weights, offsets)


@compiled
def _snow(
    canvas: Canvas,
    rows: np.ndarray,
    numbers: np.ndarray,
    quantiles: np.ndarray,
    weights: np.ndarray,
    offsets: np.ndarray,
) -> None:
    """Whitens the image and adds falling flakes, and the same flakes upside down.

    Args:
        canvas, rows: the images.
        numbers: float64 [5, n]: mean and deviation of the flakes' noise, how much it is enlarged,
            from where on it is seen, and the share of the image that is not whitened.
        quantiles: float64 [65536], of the normal distribution.
        weights: float64 [taps], along the flakes' way; see `drag`.
        offsets: int64 [n, 2, taps].
    """
    height, width = canvas.height, canvas.width
    flakes = np.empty((height, width), np.float64)
    falling = np.empty((height, width), np.float64)
    flat = falling.reshape(height * width)
    for n in range(rows.shape[0]):
        line, own = canvas.pixels[rows[n]], numbers[4, n]
        _flakes(canvas, rows[n], np.ascontiguousarray(numbers[:, n]), quantiles, flakes)
        drag(flakes, weights, offsets[n], falling)
        for i in range(line.shape[0]):
            added = 255.0 * (flat[i] + flat[line.shape[0] - 1 - i])
            r, g, b = channels(line[i])
            white = grey(r, g, b) * 1.5 + 127.5
            line[i] = packed(
                as_level(own * r + (1.0 - own) * max(float(r), white) + added + 0.5),
                as_level(own * g + (1.0 - own) * max(float(g), white) + added + 0.5),
                as_level(own * b + (1.0 - own) * max(float(b), white) + added + 0.5),
            )
