"""Processes that make other levels of an image's levels; see `kernels.tones`.

Each takes a canvas and its numbers, float64 [batch, 1] or Python's, and returns packed pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.pixels import as_levels, channels, grey, joined, read_own
from cifar10_aug.engines.tensorflow.tensor_draws import divide, numbers, plus, times

_LEVELS = 256


def _mean(levels: tf.Tensor) -> tf.Tensor:
    """float64 [batch, 1]."""
    total = tf.reduce_sum(tf.cast(levels, tf.int64), 1, keepdims=True)
    return divide(total, float(levels.shape[1]))


def contrast(canvas: Canvas, factor: Any) -> tf.Tensor:
    levels = channels(canvas.pixels)
    mean = tf.floor(_mean(grey(*levels)) + 0.5)
    return joined(*(as_levels(mean + times(factor, numbers(c) - mean)) for c in levels))


def channel_contrast(canvas: Canvas, factor: Any) -> tf.Tensor:
    made = []
    for levels in channels(canvas.pixels):
        mean = _mean(levels)
        made.append(as_levels(plus(mean, factor, numbers(levels) - mean) + 0.5))
    return joined(*made)


def autocontrast(canvas: Canvas) -> tf.Tensor:
    made = []
    for levels in channels(canvas.pixels):
        low = numbers(tf.reduce_min(levels, 1, keepdims=True))
        high = numbers(tf.reduce_max(levels, 1, keepdims=True))
        stretched = high > low
        scale = tf.where(stretched, 255.0 / tf.maximum(high - low, 1.0), 1.0)
        offset = tf.where(stretched, times(-low, scale), 0.0)
        made.append(as_levels(times(numbers(levels), scale) + offset))
    return joined(*made)


def equalize(canvas: Canvas) -> tf.Tensor:
    return joined(*(_equalized(levels) for levels in channels(canvas.pixels)))


def _equalized(levels: tf.Tensor) -> tf.Tensor:
    count, size = tf.shape(levels)[0], int(levels.shape[1])
    places = levels + _LEVELS * tf.range(count)[:, None]
    ones = tf.ones_like(levels)
    counts = tf.math.unsorted_segment_sum(ones, places, count * _LEVELS)
    counts = tf.reshape(counts, [count, _LEVELS])
    high = tf.reduce_max(levels, 1, keepdims=True)
    at_high = tf.gather(counts, high, batch_dims=1)
    step = (size - at_high) // 255
    below = step // 2 + tf.cumsum(counts, 1, exclusive=True)
    unchanged = (step == 0) | (tf.reduce_min(levels, 1, keepdims=True) == high)
    table = tf.minimum(below // tf.maximum(step, 1), 255)
    table = tf.where(unchanged, np.arange(_LEVELS, dtype=np.int32), table)
    return read_own(table, levels)


def channel_shift(canvas: Canvas, by: Any) -> tf.Tensor:
    levels = channels(canvas.pixels)
    every = tf.concat(levels, 1)
    low = numbers(tf.reduce_min(every, 1, keepdims=True))
    high = numbers(tf.reduce_max(every, 1, keepdims=True))
    return joined(*(as_levels(tf.clip_by_value(numbers(c) + by, low, high)) for c in levels))


def rgb_shift(canvas: Canvas, *shifts: Any) -> tf.Tensor:
    pairs = zip(channels(canvas.pixels), shifts, strict=True)
    return joined(*(as_levels(numbers(c) + by) for c, by in pairs))
