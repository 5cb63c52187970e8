"""Convolution of channels with symmetric kernels, sideways and then downwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import xla_tracing
from cifar10_aug.engines.tensorflow.tensor_draws import TENSORFLOW, numbers, settled, where
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


def convolve(images: tf.Tensor, weights: tf.Tensor, border: Border) -> tf.Tensor:
    """Convolves float64 [batch, channels, height, width].

    Args:
        images: the channels.
        weights: float64 [batch or 1, radius + 1], from the centre outwards.
        border: what lies outside.
    """
    count, (channels, height, width) = tf.shape(images)[0], images.shape[1:]
    columns = tf.unstack(tf.transpose(weights))

    def spread(numbers: int) -> list[tf.Tensor]:
        """Each weight as often as an image has numbers."""
        whole = [count, numbers]
        return [tf.reshape(tf.broadcast_to(one[:, None], whole), [-1]) for one in columns]

    if xla_tracing.compiled():
        by_image = [one[:, None, None, None] for one in columns]
        return _along(_along(images, 3, by_image, border), 2, by_image, border)
    # Whole lines are added up, of all images.
    across = tf.transpose(tf.reshape(images, [-1, width]))
    across = _along(across, 0, spread(channels * height), border)
    down = tf.transpose(tf.reshape(across, [width, -1, height]), [2, 1, 0])
    down = _along(tf.reshape(down, [height, -1]), 0, spread(channels * width), border)
    made = tf.transpose(tf.reshape(down, [height, -1, width]), [1, 0, 2])
    return tf.reshape(made, [-1, channels, height, width])


def _along(lines: tf.Tensor, axis: int, weights: list[tf.Tensor], border: Border) -> tf.Tensor:
    """Convolves float64 along an axis, with weights from the centre outwards."""
    size, radius = int(lines.shape[axis]), len(weights) - 1
    wider = _kept(padded(lines, axis, radius, border))
    # Negative, and subtracted: see `plus`.
    weighted = [-weight * wider for weight in weights]
    if xla_tracing.compiled():
        weighted = [settled(product) for product in weighted]
    total = tf.zeros_like(lines)
    for tap in range(2 * radius + 1):
        within = (*[slice(None)] * axis, slice(tap, tap + size))
        total -= weighted[abs(tap - radius)][within]
    return total


def _kept(x: tf.Tensor) -> tf.Tensor:
    """float64, which XLA computes once."""
    return tf.bitcast(xla_tracing.kept(tf.bitcast(x, tf.int64)), tf.float64)
