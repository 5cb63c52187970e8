"""Works on some examples at a time, so that what is between two ops stays in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from cifar10_aug._compat import xla_tracing

# As many images as have so many pixels.
_PIXELS = 1 << 15


def in_chunks(run: Callable[..., tf.Tensor], pixels: tf.Tensor, *given: Any) -> tf.Tensor:
    """What `run` makes of packed images, some at a time.

    XLA, which needs no memory between ops, gets all of them at once.

    Args:
        run: takes images and what is given with them, and returns as many images.
        pixels: packed, int32 [batch, size].
        *given: nested tensors [batch, …], and constants.

    Returns:
        int32 [batch, size].
    """
    size = int(pixels.shape[1])
    at_once = max(1, _PIXELS // size)
    few = pixels.shape[0] is not None and pixels.shape[0] <= at_once
    if few or xla_tracing.compiled():
        return run(pixels, *given)
    steps = -(-tf.shape(pixels)[0] // at_once)

    def step(number: tf.Tensor, made: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        chunk = slice(number * at_once, (number + 1) * at_once)
        own = tf.nest.map_structure(
            lambda one: one[chunk] if isinstance(one, tf.Tensor) else one, (pixels, *given)
        )
        return number + 1, made.write(number, run(*own))

    made = tf.TensorArray(tf.int32, steps, element_shape=[None, size], infer_shape=False)
    _, made = tf.while_loop(
        lambda number, _: number < steps, step, (tf.constant(0), made), parallel_iterations=1
    )
    return tf.ensure_shape(made.concat(), pixels.shape)
