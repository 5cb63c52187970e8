"""What the corruptions of CIFAR-10-C need to know, worked out from their constants."""

from __future__ import annotations

import functools

import numpy as np

from cifar10_aug.rng import elementary


@functools.lru_cache(maxsize=8)
def cumulated_poisson(photons: int) -> np.ndarray:
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


@functools.lru_cache(maxsize=8)
def disk_weights(radius: float, sigma: float) -> np.ndarray:
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


def motion_weights(radius: float, sigma: float) -> np.ndarray:
    """The taps of ImageMagick's motion blur, half a Gaussian along a line: float64 [taps]."""
    steps = np.arange(2 * int(np.ceil(radius)) + 1)
    weights = elementary.exponential(-0.5 * (steps / sigma) ** 2)
    return weights / weights.sum()


@functools.lru_cache(maxsize=16)
def box_blocks(given: int, wanted: int) -> np.ndarray:
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
