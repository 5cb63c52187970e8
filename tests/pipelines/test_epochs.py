import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.pipelines import blocks, eager
from cifar10_aug.pipelines.epochs import Epochs, of_length, of_seeds

STEPS = 5


def counted(*, symbolic: bool = False, repeat: bool = False) -> tf.data.Dataset:
    """Epoch 0 has elements 0 to 4, epoch 1 has elements 100 to 104."""
    epochs = Epochs()

    def make(epoch: tf.Tensor) -> tf.data.Dataset:
        ds = tf.data.Dataset.range(STEPS)
        ds = ds.map(lambda number: 100 * epoch + number, num_parallel_calls=2)
        # Symbolic checkpoints restore a `flat_map` from the state before its present element.
        ds = ds.flat_map(lambda number: tf.data.Dataset.from_tensors(number))
        return ds.prefetch(tf.data.AUTOTUNE)

    ds = of_length(epochs.each(make), STEPS)
    options = tf.data.Options()
    options.experimental_symbolic_checkpoint = symbolic
    options.autotune.enabled = False
    ds = ds.with_options(options)
    return ds.repeat() if repeat else ds


def taken(iterator: Any, count: int) -> list[int]:
    return [int(next(iterator)) for _ in range(count)]


def epoch(number: int) -> list[int]:
    return list(range(100 * number, 100 * number + STEPS))


def test_each_reading_is_the_next_epoch() -> None:
    ds = counted()
    assert [list(ds.as_numpy_iterator()) for _ in range(4)] == [epoch(n) for n in range(4)]


def test_repeating_counts_on() -> None:
    assert list(counted().repeat(3).as_numpy_iterator()) == [*epoch(0), *epoch(1), *epoch(2)]


def test_each_dataset_counts_for_itself() -> None:
    first, second = counted(), counted()
    next(iter(first))
    assert next(iter(second)) == 0


def test_iterators_that_are_not_read_count_as_nothing() -> None:
    ds = counted()
    opened = [iter(ds) for _ in range(3)]
    assert list(ds.as_numpy_iterator()) == epoch(0)
    assert taken(opened[2], STEPS) == epoch(1)


def test_an_epoch_that_is_read_in_part_counts_as_one() -> None:
    ds = counted()
    next(iter(ds))
    assert list(ds.as_numpy_iterator()) == epoch(1)


def test_a_dataset_can_begin_at_a_later_epoch() -> None:
    assert list(Epochs(2**40).number().repeat(2).as_numpy_iterator()) == [2**40, 2**40 + 1]


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("repeat", [False, True])
def test_a_restored_dataset_goes_on_with_the_next_element_and_the_next_epoch(
    symbolic: bool, repeat: bool, tmp_path: Path
) -> None:
    ds = counted(symbolic=symbolic, repeat=repeat)
    list(ds.take(1))
    iterator = iter(ds)
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    saved = [checkpoint.write(str(tmp_path / "0"))]
    for read in range(1, STEPS + 1):
        taken(iterator, 1)
        saved.append(checkpoint.write(str(tmp_path / str(read))))
    for read, path in enumerate(saved):
        ds = counted(symbolic=symbolic, repeat=repeat)
        iterator = iter(ds)
        tf.train.Checkpoint(iterator=iterator).read(path).assert_consumed()
        # An iterator that was not read when it was saved has no epoch yet.
        own = 1 if read else 0
        assert taken(iterator, STEPS - read) == epoch(own)[read:]
        assert list(ds.take(STEPS).as_numpy_iterator()) == epoch(own + 1)


def test_going_back_to_a_checkpoint_goes_back_to_its_epoch(tmp_path: Path) -> None:
    ds = counted()
    iterator = iter(ds)
    taken(iterator, 2)
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    saved = checkpoint.write(str(tmp_path / "saved"))
    for _ in range(3):
        list(ds)
    checkpoint.read(saved)
    assert taken(iterator, 3) == epoch(0)[2:]
    assert list(ds.as_numpy_iterator()) == epoch(1)


def test_there_is_no_last_epoch() -> None:
    epochs = Epochs()
    numbers = epochs.number()
    epochs.next = 2**33
    assert list(numbers.as_numpy_iterator()) == [2**33]


