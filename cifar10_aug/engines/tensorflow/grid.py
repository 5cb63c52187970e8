"""Squares at even distances; see `kernels.grid`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.pixels import joined


def mask_grid(canvas: Canvas, unit: Any, kept: Any, top: Any, left: Any, level: Any) -> tf.Tensor:
    def between(size: int, begin: Any) -> tf.Tensor:
        places = tf.range(size, dtype=tf.int64)[None] - tf.cast(begin, tf.int64)
        return tf.math.floormod(places, tf.cast(unit, tf.int64)) >= tf.cast(kept, tf.int64)

    rows, columns = between(canvas.height, top), between(canvas.width, left)
    painted = tf.reshape(rows[:, :, None] & columns[:, None, :], tf.shape(canvas.pixels))
    colour = tf.cast(level, tf.int32)
    return tf.where(painted, joined(colour, colour, colour), canvas.pixels)
