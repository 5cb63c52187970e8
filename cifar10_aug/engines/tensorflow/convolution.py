"""Convolution of channels with symmetric kernels, sideways and then downwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.tensorflow.tensor_draws import TENSORFLOW, numbers, times, where
from cifar10_aug.rng import elementary

# Which pixels of a line are read; see `engines.borders`.
Border = Callable[[np.ndarray, int], np.ndarray]


def padded(images: tf.Tensor, axis: int, radius: int, border: Border) -> tf.Tensor:
    """With `radius` more pixels at both ends of an axis."""
    size = int(images.shape[axis])
    return tf.gather(images, border(np.arange(-radius, size + radius), size), axis=axis)


def gaussian(sigma: Any, widest: float) -> tf.Tensor:
    """As `gaussians.weights`: float64 [batch, ceil(3 * widest) + 1], from float64 [batch]."""
    distance = np.arange(int(np.ceil(3.0 * widest)) + 1, dtype=np.float64)
    narrow = tf.maximum(numbers(sigma), 0.05)[:, None]
    exponent = tf.maximum(-0.5 * (distance / narrow) ** 2, -600.0)
    heights = elementary.exponential(exponent, TENSORFLOW)
    heights = where(distance > tf.math.ceil(3.0 * narrow), 0.0, heights)
    return heights / (2.0 * tf.reduce_sum(heights, 1, keepdims=True) - heights[:, :1])


def convolve(images: tf.Tensor, weights: Any, border: Border) -> tf.Tensor:
    """Convolves float64 [batch, channels, height, width].

    Args:
        images: the channels.
        weights: float64 [batch or 1, radius + 1], from the centre outwards.
        border: what lies outside.
    """
    radius = int(weights.shape[1]) - 1
    for axis in (3, 2):
        size = int(images.shape[axis])
        wider = padded(images, axis, radius, border)
        # Negative, and subtracted: see `plus`.
        weighted = [times(-weights[:, away, None, None, None], wider) for away in range(radius + 1)]
        begin, length = [0, 0, 0, 0], [-1, -1, -1, -1]
        total = tf.zeros_like(images)
        for tap in range(2 * radius + 1):
            begin[axis], length[axis] = tap, size
            total -= tf.slice(weighted[abs(tap - radius)], begin, length)
        images = total
    return images
