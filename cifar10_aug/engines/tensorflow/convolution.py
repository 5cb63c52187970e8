"""Convolution of channels with symmetric kernels, sideways and then downwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.tensorflow.tensor_draws import TENSORFLOW, numbers, times, where
from cifar10_aug.rng import elementary

# Where to find pixels -radius to size - 1 + radius of a line: int64.
Padding = Callable[[int, int], np.ndarray]


def reflected(size: int, radius: int) -> np.ndarray:
    """The edge is repeated: cba|abcd|dcb."""
    at = np.abs(2 * (np.arange(size + 2 * radius) - radius) + 1) % (4 * size)
    return np.minimum(at, 4 * size - at) // 2


def clamped(size: int, radius: int) -> np.ndarray:
    """The edge goes on: aaa|abcd|ddd."""
    return np.clip(np.arange(size + 2 * radius) - radius, 0, size - 1)


def mirrored(size: int, radius: int) -> np.ndarray:
    """The edge is not repeated: dcb|abcd|cba."""
    if size == 1:
        return np.zeros(1 + 2 * radius, np.int64)
    at = np.abs(np.arange(size + 2 * radius) - radius) % (2 * (size - 1))
    return np.minimum(at, 2 * (size - 1) - at)


def gaussian(sigma: Any, widest: float) -> tf.Tensor:
    """As `gaussians.weights`: float64 [batch, ceil(3 * widest) + 1], from float64 [batch]."""
    distance = np.arange(int(np.ceil(3.0 * widest)) + 1, dtype=np.float64)
    narrow = tf.maximum(numbers(sigma), 0.05)[:, None]
    exponent = tf.maximum(-0.5 * (distance / narrow) ** 2, -600.0)
    heights = elementary.exponential(exponent, TENSORFLOW)
    heights = where(distance > tf.math.ceil(3.0 * narrow), 0.0, heights)
    return heights / (2.0 * tf.reduce_sum(heights, 1, keepdims=True) - heights[:, :1])


def convolve(images: tf.Tensor, weights: Any, padding: Padding) -> tf.Tensor:
    """Convolves float64 [batch, channels, height, width].

    Args:
        images: the channels.
        weights: float64 [batch or 1, radius + 1], from the centre outwards.
        padding: what lies outside.
    """
    radius = int(weights.shape[1]) - 1
    for axis in (3, 2):
        size = int(images.shape[axis])
        padded = tf.gather(images, padding(size, radius), axis=axis)
        # Negative, and subtracted: see `plus`.
        weighted = [
            times(-weights[:, away, None, None, None], padded) for away in range(radius + 1)
        ]
        begin, length = [0, 0, 0, 0], [-1, -1, -1, -1]
        total = tf.zeros_like(images)
        for tap in range(2 * radius + 1):
            begin[axis], length[axis] = tap, size
            total -= tf.slice(weighted[abs(tap - radius)], begin, length)
        images = total
    return images
