"""Random words in TensorFlow: those of `draws.philox`, for whole batches at once.

Words are int64 tensors that hold 32 bits, since few devices multiply unsigned integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.rng import draws

# Of 64 bits, also where TensorFlow behaves like NumPy and takes a Python number for one of 32.
MASK, _HALF = np.int64(draws.MASK), np.int64(draws.HALF)
_CONSTANTS = MASK, _HALF, np.int64(draws.MULTIPLIER_0), np.int64(draws.MULTIPLIER_1)


def upper(product: Any) -> Any:
    """The upper 32 bits of a 64-bit product, whose sign is one of them."""
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(product, _HALF), MASK)


def lower(product: Any) -> Any:
    """The lower 32 bits."""
    return tf.bitwise.bitwise_and(product, MASK)


def philox(
    keys: tf.Tensor, epoch: Any, counter: Any, seed: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Four random words for each key, epoch and counter, which broadcast.

    Args:
        keys: int64, as `draws.example_keys` makes them.
        epoch: int64.
        counter: int64, the last word of Philox's counter.
        seed: 0 to 2**64 - 1.

    Returns:
        Four int64 tensors of 32-bit words.
    """
    xor, right = tf.bitwise.bitwise_xor, tf.bitwise.right_shift
    # Constants are made once each, since a pipeline takes time to start by the node.
    mask, half, multiplier_0, multiplier_1 = (tf.constant(one) for one in _CONSTANTS)
    rounds = np.arange(10, dtype=np.uint64)
    round_keys = (
        np.uint64(seed & int(MASK)) + rounds * np.uint64(draws.WEYL_0),
        np.uint64(seed >> int(_HALF)) + rounds * np.uint64(draws.WEYL_1),
    )
    keys_0, keys_1 = (tf.unstack((each & draws.MASK).astype(np.int64)) for each in round_keys)
    c0, c1, c2, c3 = lower(keys), right(keys, half), epoch, counter
    for key_0, key_1 in zip(keys_0, keys_1, strict=True):
        product_0, product_1 = c0 * multiplier_0, c2 * multiplier_1
        # Words that are not multiplied keep what is above their 32 bits.
        c0 = tf.bitwise.bitwise_and(xor(xor(right(product_1, half), c1), key_0), mask)
        c2 = tf.bitwise.bitwise_and(xor(xor(right(product_0, half), c3), key_1), mask)
        c1, c3 = product_1, product_0
    return c0, lower(c1), c2, lower(c3)
