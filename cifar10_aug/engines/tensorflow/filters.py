"""Processes that look at a pixel's neighbours; see `kernels.filters`, and `intensity` here."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.borders import reflected
from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.convolution import convolve, gaussian
from cifar10_aug.engines.tensorflow.pixels import as_levels, channels, joined
from cifar10_aug.engines.tensorflow.tensor_draws import numbers, times


def sharpen(canvas: Canvas, factor: Any) -> tf.Tensor:
    size = canvas.height * canvas.width
    inner = np.zeros((canvas.height, canvas.width), bool)
    inner[1:-1, 1:-1] = True
    reach = canvas.width + 1
    made = []
    for levels in channels(canvas.pixels):
        padded = tf.pad(levels, [[0, 0], [reach, reach]])
        total = 4 * levels
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                first = reach + dy * canvas.width + dx
                total += padded[:, first : first + size]
        smooth = numbers((2 * total + 13) // 26)
        made.append(as_levels(smooth + times(factor, numbers(levels) - smooth)))
    return tf.where(inner.reshape(-1), joined(*made), canvas.pixels)


def blur(canvas: Canvas, sigma: Any, widest: Any) -> tf.Tensor:
    weights = gaussian(sigma[:, 0], float(widest))
    return merged(convolve(separated(canvas), weights, reflected) + 0.5)


def separated(canvas: Canvas) -> tf.Tensor:
    """float64 [batch, 3, height, width]."""
    planes = numbers(tf.stack(channels(canvas.pixels), 1))
    return tf.reshape(planes, [-1, 3, canvas.height, canvas.width])


def merged(planes: tf.Tensor) -> tf.Tensor:
    """Packed pixels of float64 [batch, 3, height, width], fractions cut off."""
    size = int(planes.shape[2]) * int(planes.shape[3])
    levels = tf.reshape(as_levels(planes), [-1, 3, size])
    return joined(levels[:, 0], levels[:, 1], levels[:, 2])
