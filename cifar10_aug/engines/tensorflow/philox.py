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
_MULTIPLIERS = np.array([draws.MULTIPLIER_0, draws.MULTIPLIER_1], np.int64)


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
    xor = tf.bitwise.bitwise_xor
    c0, c1, c2, c3 = lower(keys), upper(keys), epoch, counter
    k0, k1 = seed & int(MASK), seed >> int(_HALF)
    for _ in range(10):
        product_0, product_1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            xor(xor(upper(product_1), c1), np.int64(k0)),
            lower(product_1),
            xor(xor(upper(product_0), c3), np.int64(k1)),
            lower(product_0),
        )
        k0, k1 = (k0 + draws.WEYL_0) & int(MASK), (k1 + draws.WEYL_1) & int(MASK)
    return c0, c1, c2, c3
