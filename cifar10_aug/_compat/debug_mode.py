"""For TensorFlow 2.21: datasets that are made in functions, in tf.data's debug mode.

The mode calls a pipeline's functions in Python, again and again. TensorFlow keeps the Python
functions of a dataset that is made in such a call only until the garbage collector runs, and then
fails: "Could not find callback". The functions of the pipeline itself, and what they refer to, it
keeps for ever. This can go when functions live as long as the iterators that need them; until then
tests/test_settings.py and tests/test_dropped.py fail without it.
"""

from __future__ import annotations

import collections
import functools
import weakref
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.data.ops import debug_mode

# More datasets than anybody reads at once from one function.
_MOST = 32


def flat_map(dataset: tf.data.Dataset, make: Callable[..., tf.data.Dataset]) -> tf.data.Dataset:
    """`dataset.flat_map(make)`; what `make` refers to and has made lives as long as that."""
    if not debug_mode.DEBUG_MODE:
        return dataset.flat_map(make)
    held: list[Any] = [make]
    made: collections.deque[tf.data.Dataset] = collections.deque(maxlen=_MOST)

    @functools.wraps(make)
    def keeping(*args: Any) -> tf.data.Dataset:
        made.append(held[0](*args))
        return made[-1]

    # Not what it wraps, which only `held` may refer to.
    del keeping.__wrapped__
    mapped = dataset.flat_map(keeping)
    for kept in (held, made):
        weakref.finalize(mapped, kept.clear).atexit = False
    return mapped
