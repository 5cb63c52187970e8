"""Forks a process at several moments, and prints what becomes of it.

Run as a separate program, since what it does to TensorFlow is not to be done to other tests:
    python -m tests.forking DATA_DIR
"""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.recipes.registration import register
from cifar10_aug.rng import draws
from tests import functions

_SECONDS = 60.0


def fork(work: Callable[[], object], meanwhile: Callable[[], object] = lambda: None) -> str:
    """Runs `work` in a forked process; what it returns or raises, or that it hangs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = str(work())
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, answer.encode())
        os._exit(0)
    meanwhile()
    os.close(writing)
    end = time.monotonic() + _SECONDS
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, 9)
            os.waitpid(child, 0)
            return "hangs"
        time.sleep(0.02)
    with open(reading) as file:
        return file.read()


def main(place: str) -> None:
    # Here, so that worker processes, which import this module, need not.
    import tensorflow_datasets as tfds

    def load(name: str, **kwargs: Any) -> Any:
        return tfds.load(
            f"cifar10_aug/{name}",
            split="train",
            batch_size=16,
            data_dir=place,
            builder_kwargs=kwargs,
        )

    def say(moment: str, answer: str) -> None:
        sys.stdout.write(f"{moment}: {answer}\n")

    # While TensorFlow is imported and has nothing to do.
    register("sepia", functions.sepia)
    images = np.random.default_rng(0).integers(0, 256, (600, 32, 32, 3), np.uint8)
    keys = draws.example_keys(np.arange(600), "train")
    for backend in ("loky", "threading"):
        engine = Engine(
            Recipe.parse("sepia+erase").plan, 0, 32, 32, execution=Execution(2, backend)
        )

        def run(epoch: int, engine: Engine = engine) -> np.ndarray:
            return engine(Source.of(images), np.arange(600), keys, epoch)

        expected = [run(epoch) for epoch in range(9)]

        def same(run: Any = run, expected: list[np.ndarray] = expected) -> bool:
            return all((run(epoch) == expected[epoch]).all() for epoch in range(9))

        parents: list[bool] = []
        say(f"{backend} in the child", fork(same, lambda: parents.append(same())))  # noqa: B023
        say(f"{backend} in the parent", str(*parents))
    say("loaded before", fork(lambda: len(list(load("rotate")))))

    datasets = {
        "eager": load("rotate"),
        "graph": load("rotate", engine="graph"),
        "mapped": load("rotate").map(lambda example: example["image"]),
    }
    for name, ds in datasets.items():
        assert len(list(ds)) == len(ds)
        say(f"{name} of the parent", fork(functools.partial(list, ds)))
    say("loaded", fork(lambda: load("rotate")))
    say("loaded as a whole", fork(lambda: load("rotate30+erase-x3")))
    say("arrays", fork(lambda: bool((run(8) == expected[8]).all())))


if __name__ == "__main__":
    main(*sys.argv[1:])
