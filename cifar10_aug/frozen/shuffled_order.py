"""The order in which TensorFlow shuffles frozen epochs, computed without it.

`reading.dataset` draws a number each time it is read (`Dataset.random`), shuffles the files by it,
and then the records within a window (`Dataset.shuffle`). How TensorFlow 2.21 does both is in its
tensorflow/python/framework/random_seed.py and tensorflow/core/kernels/data/random_dataset_op.cc and
shuffle_dataset_op.cc; the words are those of Philox4x32-10.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifar10_aug.rng import draws

# A copy of the training split, as bytes: 160 MB.
WINDOW = 50_000
# What TensorFlow seeds datasets with besides their own seeds, which it takes modulo the latter.
_GRAPH_SEED, _SEED_MODULUS = 87654321, 2**31 - 1


def order(lengths: Sequence[int], epoch: int, seed: int) -> np.ndarray:
    """The numbers of records in the order of an epoch: int64 [records].

    Args:
        lengths: of the pieces of files, in order.
        epoch: how often they have been read before.
        seed: of the order, 0 to 2**63 - 1.
    """
    first, second = _words(_GRAPH_SEED, seed % _SEED_MODULUS, 2 * epoch + 2)[-2:]
    number = int(_words(int(first), int(second), 1)[0])
    starts = np.cumsum([0, *lengths])
    files = _shuffled(np.arange(len(lengths)), len(lengths), number + 1)
    records = np.concatenate([np.arange(starts[file], starts[file + 1]) for file in files])
    return _shuffled(records, min(WINDOW, len(records)), number)


def _shuffled(values: np.ndarray, window: int, seed: int) -> np.ndarray:
    """What `Dataset.shuffle` makes of values with the seeds 1 and `seed`."""
    words = _words(1, seed, len(values)).tolist()
    waiting, following = values[:window].tolist(), iter(values[window:].tolist())
    made, count = [], window
    for first, word in enumerate(words):
        # The values that wait are a ring, which begins at `first`.
        chosen, place = (first + word % count) % window, first % window
        made.append(waiting[chosen])
        waiting[chosen] = waiting[place]
        value = next(following, None)
        if value is None:
            count -= 1
        else:
            waiting[place] = value
    return np.array(made, np.int64)


def _words(seed: int, second_seed: int, count: int) -> np.ndarray:
    """The first words of TensorFlow's generator: uint64 [count]."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    c2, c3, k0, k1 = (
        np.full(len(blocks), number >> shift & int(draws.MASK), np.uint64)
        for number in (second_seed, seed)
        for shift in (0, 32)
    )
    words = draws.philox(blocks & draws.MASK, blocks >> draws.HALF, c2, c3, k0, k1)
    return np.stack(words, axis=1).reshape(-1)[:count]
