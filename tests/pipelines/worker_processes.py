"""Reads a map dataset with worker processes, and prints whether they give what a loader gives.

Run as a separate program, since what it does to TensorFlow is not to be done to other tests:
    python -m tests.pipelines.worker_processes standin|torch DATA_DIR

With "standin", workers do what those of `torch.utils.data.DataLoader` do.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import cifar10_aug
from tests import functions

EPOCHS, SIZE = (0, 3), 100
# By recipe, how workers start.
RECIPES = {"rotate30+mixup+rescale": "fork", "erase+speckle": "fork", "flip+speckle": "spawn"}
# Reads batches of an epoch with persistent workers.
Reading = Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]


def collated(examples: list[tuple[np.ndarray, Any]]) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*examples, strict=True)
    return np.stack(images), np.stack(labels)


def work(dataset: Any, asked: Any, made: Any) -> None:
    for place, numbers in iter(asked.get, None):
        made.put((place, collated(dataset.__getitems__(numbers))))


@contextlib.contextmanager
def standin(method: str, dataset: Any) -> Iterator[Reading]:
    context: Any = multiprocessing.get_context(method)
    asked, made = context.Queue(), context.Queue()
    workers = [
        context.Process(target=work, args=(dataset, asked, made), daemon=True) for _ in range(2)
    ]
    for worker in workers:
        worker.start()

    def read() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        batches = np.split(np.arange(len(dataset)), range(SIZE, len(dataset), SIZE))
        for place, numbers in enumerate(batches):
            asked.put((place, numbers.tolist()))
        found = dict(made.get(timeout=100) for _ in batches)
        yield from (found[place] for place in range(len(batches)))

    yield read
    for _ in workers:
        asked.put(None)
    for worker in workers:
        worker.join()


@contextlib.contextmanager
def torch(method: str, dataset: Any) -> Iterator[Reading]:
    from torch.utils.data import DataLoader

    batches = DataLoader(
        dataset,
        batch_size=SIZE,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context=method,
    )
    yield lambda: ((images.numpy(), labels.numpy()) for images, labels in batches)


WAYS = {"standin": standin, "torch": torch}


def same(way: str, method: str, dataset: Any, expected: dict[int, Any]) -> bool:
    with WAYS[way](method, dataset) as read:
        for epoch in EPOCHS:
            dataset.set_epoch(epoch)
            for batch, other in zip(read(), expected[epoch], strict=True):
                for one, theirs in zip(batch, other, strict=True):
                    if one.dtype != theirs.dtype or (one != theirs).any():
                        return False
    return True


def main(way: str, place: str) -> None:
    cifar10_aug.register("speckle", functions.speckle, backend="threading")
    for recipe, method in RECIPES.items():
        loader = cifar10_aug.Loader(
            recipe,
            dataset="cifar10_aug_sample",
            split="train[:730]",
            batch_size=SIZE,
            layout="nchw",
            data_dir=place,
        )
        expected = {}
        for epoch in EPOCHS:
            loader.set_epoch(epoch)
            expected[epoch] = list(loader)
        answer = same(way, method, loader.as_map_dataset(), expected)
        sys.stdout.write(f"{recipe} {method} {answer}\n")
    assert "tensorflow" not in sys.modules, "TensorFlow has been imported"


if __name__ == "__main__":
    main(*sys.argv[1:])
