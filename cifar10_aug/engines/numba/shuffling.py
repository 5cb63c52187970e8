"""The order in which an epoch visits its examples."""

from __future__ import annotations

import functools

import numpy as np


# Shared by all pipelines, since TensorFlow keeps what their functions refer to for ever.
@functools.lru_cache(maxsize=4)
def shuffled(count: int, epoch: int, seed: int) -> np.ndarray:
    """A permutation of 0 … count - 1, keyed by epoch and seed: int64 [count].

    Each place gets 62 random bits, and they are sorted; so does the graph engine.
    """
    from cifar10_aug.engines.numba.kernels import philox

    keys = philox.order_keys(count, np.uint64(epoch), np.uint64(seed))
    order: np.ndarray = philox.places_in_order(keys)
    order.flags.writeable = False
    return order
