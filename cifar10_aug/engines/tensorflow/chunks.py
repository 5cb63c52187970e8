"""Works on some examples at a time, so that what is between two ops stays in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from cifar10_aug._compat import xla_tracing

# As many images as have so many pixels, of which an op's tensors have 16 bytes each at most.
# TensorFlow keeps tensors of 256 KB or more in memory that threads share, and one waits for what
# another has written there: in some processes, pipelines then take half as long again.
PIXELS = 1 << 13


def in_chunks(
    run: Callable[..., tf.Tensor], at_once: bool, pixels: tf.Tensor, *given: Any
) -> tf.Tensor:
    """What `run` makes of packed images, some at a time.

    XLA keeps nothing between ops, and gets all of them.

    Args:
        run: takes images and what is given with them, and returns as many images.
        at_once: whether it gets all of them in any case.
        pixels: packed, int32 [batch, size].
        *given: nested tensors [batch, …], and constants.

    Returns:
        int32 [batch, size].
    """
    count, size = pixels.shape
    most = max(1, PIXELS // size)
    if at_once or xla_tracing.compiled() or (count is not None and count <= most):
        return run(pixels, *given)
    steps, by = -(-tf.shape(pixels)[0] // most), tf.constant([1])
    # Shapes that are known take no ops.
    alike = most if count is not None and count % most == 0 else None

    def step(number: tf.Tensor, made: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        first = tf.expand_dims(number * most, 0)
        stop = first + most

        def chunk(one: Any) -> Any:
            if not isinstance(one, tf.Tensor):
                return one
            some = tf.strided_slice(one, first, stop, by)
            some.set_shape([alike, *one.shape[1:]])
            return some

        return number + 1, made.write(number, run(*tf.nest.map_structure(chunk, (pixels, *given))))

    made = tf.TensorArray(tf.int32, steps, element_shape=[None, size], infer_shape=False)
    _, made = tf.while_loop(
        lambda number, _: number < steps, step, (tf.constant(0), made), parallel_iterations=1
    )
    return tf.ensure_shape(made.concat(), pixels.shape)
