"""Datasets that are dropped leave nothing behind; scripts/long_runs.py measures it at length."""

import gc
import threading
import tracemalloc
from typing import Any

import pytest
import tensorflow_datasets as tfds

from tests import functions
from tests.registering import registered

IMAGE = 32 * 32 * 3


@pytest.mark.parametrize(
    ("recipe", "kwargs"),
    [("rotate+erase", {}), ("speckle", {"n_jobs": 2, "backend": "threading"})],
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
