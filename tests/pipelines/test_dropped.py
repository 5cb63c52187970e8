"""Datasets that are dropped leave nothing behind; scripts/long_runs.py measures it at length."""

import gc
import threading
import tracemalloc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug._compat.shutdown import GATE
from cifar10_aug.engines.numba import engine
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.pipelines import eager, graph_tables, online
from tests import functions
from tests.registering import registered

IMAGE = 32 * 32 * 3


@pytest.fixture(autouse=True)
def nothing_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What all pipelines share grows with the blocks that are made at once, up to a limit."""
    monkeypatch.setattr(engine, "_BETWEEN", Buffers(0))


@pytest.mark.parametrize(
    ("recipe", "kwargs"), [("rotate+erase", {}), ("speckle", {"n_jobs": 2, "backend": "threading"})]
)
def test_datasets_that_are_dropped_leave_no_memory_and_no_threads(
    recipe: str, kwargs: dict[str, Any], data_dir: str
) -> None:
    def use() -> None:
        for _ in range(8):
            ds = tfds.load(
                f"cifar10_aug/{recipe}",
                split="train",
                batch_size=100,
                data_dir=data_dir,
                builder_kwargs=kwargs,
            )
            assert len(list(ds)) == 1

    def held() -> tuple[int, int]:
        gc.collect()
        return tracemalloc.get_traced_memory()[0], threading.active_count()

    with registered(speckle=functions.speckle):
        tracemalloc.start()
        try:
            use()
            memory, threads = held()
            use()
            more, now = held()
        finally:
            tracemalloc.stop()
    assert now <= threads
    # One batch of each dataset would be more.
    assert more - memory < 8 * 100 * IMAGE / 2


@pytest.mark.parametrize(
    ("recipe", "split"), [("rotate", "train"), ("cutmix", "train[10:]+test+train[:5]")]
)
def test_loads_keep_no_arrays(recipe: str, split: str, data_dir: str) -> None:
    # All that is kept of the memory of batches, which pipelines share.
    for shared in (online._BUFFERS, eager._BLOCKS, eager._LAST_BATCHES):
        assert len([shared.empty((100, IMAGE), "uint8") for _ in range(9)]) == 9

    def load() -> tf.data.Dataset:
        ds = tfds.load(
            f"cifar10_aug/{recipe}",
            split=split,
            batch_size=20,
            shuffle_files=True,
            data_dir=data_dir,
        )
        next(iter(ds))
        return ds

    def arrays() -> int:
        gc.collect()
        # Calls under way have arrays to work with.
        assert GATE._rests(10.0)
        taken = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)]
        )
        return sum(trace.size for trace in taken.traces)

    kept = load()
    tracemalloc.start()
    try:
        load()
        before = arrays()
        for _ in range(8):
            load()
        after = arrays()
    finally:
        tracemalloc.stop()
    assert len(kept) > 0
    # Eight times half of what the labels of 100 examples take.
    assert after - before < 8 * 100 * 4


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[Any]]]:
    """The tables of images that the graph engine makes, while no reference cycle is collected."""
    shared = graph_tables.shared
    made: list[weakref.ref[Any]] = []

    def tables(info: tfds.core.SplitInfo) -> tf.data.Dataset:
        ds = shared(info)
        # What TensorFlow counts the references of.
        if not any(ref() is ds._variant_tensor for ref in made):
            made.append(weakref.ref(ds._variant_tensor))
        return ds

    monkeypatch.setattr(graph_tables, "shared", tables)
    gc.collect()
    gc.disable()
    yield made
    gc.enable()


def graph(data_dir: str, split: str = "train") -> tf.data.Dataset:
    ds = tfds.load(
        "cifar10_aug/brightness",
        split=split,
        batch_size=20,
        data_dir=data_dir,
        builder_kwargs={"engine": "graph"},
    )
    next(iter(ds))
    return ds


def test_images_of_the_graph_engine_are_gone_with_the_last_dataset(
    data_dir: str, tables: list[weakref.ref[Any]]
) -> None:
    ds = graph(data_dir, "train[:50]+test").map(lambda batch: batch["image"])
    iterator = iter(ds)
    del ds
    assert [ref() is not None for ref in tables] == [True, True]
    assert next(iterator).shape == (20, 32, 32, 3)
    del iterator
    assert [ref() is not None for ref in tables] == [False, False]


def test_datasets_of_the_graph_engine_share_images(
    data_dir: str, tables: list[weakref.ref[Any]]
) -> None:
    one, other = graph(data_dir), graph(data_dir, "train[50:]")
    assert len(tables) == 1
    del one
    assert tables[0]() is not None
    assert len(list(other)) == 3
    del other
    assert tables[0]() is None
    graph(data_dir)
    assert len(tables) == 2
