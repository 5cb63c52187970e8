"""For TensorFlow 2.21: whether XLA will compile what is being traced, and where it may not fuse.

On a CPU, XLA computes again for each pixel, and each of its bytes, what it takes to be cheap: ten
rounds of Philox, or a whole interpolation. This can go when it finds by itself what is dearer to
repeat than to keep. tests/engines/tensorflow/test_tracing.py fails if TensorFlow no longer says
what it traces for.
"""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python.ops import control_flow_util


def compiled() -> bool:
    """Whether the function that is being traced is one that XLA will compile.

    What is traced must run without XLA, too, since TensorFlow may use it again elsewhere.
    """
    graph = tf.compat.v1.get_default_graph()
    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(graph)


def kept(x: tf.Tensor) -> tf.Tensor:
    """Integers, which XLA computes once and keeps in memory for all that use them.

    It never repeats divisions; and that this one is by 1, only LLVM sees, which leaves it out.
    """
    if not compiled():
        return x
    one = tf.maximum(tf.minimum(x, tf.constant(0, x.dtype)), tf.constant(1, x.dtype))
    return tf.raw_ops.TruncateDiv(x=x, y=one)
