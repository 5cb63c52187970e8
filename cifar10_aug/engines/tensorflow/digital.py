"""Coarser pixels; see `kernels.digital`, and `intensity` here."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.corruption_tables import box_blocks
from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.pixels import channels, joined


def pixelate(canvas: Canvas, share: Any) -> tf.Tensor:
    height, width = canvas.height, canvas.width
    small_height, small_width = max(1, int(height * share)), max(1, int(width * share))
    made = []
    for levels in channels(canvas.pixels):
        image = tf.reshape(levels, [-1, height, width])
        small = _averaged(
            _averaged(image, box_blocks(width, small_width), 2), box_blocks(height, small_height), 1
        )
        shown = tf.gather(small, box_blocks(small_height, height)[:, 0], axis=1)
        shown = tf.gather(shown, box_blocks(small_width, width)[:, 0], axis=2)
        made.append(tf.reshape(shown, [-1, height * width]))
    return joined(*made)


def _averaged(image: tf.Tensor, blocks: np.ndarray, axis: int) -> tf.Tensor:
    """The rounded mean of each block of lines."""
    lengths = blocks[:, 1] - blocks[:, 0]
    total: Any = 0
    for place in range(lengths.max()):
        there = np.minimum(blocks[:, 0] + place, blocks[:, 1] - 1)
        within = (place < lengths).astype(np.int32)
        total += tf.gather(image, there, axis=axis) * _lined_up(within, axis)
    counts = _lined_up(lengths.astype(np.int32), axis)
    return (2 * total + counts) // (2 * counts)


def _lined_up(values: np.ndarray, axis: int) -> np.ndarray:
    return values[:, None] if axis == 1 else values
