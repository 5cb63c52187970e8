"""The order in which an epoch visits its examples."""

from __future__ import annotations

import numpy as np


def shuffled(count: int, epoch: int, seed: int) -> np.ndarray:
    """A permutation of 0 … count - 1, keyed by epoch and seed: int64 [count].

    Each place gets 62 random bits, and they are sorted; so does the graph engine.
    """
    from cifar10_aug.engines.numba.kernels import philox

    keys = philox.order_keys(count, np.uint64(epoch), np.uint64(seed))
    return np.argsort(keys, kind="stable")
