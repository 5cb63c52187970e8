"""What people do with datasets of TFDS works with these, and so do checkpoints of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.errors import PythonOpError
from tests.registering import registered

Idiom = Callable[[tf.data.Dataset], tf.data.Dataset]
Element = list[bytes]

IDIOMS: dict[str, Idiom] = {
    "itself": lambda ds: ds,
    "take": lambda ds: ds.take(3),
    "skip": lambda ds: ds.skip(2),
    "map": lambda ds: ds.map(lambda image, label: (image // 2, label), num_parallel_calls=2),
    "zip": lambda ds: tf.data.Dataset.zip((ds, ds)),
    "concatenate": lambda ds: ds.concatenate(ds),
    "repeat": lambda ds: ds.repeat(3),
    "choose_from_datasets": lambda ds: tf.data.Dataset.choose_from_datasets(
        [ds, ds.take(2)], tf.data.Dataset.range(2).repeat(4)
    ),
    "sample_from_datasets": lambda ds: tf.data.Dataset.sample_from_datasets(
        [ds, ds.take(1)], [0.5, 0.5], seed=1, rerandomize_each_iteration=False
    ),
    "shard": lambda ds: ds.shard(2, 1),
    "enumerate": lambda ds: ds.enumerate(),
    "shuffle": lambda ds: ds.shuffle(3, seed=1, reshuffle_each_iteration=False),
    "window": lambda ds: ds.window(2).flat_map(lambda *each: tf.data.Dataset.zip(each)),
    "rebatch": lambda ds: ds.rebatch(3),
    "unbatch": lambda ds: ds.unbatch().batch(5, drop_remainder=True),
    "group_by_window": lambda ds: ds.unbatch().group_by_window(
        lambda _, label: label % 2, lambda _, members: members.batch(3), 3
    ),
    "unique": lambda ds: ds.map(lambda image, _: tf.reduce_sum(tf.cast(image, tf.int64))).unique(),
    "cache": lambda ds: ds.cache(),
    "ignore_errors": lambda ds: ds.ignore_errors(),
    "flat_map": lambda ds: tf.data.Dataset.range(2).flat_map(lambda _: ds),
    "interleave": lambda ds: tf.data.Dataset.range(2).interleave(lambda _: ds, cycle_length=2),
    "prefetch_to_device": lambda ds: ds.apply(tf.data.experimental.prefetch_to_device("/cpu:0")),
}
# Their iterators cannot be saved, whatever the dataset.
NOT_SAVED = {"prefetch_to_device"}
# Each iteration of these reads several epochs, or none but the first.
OTHER_EPOCHS = {
    *("zip", "concatenate", "repeat", "choose_from_datasets", "sample_from_datasets"),
    *("cache", "flat_map", "interleave"),
}
# These read ahead: if they have read an epoch to its end when they are saved, its number is lost.
READ_AHEAD = {"map", "shuffle", "group_by_window"}
# What reads in part, at once, again, or ahead: enough to tell that another pipeline has the same
# states, since idioms see nothing else of it.
TELLING = ("take", "zip", "repeat", "shuffle")
EACH = [*(("eager", idiom) for idiom in IDIOMS), *(("graph", idiom) for idiom in TELLING)]


def load(data_dir: str, recipe: str, engine: str = "eager") -> tf.data.Dataset:
    return tfds.load(
        f"cifar10_aug/{recipe}",
        split="train[:24]",
        batch_size=4,
        as_supervised=True,
        data_dir=data_dir,
        builder_kwargs={"engine": engine},
    )


def stock(data_dir: str) -> tf.data.Dataset:
    builder = tfds.builder_from_directory(f"{data_dir}/cifar10_aug/plain/1.0.0")
    return builder.as_dataset(split="train[:24]", batch_size=4, as_supervised=True)


def flat(element: Any) -> Element:
    return [np.asarray(part).tobytes() for part in tf.nest.flatten(element)]


def elements(ds: Any) -> list[Element]:
    return [flat(element) for element in itertools.islice(ds, 30)]


@pytest.mark.parametrize(("engine", "idiom"), EACH)
def test_idioms_give_what_they_give_of_a_stock_dataset(
    engine: str, idiom: str, data_dir: str, tmp_path: Path
) -> None:
    ours, theirs = IDIOMS[idiom](load(data_dir, "plain", engine)), IDIOMS[idiom](stock(data_dir))
    assert_alike(ours, theirs)
    assert_restored(idiom, lambda: load(data_dir, "brightness", engine), tmp_path)


def assert_alike(ours: tf.data.Dataset, theirs: tf.data.Dataset) -> None:
    """`ours` augments nothing: both have the same elements, twice."""
    assert theirs.cardinality() in (ours.cardinality(), tf.data.UNKNOWN_CARDINALITY)
    for _ in range(2):
        assert elements(ours) == elements(theirs)


def assert_restored(idiom: str, make: Callable[[], tf.data.Dataset], place: Path) -> None:
    """Checkpoints of `idiom` on what `make` makes restore the next element, and what follows."""
    if idiom in NOT_SAVED:
        return
    ds = IDIOMS[idiom](make())
    iterator = iter(ds)
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    saved: list[str] = []
    first: list[Element] = []
    for element in iterator:
        first.append(flat(element))
        saved.append(checkpoint.write(str(place / str(len(saved)))))
    second = elements(ds)
    assert (first == second) == (idiom == "cache")
    ds = IDIOMS[idiom](make())
    for read in (1, len(first) - 1):
        iterator = iter(ds)
        tf.train.Checkpoint(iterator=iterator).read(saved[read - 1]).assert_consumed()
        assert elements(iterator) == first[read:]
        if idiom not in OTHER_EPOCHS and (read < 2 or idiom not in READ_AHEAD):
            assert elements(ds) == second


@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_a_cache_in_a_file_is_read_again(engine: str, data_dir: str, tmp_path: Path) -> None:
    ds = load(data_dir, "brightness", engine).cache(str(tmp_path / "cache"))
    first = elements(ds)
    assert elements(ds) == first
    again = load(data_dir, "brightness", engine).cache(str(tmp_path / "cache"))
    assert elements(again) == first


def test_the_graph_engine_is_saved_and_loaded(data_dir: str, tmp_path: Path) -> None:
    ds = load(data_dir, "brightness", "graph")
    ds.save(str(tmp_path / "saved"))
    assert elements(tf.data.Dataset.load(str(tmp_path / "saved"))) == elements(
        load(data_dir, "brightness", "graph")
    )


def test_a_snapshot_of_the_graph_engine_is_read_again(data_dir: str, tmp_path: Path) -> None:
    ds = load(data_dir, "brightness", "graph").snapshot(str(tmp_path / "snapshot"))
    first = elements(ds)
    assert len(first) == 6
    assert elements(ds) == first


def test_symbolic_checkpoints_are_small_and_can_be_chosen(data_dir: str, tmp_path: Path) -> None:
    options = tf.data.Options()
    options.experimental_symbolic_checkpoint = True

    def make() -> tf.data.Dataset:
        return tfds.load(
            "cifar10_aug/brightness",
            split="train",
            batch_size=16,
            as_supervised=True,
            data_dir=data_dir,
            read_config=tfds.ReadConfig(options=options),
        )

    ds = make()
    passes = [elements(ds) for _ in range(2)]
    ds = make()
    iterator = iter(ds)
    next(iterator)
    saved = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 20_000
    ds = make()
    iterator = iter(ds)
    tf.train.Checkpoint(iterator=iterator).read(saved).assert_consumed()
    assert elements(iterator) == passes[0][1:]
    assert elements(ds) == passes[1]


def failing(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if image.sum() % 10 == 3:
        raise ValueError("no such image")
    return image


@pytest.mark.parametrize("batch_size", [None, 4])
def test_an_example_that_fails_costs_its_batch(data_dir: str, batch_size: int | None) -> None:
    size = batch_size or 1
    images = tfds.load("cifar10_aug/plain", split="train", batch_size=-1, data_dir=data_dir)
    wrong = images["image"].numpy().reshape(100, -1).sum(axis=1) % 10 == 3
    assert 0 < wrong.sum() < 50
    whole = [k for k in range(100 // size) if not wrong[k * size : (k + 1) * size].any()]
    with registered(failing=failing):
        ds = tfds.load(
            "cifar10_aug/failing",
            split="train",
            batch_size=batch_size,
            data_dir=data_dir,
            builder_kwargs={"n_jobs": 1},
        )
        found = [np.ravel(one["id"]).tolist() for one in ds.ignore_errors().as_numpy_iterator()]
        with pytest.raises(tf.errors.UnknownError, match=PythonOpError.__name__) as error:
            list(ds)
    assert "no such image" in str(error.value)
    assert found == [
        [f"train_{n:05d}".encode() for n in range(k * size, (k + 1) * size)] for k in whole
    ]


def test_the_length_is_unknown_if_it_is_not_to_be_known(data_dir: str) -> None:
    for engine in ("eager", "graph"):
        ds = tfds.load(
            "cifar10_aug/flip",
            split="train",
            batch_size=16,
            data_dir=data_dir,
            read_config=tfds.ReadConfig(assert_cardinality=False),
            builder_kwargs={"engine": engine},
        )
        assert ds.cardinality() == tf.data.UNKNOWN_CARDINALITY
        assert len(list(ds)) == 7
