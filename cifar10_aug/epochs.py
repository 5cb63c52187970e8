"""How a `tf.data` pipeline knows which epoch it is in.

Iterating a dataset again, or `.repeat()`, must give epochs 0, 1, 2, …, and a restored checkpoint
must go on where it was. tf.data has one thing that changes from one iteration to the next and is
saved in checkpoints: the seed generator behind reshuffling. So each iteration reads a token from
a reseeded `RandomDatasetV2`, whose tokens form a fixed sequence; the epoch is the token's place in
it. The sequence is that of TensorFlow's Philox generator with fixed seeds, which `tokens` follows,
so the lookup needs no state and no call into TensorFlow.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug import draws

# Arbitrary and never changed: checkpoints hold positions in this sequence. Independent of the
# seeds that users set, so `tf.random.set_seed` does not matter.
_SEEDS = (0xC1FA_0010, 0x0A06_E20C)
_EPOCHS_A_TABLE = 4096
_MOST_TABLES = 1024
_EPOCHS_OF_GRAPHS = 16_384
_UNKNOWN = (
    "the pipeline's epoch cannot be told from its token: this TensorFlow draws other tokens than "
    "the releases that cifar10_aug supports (see its pyproject.toml), so install one of those"
)

_UNKNOWN_TO_GRAPHS = (
    f"the graph engine knows the first {_EPOCHS_OF_GRAPHS:,} iterations of a dataset: to go on, "
    "load it again with start_epoch. If there were fewer, this TensorFlow draws other tokens than "
    "the releases that cifar10_aug supports (see its pyproject.toml): install one of those"
)


def token() -> tf.data.Dataset:
    """A dataset of one element, int64 [2], which differs from one iteration to the next."""
    variant = tf.raw_ops.RandomDatasetV2(
        seed=_SEEDS[0],
        seed2=_SEEDS[1],
        seed_generator=tf.raw_ops.DummySeedGenerator(),
        rerandomize_each_iteration=True,
        output_types=[tf.int64],
        output_shapes=[[]],
    )
    numbers = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.int64))
    # An iterator that is made and never read counts as well. Opening this dataset lazily would
    # mend that, and break checkpoints: a lazily opened one is not saved.
    return numbers.take(2).batch(2, drop_remainder=True)


def epoch_of(token: np.ndarray) -> int:
    """The number, from 0, of the iteration that read `token`.

    Raises:
        RuntimeError: if it is none of the first four million.
    """
    sought = int(token[0]) << 32 | int(token[1])
    for table in range(_MOST_TABLES):
        if (epoch := _table(table).get(sought)) is not None:
            return epoch
    raise RuntimeError(f"{_UNKNOWN}, not {token.tolist()}")


def epoch_tensor(token: tf.Tensor) -> tf.Tensor:
    """`epoch_of` as a tensor, int64 []; it knows the first 16,384 iterations."""
    first, second = tokens(np.arange(_EPOCHS_OF_GRAPHS))
    known = tf.constant((first << draws.HALF | second).astype(np.int64))
    found = tf.where(known == tf.bitwise.left_shift(token[0], 32) + token[1])
    told = tf.debugging.Assert(tf.size(found) == 1, [_UNKNOWN_TO_GRAPHS, token])
    with tf.control_dependencies([told]):
        return tf.identity(found[0, 0])


@functools.lru_cache(maxsize=16)
def _table(number: int) -> dict[int, int]:
    epochs = np.arange(number * _EPOCHS_A_TABLE, (number + 1) * _EPOCHS_A_TABLE)
    first, second = tokens(epochs)
    joined = first << draws.HALF | second
    return dict(zip(joined.tolist(), epochs.tolist(), strict=True))


def tokens(epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of some epochs: uint64 [epochs], twice.

    TensorFlow's seed generator hands each iteration the next two words of its stream as seeds;
    the tokens are the first two words of the stream with those seeds. A stream with seeds (a, b)
    is Philox4x32-10 with key a and b in the upper half of the counter.
    """
    epochs = np.asarray(epochs).astype(np.uint64)
    words = _stream(np.uint64(_SEEDS[0]), np.uint64(_SEEDS[1]), epochs // np.uint64(2))
    odd = epochs % np.uint64(2) == 1
    seed, seed2 = (np.where(odd, words[2 + k], words[k]) for k in range(2))
    one, two, _, _ = _stream(seed, seed2, np.zeros_like(epochs))
    return one, two


def _stream(seed: Any, seed2: Any, block: Any) -> tuple[np.ndarray, ...]:
    zero = np.zeros_like(block)
    return draws.philox(block, zero, zero + seed2, zero, zero + seed, zero)
