"""Hands the compiled corruptions of CIFAR-10-C what they need to know.

Each function changes some rows of a canvas by numbers, float64 [numbers, rows], as
`processes.Run`; the numbers are the same for all rows, but for angles and JPEG's quality.
"""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.corruption_tables import (
    box_blocks,
    cumulated_poisson,
    disk_weights,
    motion_weights,
)
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels import blurs, digital, noises, weather
from cifar10_aug.engines.numba.kernels import pixels as packing
from cifar10_aug.rng import elementary


def count_photons(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Shot noise; the number is how many photons make white."""
    photons = int(numbers[0, 0])
    cumulated, starts = _poisson(photons)
    noises.count_photons(canvas, rows, photons, cumulated, starts)


@functools.lru_cache(maxsize=8)
def _poisson(photons: int) -> tuple[np.ndarray, np.ndarray]:
    """Each level's cumulated probabilities, and where to begin to look in them."""
    cumulated = cumulated_poisson(photons)
    parts = np.arange(257) / 256.0
    return cumulated, np.stack([np.searchsorted(level, parts) for level in cumulated])


def defocus(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """A disk of a radius, smoothed by a narrow Gaussian: both in pixels."""
    blurs.defocus(canvas, rows, disk_weights(float(numbers[0, 0]), float(numbers[1, 0])))


def frost_glass(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """The blur's deviation in pixels, how far pixels travel, and how often."""
    sigma, reach, times = (float(number) for number in numbers[:, 0])
    weights = gaussians.weights(np.array([sigma]), sigma, deviations=4.0)[0]
    blurs.frost_glass(canvas, rows, weights, int(reach), int(times))


def move(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Motion blur: radius and deviation in pixels, the same for all rows, and angles in degrees."""
    weights = motion_weights(float(numbers[0, 0]), float(numbers[1, 0]))
    blurs.move(canvas, rows, weights, _offsets(numbers[2], len(weights)))


def _offsets(angles: np.ndarray, taps: int) -> np.ndarray:
    """How far right and down each tap of a motion blur is read: int64 [n, 2, taps]."""
    sine, cosine = elementary.sine_cosine(angles)
    along = np.stack([cosine, sine], axis=1)[:, :, None]
    return np.ceil(along * np.arange(taps) - 0.5).astype(np.int64)


def snow(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """As `weather.snow`; then the flakes' way: radius, deviation, and angles in degrees."""
    weights = motion_weights(float(numbers[5, 0]), float(numbers[6, 0]))
    offsets = _offsets(numbers[7], len(weights))
    first = np.ascontiguousarray(numbers[:5])
    weather.snow(canvas, rows, first, gaussians.quantiles(), weights, offsets)


def pixelate(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Resizes to a share of the size and back, with Pillow's BOX filter."""
    share = float(numbers[0, 0])
    small_width = max(1, int(canvas.width * share))
    small_height = max(1, int(canvas.height * share))
    digital.pixelate(
        canvas,
        rows,
        box_blocks(canvas.width, small_width),
        box_blocks(canvas.height, small_height),
        box_blocks(small_width, canvas.width)[:, 0].copy(),
        box_blocks(small_height, canvas.height)[:, 0].copy(),
    )


def compress(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Writes and reads JPEGs with Pillow; the number is the quality."""
    image = np.empty((canvas.height, canvas.width, 3), np.uint8)
    for row, quality in zip(rows, numbers[0], strict=True):
        line = canvas.pixels[row]
        packing.unpack(line, image.reshape(-1))
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=int(quality))
        with Image.open(file, formats=["JPEG"]) as picture:
            packing.pack(np.array(picture.convert("RGB")).reshape(-1), line)
