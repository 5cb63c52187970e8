"""The order in which an epoch visits its examples."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.tensorflow.philox import philox
from cifar10_aug.rng.draws import ORDER_POSITION, POSITION_SHIFT


def shuffled(count: int, epoch: tf.Tensor, seed: int) -> tf.Tensor:
    """A permutation of 0 … count - 1, keyed by epoch and seed: int64 [count].

    Each place gets 62 random bits, and they are sorted; so does the eager engine.
    """
    blocks = tf.range(-(-count // 2), dtype=tf.int64)
    words = philox(blocks, epoch, np.int64(ORDER_POSITION << POSITION_SHIFT), seed)
    upper = [tf.bitwise.left_shift(word, 30) for word in (words[0], words[2])]
    lower = [tf.bitwise.right_shift(word, 2) for word in (words[1], words[3])]
    keys = [high + low for high, low in zip(upper, lower, strict=True)]
    drawn = tf.reshape(tf.stack(keys, 1), [-1])[:count]
    return tf.cast(tf.argsort(drawn, stable=True), tf.int64)
