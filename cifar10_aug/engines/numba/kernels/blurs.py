"""Compiled blurs of CIFAR-10-C: out of focus, moving, behind frosted glass."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines import borders, gaussians
from cifar10_aug.engines.corruption_tables import disk_weights, motion_weights
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.convolution import add_lines, clamped, convolve
from cifar10_aug.engines.numba.kernels.motion import along, drag
from cifar10_aug.engines.numba.kernels.philox import fill_noise
from cifar10_aug.engines.numba.kernels.pixels import read_channels, write_channel

_mirrored = inner(borders.mirrored)


def defocus(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """A disk of a radius, smoothed by a narrow Gaussian: both in pixels, [2, n], all the same."""
    _defocus(canvas, rows, disk_weights(float(numbers[0, 0]), float(numbers[1, 0])))


@compiled
def _defocus(canvas: Canvas, rows: np.ndarray, weights: np.ndarray) -> None:
    """Convolves with a small square kernel, mirrored at the border: float64 [side, side]."""
    height, width = canvas.height, canvas.width
    radius = weights.shape[0] // 2
    wide = width + 2 * radius
    before = np.empty((3, height, width), np.float64)
    padded = np.empty((height + 2 * radius, wide), np.float64)
    total = np.empty((height, wide), np.float64)
    after = np.empty((height, width), np.float64)
    columns, lines = _places(width, radius), _places(height, radius)
    # Without corners that weigh nothing.
    taps = np.flatnonzero(weights)
    firsts = taps // weights.shape[1] * wide + taps % weights.shape[1]
    each = weights.reshape(weights.size)[taps]
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        read_channels(line, before)
        line[:] = 0
        for channel in range(3):
            for y in range(padded.shape[0]):
                source, row = before[channel, lines[y]], padded[y]
                for x in range(wide):
                    row[x] = source[columns[x]]
            # As in `drag`: long loops over the padded image.
            sums = total.reshape(total.size)[: (height - 1) * wide + width]
            add_lines(padded.reshape(padded.size), firsts, each, sums)
            after[:] = total[:, :width]
            write_channel(after, 8 * channel, line)


@compiled
def _places(size: int, radius: int) -> np.ndarray:
    """Where to find pixels -radius to size - 1 + radius of a line, mirrored; int64."""
    places = np.empty(size + 2 * radius, np.int64)
    for i in range(places.shape[0]):
        places[i] = _mirrored(i - radius, size)
    return places


def move(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Motion blur: radius and deviation in pixels, the same for all rows, and angles in degrees."""
    weights = motion_weights(float(numbers[0, 0]), float(numbers[1, 0]))
    _move(canvas, rows, weights, along(numbers[2], len(weights)))


@compiled
def _move(canvas: Canvas, rows: np.ndarray, weights: np.ndarray, offsets: np.ndarray) -> None:
    """Blurs along a line: weights float64 [taps], offsets int64 [n, 2, taps]; see `drag`."""
    height, width = canvas.height, canvas.width
    before = np.empty((3, height, width), np.float64)
    after = np.empty((height, width), np.float64)
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        read_channels(line, before)
        line[:] = 0
        for channel in range(3):
            drag(before[channel], weights, offsets[n], after)
            write_channel(after, 8 * channel, line)


def frost_glass(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """The blur's deviation in pixels, how far pixels travel, how often: [3, n], all the same."""
    sigma, reach, times = (float(number) for number in numbers[:, 0])
    weights = gaussians.weights(np.array([sigma]), sigma, deviations=4.0)[0]
    _frost_glass(canvas, rows, weights, int(reach), int(times))


@compiled
def _frost_glass(
    canvas: Canvas, rows: np.ndarray, weights: np.ndarray, reach: int, times: int
) -> None:
    """Blurs, takes each pixel from up to `reach` pixels above and to the left of it, blurs again.

    From the lower right to the upper left, so that pixels travel; `times` over. The published code
    means to swap two pixels, and copies one, since NumPy's rows are views; so does this.
    """
    height, width = canvas.height, canvas.width
    image = np.empty((3, height, width), np.float64)
    after = np.empty((height, width), np.float64)
    radius = weights.shape[0] - 1
    columns, places = clamped(width, radius), clamped(height, radius)
    words = np.empty((4, times * height * width), np.uint32)
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        read_channels(line, image)
        for channel in range(3):
            convolve(image[channel], weights, columns, places, after)
            image[channel] = np.floor(after)
        fill_noise(canvas, rows[n], words)
        block = 0
        for _ in range(times):
            for y in range(height - reach, reach, -1):
                for x in range(width - reach, reach, -1):
                    # -reach to reach - 1, as there.
                    down, right = np.uint64(words[0, block]), np.uint64(words[1, block])
                    block += 1
                    at_y = y - reach + np.int64(down * np.uint64(2 * reach) >> np.uint64(32))
                    at_x = x - reach + np.int64(right * np.uint64(2 * reach) >> np.uint64(32))
                    for channel in range(3):
                        image[channel, y, x] = image[channel, at_y, at_x]
        line[:] = 0
        for channel in range(3):
            convolve(image[channel], weights, columns, places, after)
            write_channel(after, 8 * channel, line)
