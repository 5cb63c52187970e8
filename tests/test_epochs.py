import re
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug import epochs


def test_the_tokens_of_tensorflow_are_the_ones_we_expect() -> None:
    clock = epochs.token()
    read = [next(iter(clock)).numpy().tolist() for _ in range(20)]
    one, two = epochs.tokens(np.arange(20))
    assert read == np.stack([one, two], axis=1).astype(np.int64).tolist()


def test_each_iteration_is_the_next_epoch() -> None:
    clock = epochs.token()
    assert [epochs.epoch_of(next(iter(clock)).numpy()) for _ in range(5)] == [0, 1, 2, 3, 4]


def test_repeating_counts_on() -> None:
    repeated = epochs.token().repeat(4)
    assert [epochs.epoch_of(token) for token in repeated.as_numpy_iterator()] == [0, 1, 2, 3]


def test_each_dataset_counts_for_itself() -> None:
    first, second = epochs.token(), epochs.token()
    next(iter(first))
    assert epochs.epoch_of(next(iter(second)).numpy()) == 0


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_the_users_seed_does_not_matter(seed: int) -> None:
    tf.random.set_seed(seed)
    try:
        clock = epochs.token()
        assert [epochs.epoch_of(next(iter(clock)).numpy()) for _ in range(3)] == [0, 1, 2]
    finally:
        tf.random.set_seed(0)


def test_late_epochs_are_found() -> None:
    one, two = epochs.tokens(np.array([10_000, 4095, 4096]))
    found = [epochs.epoch_of(np.array(pair)) for pair in zip(one, two, strict=True)]
    assert found == [10_000, 4095, 4096]


def test_a_token_of_no_epoch_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "_MOST_TABLES", 2)
    with pytest.raises(RuntimeError, match=r"the pipeline's epoch cannot be told from its token"):
        epochs.epoch_of(np.array([1, 2]))


def test_graphs_count_like_python() -> None:
    for epoch in (0, 1, 2, 77, 16_383):
        token = np.array([int(word) for word in epochs.tokens(np.array(epoch))])
        assert int(epochs.epoch_tensor(tf.constant(token))) == epochs.epoch_of(token) == epoch


def test_graphs_say_when_they_do_not_know_the_epoch() -> None:
    token = np.array([int(word) for word in epochs.tokens(np.array(16_384))])
    message = (
        "the graph engine knows the first 16,384 iterations of a dataset: to go on, load it again "
        "with start_epoch. If there were fewer, this TensorFlow draws other tokens than the "
        "releases that cifar10_aug supports (see its pyproject.toml): install one of those"
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(message)):
        epochs.epoch_tensor(tf.constant(token))


@pytest.mark.parametrize("engine", ["eager", pytest.param("graph", marks=pytest.mark.slow)])
@pytest.mark.parametrize("at_once", ["by hand", "in threads"])
def test_iterators_at_once_are_epochs_of_their_own(
    engine: str, at_once: str, data_dir: str
) -> None:
    """Each iterator is one epoch, whole, from the moment it is opened."""

    def load() -> Any:
        return tfds.load(
            "cifar10_aug/flip+erase",
            split="train[:50]",
            batch_size=16,
            shuffle_files=True,
            data_dir=data_dir,
            builder_kwargs={"engine": engine},
        )

    alone = load()
    epochs = [pictures(iter(alone)) for _ in range(4)]
    assert len({tuple(epoch) for epoch in epochs}) == 4
    ds = load()
    if at_once == "by hand":
        iterators = [iter(ds) for _ in range(4)]
        turns = [[next(iterator) for iterator in iterators] for _ in range(4)]
        assert [pictures(batches) for batches in zip(*turns, strict=True)] == epochs
        return
    found: list[list[bytes]] = []
    together = threading.Barrier(4)

    def read() -> None:
        together.wait()
        found.append(pictures(iter(ds)))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Which thread opens first is chance.
    assert sorted(found) == sorted(epochs)


def pictures(batches: Iterable[Any]) -> list[bytes]:
    """Ids and images, in order."""
    return [batch[name].numpy().tobytes() for batch in batches for name in ("image", "label")]
