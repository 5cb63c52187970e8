import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from cifar10_aug.engines.tensorflow import philox
from cifar10_aug.rng import draws

WORD = st.integers(0, 2**32 - 1)


@given(st.integers(0, 2**64 - 1), WORD, WORD, st.lists(WORD, min_size=1, max_size=5))
def test_words_are_those_of_the_eager_engine(
    seed: int, epoch: int, counter: int, numbers: list[int]
) -> None:
    keys = draws.example_keys(numbers, "test")
    half, mask = draws.HALF, draws.MASK
    expected = draws.philox(
        keys & mask,
        keys >> half,
        np.uint64(epoch),
        np.uint64(counter),
        np.uint64(seed) & mask,
        np.uint64(seed) >> half,
    )
    found = philox.philox(
        tf.constant(keys.astype(np.int64)),
        tf.constant(epoch, tf.int64),
        tf.constant(counter, tf.int64),
        seed,
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.numpy().astype(np.uint64) == theirs).all()
