"""The order in which an epoch visits its examples."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from cifar10_aug.rng.draws import HALF, ORDER_POSITION, POSITION_SHIFT


def shuffled(count: int, epoch: tf.Tensor, seed: int) -> tf.Tensor:
    """A permutation of 0 … count - 1, keyed by epoch and seed: int64 [count].

    Each place gets 62 random bits, and they are sorted; so does the eager engine.
    """
    # The counter's first word, the number of a block, counts up by itself.
    position = np.uint64(ORDER_POSITION << POSITION_SHIFT) << HALF
    counter = tf.stack([tf.zeros_like(epoch), epoch + position.astype(np.int64)])
    words = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[-(-count // 2), 2, 2],
        key=np.array([seed], np.uint64),
        counter=tf.bitcast(counter, tf.uint64),
        alg=tf.random.Algorithm.PHILOX.value,
        dtype=tf.uint32,
    )
    upper, lower = tf.unstack(tf.cast(words, tf.int64), axis=-1)
    keys = tf.bitwise.left_shift(upper, 30) + tf.bitwise.right_shift(lower, 2)
    return tf.cast(tf.argsort(tf.reshape(keys, [-1])[:count], stable=True), tf.int64)
