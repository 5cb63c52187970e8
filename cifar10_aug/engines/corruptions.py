"""What the compiled corruptions of CIFAR-10-C need to know, worked out from their constants.

Each function changes some rows of a canvas by numbers, float64 [numbers, rows], as
`processes.Run`; the numbers are the same for all rows, but for angles.
"""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image

from cifar10_aug import elementary
from cifar10_aug.engines import gaussians
from cifar10_aug.engines.canvas import Canvas
from cifar10_aug.engines.kernels import blurs, digital, noises, weather
from cifar10_aug.engines.kernels import pixels as packing


def count_photons(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Shot noise; the number is how many photons make white."""
    photons = int(numbers[0, 0])
    noises.count_photons(canvas, rows, photons, _cumulated_poisson(photons))


@functools.lru_cache(maxsize=8)
def _cumulated_poisson(photons: int) -> np.ndarray:
    """Of each level, the probabilities of at most 0, 1, … photons - 1: float64 [256, photons]."""
    expected = np.arange(256) * photons / 255.0
    probability = elementary.exponential(-expected)
    cumulated = np.empty((256, photons))
    total = np.zeros(256)
    for count in range(photons):
        total = total + probability
        cumulated[:, count] = total
        probability = probability * expected / (count + 1)
    return cumulated


def defocus(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """A disk of a radius, smoothed by a narrow Gaussian: both in pixels."""
    blurs.defocus(canvas, rows, _disk(float(numbers[0, 0]), float(numbers[1, 0])))


@functools.lru_cache(maxsize=8)
def _disk(radius: float, sigma: float) -> np.ndarray:
    """float64 [side, side], with sum 1."""
    reach = int(radius) + 1
    place = np.arange(-reach, reach + 1)
    disk = (place[:, None] ** 2 + place**2 <= radius**2).astype(np.float64)
    beside = float(elementary.exponential(np.array(-0.5 / sigma**2)))
    taps = np.array([beside, 1.0, beside]) / (1.0 + 2.0 * beside)
    for axis in range(2):
        padded = np.moveaxis(np.pad(disk, 1), axis, 0)
        smooth = taps[0] * padded[:-2] + taps[1] * padded[1:-1] + taps[2] * padded[2:]
        disk = np.moveaxis(smooth[:, 1:-1], 0, axis)
    return np.ascontiguousarray(disk / disk.sum())


def frost_glass(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """The blur's deviation in pixels, how far pixels travel, and how often."""
    sigma, reach, times = (float(number) for number in numbers[:, 0])
    weights = gaussians.weights(np.array([sigma]), sigma, deviations=4.0)[0]
    blurs.frost_glass(canvas, rows, weights, int(reach), int(times))


def move(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Motion blur: radius and deviation in pixels, the same for all rows, and angles in degrees."""
    weights, offsets = _way(float(numbers[0, 0]), float(numbers[1, 0]), numbers[2])
    blurs.move(canvas, rows, weights, offsets)


def _way(radius: float, sigma: float, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The taps of ImageMagick's motion blur: half a Gaussian, read along a line.

    Returns:
        Weights, float64 [taps], and how far right and down to read, int64 [n, 2, taps].
    """
    steps = np.arange(2 * int(np.ceil(radius)) + 1)
    weights = elementary.exponential(-0.5 * (steps / sigma) ** 2)
    sine, cosine = elementary.sine_cosine(angles)
    along = np.stack([cosine, sine], axis=1)[:, :, None]
    return weights / weights.sum(), np.ceil(along * steps - 0.5).astype(np.int64)


def snow(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """As `weather.snow`; then the flakes' way: radius, deviation, and angles in degrees."""
    weights, offsets = _way(float(numbers[5, 0]), float(numbers[6, 0]), numbers[7])
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
        _blocks(canvas.width, small_width),
        _blocks(canvas.height, small_height),
        _blocks(small_width, canvas.width)[:, 0].copy(),
        _blocks(small_height, canvas.height)[:, 0].copy(),
    )


@functools.lru_cache(maxsize=16)
def _blocks(given: int, wanted: int) -> np.ndarray:
    """The pixels that Pillow's BOX filter averages for each of the `wanted`: int64 [wanted, 2]."""
    scale = given / wanted
    # Never less than one pixel of the input.
    wide = max(scale, 1.0)
    blocks = np.empty((wanted, 2), np.int64)
    for i in range(wanted):
        middle = (i + 0.5) * scale
        inside = [x for x in range(given) if -0.5 < (x + 0.5 - middle) / wide <= 0.5]
        blocks[i] = inside[0], inside[-1] + 1
    return blocks


def compress(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Writes and reads JPEGs of a quality, with Pillow."""
    quality = int(numbers[0, 0])
    image = np.empty((canvas.height, canvas.width, 3), np.uint8)
    for row in rows:
        line = canvas.pixels[row]
        packing.unpack(line, image.reshape(-1, 3))
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        with Image.open(file, formats=["JPEG"]) as picture:
            packing.pack(np.array(picture.convert("RGB")).reshape(-1, 3), line)