@pytest.mark.parametrize("renewed", [True, False])
def test_orders_are_counted_when_they_are_read(renewed: bool) -> None:
    def make() -> tf.data.Dataset:
        def shuffled(seed: tf.Tensor) -> tf.data.Dataset:
            return tf.data.Dataset.range(50).shuffle(50, seed, reshuffle_each_iteration=False)

        return of_seeds(3, shuffled, renewed=renewed)

    ds, other = make(), make()
    orders = [list(ds.as_numpy_iterator()) for _ in range(3)]
    assert (orders[0] != orders[1]) == renewed
    unread = iter(other)
    assert [list(other.as_numpy_iterator()) for _ in range(2)] == orders[:2]
    assert [int(number) for number in unread] == orders[2]


def test_a_dataset_of_known_length_may_be_shorter() -> None:
    elements = tf.data.Dataset.from_tensor_slices({"a": np.zeros((6, 2)), "b": [b"x"] * 6})
    batches = elements.batch(4)
    ds = of_length(batches, 3)
    assert len(ds) == 3
    assert ds.element_spec == batches.element_spec
    assert len(list(ds)) == 2
    assert len(list(of_length(batches, 1))) == 1


@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_iterators_at_once_are_separate_epochs(engine: str, data_dir: str) -> None:
    """Each iterator is one epoch, whole, from the moment it is first read."""

    def load(engine: str) -> Any:
        return tfds.load(
            "cifar10_aug/brightness",
            split="train[:50]",
            batch_size=16,
            shuffle_files=True,
            data_dir=data_dir,
            builder_kwargs={"engine": engine},
        )

    alone = load("eager")
    epochs = [pictures(iter(alone)) for _ in range(6)]
    assert len({tuple(epoch) for epoch in epochs}) == 6
    ds = load(engine)
    iterators = [iter(ds) for _ in range(3)]
    turns = [[next(iterator) for iterator in iterators] for _ in range(4)]
    assert [pictures(batches) for batches in zip(*turns, strict=True)] == epochs[:3]
    found: list[list[bytes]] = []
    together = threading.Barrier(3)

    def read() -> None:
        together.wait()
        found.append(pictures(iter(ds)))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Which thread opens first is chance.
    assert sorted(found) == sorted(epochs[3:])


def pictures(batches: Iterable[Any]) -> list[bytes]:
    """Ids and images, in order."""
    return [batch[name].numpy().tobytes() for batch in batches for name in ("image", "label")]


def in_blocks(data_dir: str, *, symbolic: bool = False, start_step: int = 0) -> tf.data.Dataset:
    """What the eager engine makes in blocks of two, two and one batches."""
    options = tf.data.Options()
    options.experimental_symbolic_checkpoint = symbolic
    return tfds.load(
        "cifar10_aug/brightness",
        split="train[:18]",
        batch_size=4,
        shuffle_files=True,
        data_dir=data_dir,
        read_config=tfds.ReadConfig(options=options),
        builder_kwargs={"start_step": start_step},
    )


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_IMAGES_OF_THE_FIRST_CALL", 8)
    monkeypatch.setattr(eager, "_IMAGES_A_CALL", 8)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("symbolic", [False, True])
def test_a_restored_block_tells_its_epoch(symbolic: bool, data_dir: str, tmp_path: Path) -> None:
    ds = in_blocks(data_dir, symbolic=symbolic)
    passes = [pictures(ds) for _ in range(4)]
    ds = in_blocks(data_dir, symbolic=symbolic)
    assert pictures(ds) == passes[0]
    iterator, saved = iter(ds), []
    for read in range(1, 6):
        next(iterator)
        checkpoint = tf.train.Checkpoint(iterator=iterator)
        saved.append(checkpoint.write(str(tmp_path / str(read))))
    assert pictures(ds) == passes[2]
    for read, path in reversed([*enumerate(saved, 1)]):
        for one in (ds, in_blocks(data_dir, symbolic=symbolic)):
            iterator = iter(one)
            tf.train.Checkpoint(iterator=iterator).read(path).assert_consumed()
            # Others may be read meanwhile.
            assert pictures(one) == passes[2], (read, one is ds)
            assert pictures(iterator) == passes[1][2 * read :]
            assert pictures(one) == passes[3]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("start_step", range(5))
def test_an_epoch_that_begins_in_the_middle_has_fewer_blocks(
    start_step: int, data_dir: str
) -> None:
    whole, later = in_blocks(data_dir), in_blocks(data_dir, start_step=start_step)
    assert pictures(later) == pictures(whole)[2 * start_step :]
    assert pictures(later) == pictures(whole)


def test_epochs_that_are_left_in_the_middle_are_forgotten() -> None:
    epochs = Epochs()
    for number in range(3000):
        assert epochs.take() == number
    assert len(epochs._reached) == 1000
