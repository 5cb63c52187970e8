"""The blurs of CIFAR-10-C; see `kernels.blurs`, and `intensity` here."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.borders import clamped, mirrored
from cifar10_aug.engines.corruption_tables import disk_weights, motion_weights
from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.convolution import convolve, padded
from cifar10_aug.engines.tensorflow.filters import merged, separated
from cifar10_aug.engines.tensorflow.tensor_draws import TENSORFLOW, plus, times
from cifar10_aug.rng import elementary


def defocus(canvas: Canvas, radius: Any, sigma: Any) -> tf.Tensor:
    weights = disk_weights(float(radius), float(sigma))
    height, width, reach = canvas.height, canvas.width, len(weights) // 2
    wider = padded(padded(separated(canvas), 2, reach, mirrored), 3, reach, mirrored)
    # Negative, and subtracted: see `plus`.
    weighted = {weight: times(-weight, wider) for weight in np.unique(weights)}
    total = tf.zeros_like(wider[:, :, :height, :width])
    for y, line in enumerate(weights):
        for x, weight in enumerate(line):
            total -= weighted[weight][:, :, y : y + height, x : x + width]
    return merged(total + 0.5)


def move(canvas: Canvas, radius: Any, sigma: Any, degrees: Any) -> tf.Tensor:
    weights = motion_weights(float(radius), float(sigma))
    planes = separated(canvas)
    moved = [drag(planes[:, c], weights, degrees[:, 0]) for c in range(3)]
    return merged(tf.stack(moved, 1) + 0.5)


def drag(image: tf.Tensor, weights: np.ndarray, degrees: tf.Tensor) -> tf.Tensor:
    """Sums what lies along a line from each pixel of float64 [batch, height, width]."""
    height, width = int(image.shape[1]), int(image.shape[2])
    sine, cosine = elementary.sine_cosine(degrees, TENSORFLOW)
    flat = tf.reshape(image, [-1, height * width])
    y, x = np.arange(height), np.arange(width)
    total = tf.zeros_like(flat)
    for step, weight in enumerate(weights):
        right, down = (
            tf.cast(tf.math.ceil(along * step - 0.5), tf.int64)[:, None] for along in (cosine, sine)
        )
        at_y = tf.clip_by_value(y + down, 0, height - 1)
        at_x = tf.clip_by_value(x + right, 0, width - 1)
        at = tf.reshape(at_y[:, :, None] * width + at_x[:, None, :], [-1, height * width])
        total = plus(total, weight, tf.gather(flat, at, batch_dims=1))
    return tf.reshape(total, [-1, height, width])


def frost_glass(canvas: Canvas, sigma: Any, reach: Any, times: Any) -> tf.Tensor:
    weights = gaussians.weights(np.array([float(sigma)]), float(sigma), deviations=4.0)
    smooth = tf.floor(convolve(separated(canvas), weights, clamped))
    flat = tf.reshape(smooth, [-1, 3, canvas.height * canvas.width])
    shown = tf.gather(flat, _travelled(canvas, int(reach), int(times)), axis=2, batch_dims=1)
    planes = tf.reshape(shown, [-1, 3, canvas.height, canvas.width])
    return merged(convolve(planes, weights, clamped) + 0.5)


def _travelled(canvas: Canvas, reach: int, times: int) -> tf.Tensor:
    """From where each pixel has come in the end: int64 [batch, height * width]."""
    height, width = canvas.height, canvas.width
    visited = [
        (y, x)
        for _ in range(times)
        for y in range(height - reach, reach, -1)
        for x in range(width - reach, reach, -1)
    ]
    count = tf.shape(canvas.keys)[0]
    # Pixel by pixel, since each may take what an earlier one has taken: [pixels, batch].
    came_from = tf.repeat(tf.range(height * width, dtype=tf.int64)[:, None], count, axis=1)
    if not visited:
        return tf.transpose(came_from)
    words = canvas.noise(np.arange(len(visited)))
    far = [tf.bitwise.right_shift(word * (2 * reach), 32) - reach for word in words[:2]]
    pixels = np.array([y * width + x for y, x in visited])
    taken = tf.transpose(pixels + far[0] * width + far[1])
    each = tf.range(count, dtype=tf.int64)

    def take(step: tf.Tensor, came_from: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = tf.gather_nd(came_from, tf.stack([taken[step], each], 1))
        place = tf.reshape(tf.gather(pixels, step), [1, 1])
        return step + 1, tf.tensor_scatter_nd_update(came_from, place, found[None])

    _, came_from = tf.while_loop(
        lambda step, _: step < len(visited),
        take,
        (tf.constant(0), came_from),
        maximum_iterations=len(visited),
    )
    return tf.transpose(came_from)
