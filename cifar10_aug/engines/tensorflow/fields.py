"""Random displacements that are smooth."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.borders import reflected
from cifar10_aug.engines.fixed_point import FARTHEST, ONE
from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.convolution import convolve, gaussian
from cifar10_aug.engines.tensorflow.tensor_draws import divide, numbers
from cifar10_aug.ops.base import Displacement


def smooth(canvas: Canvas, wanted: Displacement) -> tuple[tf.Tensor, tf.Tensor]:
    """How far each pixel is displaced, right and down: 16.16, int32 [batch, height * width]."""
    height, width = canvas.height, canvas.width
    count = tf.shape(canvas.keys)[0]
    size = height * width
    # A block of four words serves two pixels.
    words = canvas.noise(np.arange(-(-size // 2)))
    axes = []
    for axis in range(2):
        drawn = tf.reshape(tf.stack([words[axis], words[2 + axis]], -1), [count, -1])[:, :size]
        axes.append(tf.reshape(divide(drawn, 2147483647.5) - 1.0, [count, height, width]))
    sigma = tf.broadcast_to(numbers(wanted.sigma), [count])
    alpha = tf.broadcast_to(numbers(wanted.alpha), [count])[:, None, None, None]
    noise = tf.ensure_shape(tf.stack(axes, 1), [None, 2, height, width])
    far = alpha * convolve(noise, gaussian(sigma, wanted.widest), reflected)
    far = tf.clip_by_value(tf.floor(far * ONE + 0.5), -FARTHEST, FARTHEST)
    made = tf.reshape(tf.cast(far, tf.int32), [count, 2, size])
    return made[:, 0], made[:, 1]
