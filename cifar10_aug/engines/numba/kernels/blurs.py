"""Compiled blurs of CIFAR-10-C: out of focus, moving, behind frosted glass."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32
from numba import uint64

from cifar10_aug.engines import borders, gaussians
from cifar10_aug.engines.corruption_tables import disk_weights, motion_weights
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inner
from cifar10_aug.engines.numba.kernels.convolution import (
    add_lines,
    add_lines_fused,
    clamped,
    convolve,
    in_groups,
)
from cifar10_aug.engines.numba.kernels.motion import along
from cifar10_aug.engines.numba.kernels.philox import fill_noise
from cifar10_aug.engines.numba.kernels.pixels import as_level, read_channels, write_channel
from cifar10_aug.engines.numba.kernels.rounding import (
    error,
    in_doubt,
    next_in_doubt,
    round_channels,
    separate_channels,
    settled,
)

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
    """Blurs along a line: weights float64 [taps], offsets int64 [n, 2, taps]; see `drag`.

    As `drag` sums it, with edges repeated; rounds once.
    """
    height, width, reach = canvas.height, canvas.width, max(offsets.max(), -offsets.min())
    all_columns, all_lines = clamped(width, reach), clamped(height, reach)
    most = all_columns.shape[0] * all_lines.shape[0]
    packed, levels = np.empty(most, np.uint32), np.empty((3, most), np.float32)
    sums, rounded = np.empty((3, most), np.float32), np.empty(most, np.uint32)
    taps, off = weights.shape[0], error(weights.shape[0] + 1)
    narrow, firsts = np.zeros(in_groups(taps), np.float32), np.zeros(in_groups(taps), np.int64)
    narrow[:taps] = weights
    for n in range(rows.shape[0]):
        line, across, down = canvas.pixels[rows[n]], offsets[n, 0], offsets[n, 1]
        left, above = max(-across.min(), 0), max(-down.min(), 0)
        columns = all_columns[reach - left : reach + width + max(across.max(), 0)]
        lines = all_lines[reach - above : reach + height + max(down.max(), 0)]
        wide = columns.shape[0]
        padded, made = packed[: lines.shape[0] * wide], rounded[: (height - 1) * wide + width]
        for y in range(lines.shape[0]):
            row, source = padded[y * wide : (y + 1) * wide], line[lines[y] * width :]
            for x in range(wide):
                row[x] = source[uint64(columns[x])]
        separate_channels(padded, levels[0], levels[1], levels[2])
        firsts[:taps] = (above + down) * wide + left + across
        # As in `drag`: long loops over the padded image.
        for channel in range(3):
            add_lines_fused(levels[channel], firsts, narrow, sums[channel, : made.shape[0]])
        round_channels(sums, off, made)
        place = next_in_doubt(made, 0)
        while place >= 0:
            for channel in range(3):
                total = float(sums[channel, place])
                if in_doubt(sums[channel, place], off):
                    total = 0.0
                    for k in range(weights.shape[0]):
                        total += weights[k] * float(levels[channel, place + firsts[k]])
                made[place] = settled(made[place], channel, as_level(total + 0.5))
            place = next_in_doubt(made, place)
        for y in range(height):
            row, source = line[y * width : (y + 1) * width], made[y * wide :]
            for x in range(width):
                row[x] = source[x]


def frost_glass(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """The blur's deviation in pixels, how far pixels travel, how often: [3, n], all the same."""
    sigma, reach, times = (float(number) for number in numbers[:, 0])
    weights = gaussians.weights(np.array([sigma]), sigma, deviations=4.0)[0]
    if weights[1:].max(initial=0.0) < 2.0**-70:
        # No sum shows them, in float64.
        weights = weights[:1]
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
    radius = weights.shape[0] - 1
    columns, places = clamped(width, radius), clamped(height, radius)
    high, wide = max(height - 2 * reach, 0), max(width - 2 * reach, 0)
    words = np.empty((4, times * high * wide), np.uint32)
    ways = np.empty(words.shape[1], np.int32)
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        fill_noise(canvas, rows[n], words)
        for i in range(ways.shape[0]):
            # -reach to reach - 1, as there.
            down = i32((uint64(words[0, i]) * uint64(2 * reach)) >> uint64(32)) - i32(reach)
            right = i32((uint64(words[1, i]) * uint64(2 * reach)) >> uint64(32)) - i32(reach)
            ways[i] = down * i32(width) + right
        _soften(line, weights, columns, places, 0.0)
        block = 0
        for _ in range(times):
            for y in range(height - reach, reach, -1):
                at = y * width
                for x in range(width - reach, reach, -1):
                    line[at + x] = line[at + x + ways[block]]
                    block += 1
        _soften(line, weights, columns, places, 0.5)


@compiled
def _soften(
    line: np.ndarray, weights: np.ndarray, columns: np.ndarray, rows: np.ndarray, added: float
) -> None:
    """Blurs an image, packed, whose levels get `added` before their fractions are cut off."""
    if weights.shape[0] == 1:
        return
    width = columns.shape[0] - 2 * (weights.shape[0] - 1)
    image = np.empty((3, line.shape[0] // width, width), np.float64)
    after = np.empty(image.shape[1:], np.float64)
    read_channels(line, image)
    line[:] = 0
    for channel in range(3):
        convolve(image[channel], weights, columns, rows, after)
        write_channel(after, 8 * channel, line, added)
