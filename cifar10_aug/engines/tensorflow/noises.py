"""Processes that add noise, drawn pixel by pixel; see `kernels.noises`, and `intensity` here."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.corruption_tables import cumulated_poisson
from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.pixels import as_levels, channels, joined
from cifar10_aug.engines.tensorflow.tensor_draws import divide, numbers, plus


def normal(canvas: Canvas) -> tuple[tf.Tensor, ...]:
    """A quantile of the normal distribution for red, green and blue of each pixel, float64."""
    size = canvas.height * canvas.width
    words = canvas.noise(np.arange(-(-size // 2)))
    right, mask = tf.bitwise.right_shift, 0xFFFF
    # A block of four words serves two pixels, with two 16-bit halves to spare.
    halves = [
        (tf.bitwise.bitwise_and(one, mask), right(one, 16), tf.bitwise.bitwise_and(two, mask))
        for one, two in ((words[0], words[1]), (words[2], words[3]))
    ]
    table = tf.constant(gaussians.quantiles())
    return tuple(
        tf.gather(table, in_order([even, odd], size)) for even, odd in zip(*halves, strict=True)
    )


def in_order(lanes: list[tf.Tensor], size: int) -> tf.Tensor:
    """Lanes [batch, blocks] by turns, [batch, size]."""
    return tf.reshape(tf.stack(lanes, -1), [tf.shape(lanes[0])[0], -1])[:, :size]


def add_normal(canvas: Canvas, sigma: Any) -> tf.Tensor:
    pairs = zip(channels(canvas.pixels), normal(canvas), strict=True)
    return joined(*(as_levels(plus(numbers(c), sigma, drawn) + 0.5) for c, drawn in pairs))


def salt_and_pepper(canvas: Canvas, share: Any) -> tf.Tensor:
    words = canvas.noise(np.arange(canvas.height * canvas.width))
    flipped = int(share * 4294967296.0)
    made = []
    for levels, word in zip(channels(canvas.pixels), words[:3], strict=True):
        extreme = tf.where(word < flipped // 2, 255, 0)
        made.append(tf.where(word >= flipped, levels, extreme))
    return joined(*made)


def count_photons(canvas: Canvas, photons: Any) -> tf.Tensor:
    words = canvas.noise(np.arange(canvas.height * canvas.width))
    cumulated = tf.constant(cumulated_poisson(int(photons)).reshape(-1))
    most = int(photons)
    made = []
    for levels, word in zip(channels(canvas.pixels), words[:3], strict=True):
        at = (numbers(word) + 0.5) * (1 / 4294967296.0)
        low, high = tf.zeros_like(levels), tf.fill(tf.shape(levels), most)
        for _ in range(most.bit_length()):
            middle = (low + high) // 2
            entry = tf.gather(cumulated, levels * most + tf.minimum(middle, most - 1))
            above = (entry < at) & (low < high)
            low, high = tf.where(above, middle + 1, low), tf.where(above, high, middle)
        made.append(as_levels(divide(numbers(low) * 255.0, float(most)) + 0.5))
    return joined(*made)


def whiten_or_blacken(canvas: Canvas, share: Any) -> tf.Tensor:
    size = canvas.height * canvas.width
    word = in_order(list(canvas.noise(np.arange(-(-size // 4)))), size)
    changed = tf.cast(numbers(share) * 4294967296.0, tf.int64)
    extreme = tf.where(word < changed // 2, 0xFFFFFF, 0)
    return tf.where(word < changed, extreme, canvas.pixels)
