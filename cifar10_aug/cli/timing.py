"""Times pipelines beside each other, so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from typing import Any, NamedTuple

import numba
import numpy as np
import tensorflow as tf

from cifar10_aug.engines.python import cores

# What takes one pass over some images; whatever it returns is let go of at once.
Pass = Callable[[], object]


class Row(NamedTuple):
    """How long something took, round by round.

    Attributes:
        microseconds: for each image, in each round.
        ratio: the median of the ratios to the floor in the same round.
    """

    microseconds: list[float]
    ratio: float

    @property
    def median(self) -> float:
        return statistics.median(self.microseconds)

    @property
    def spread(self) -> str:
        """The median, the least and the greatest."""
        least, most = min(self.microseconds), max(self.microseconds)
        return f"{self.median:.2f} ({least:.2f} to {most:.2f})"


def iterated(ds: Iterable[Any]) -> Pass:
    """One pass over a dataset."""

    def run() -> None:
        for _ in ds:
            pass

    return run


def in_turns(
    passes: Mapping[str, Pass],
    count: int,
    rounds: int,
    after_round: Callable[[int], None] = lambda number: None,
    seldom: Iterable[str] = (),
    *,
    after_warm_up: Callable[[float], None] = lambda seconds: None,
    times: dict[str, list[float]] | None = None,
) -> dict[str, list[float]]:
    """Runs each pass once to warm up, and then all of them in turns.

    Args:
        passes: by name; each takes `count` images.
        count: of images.
        rounds: how many turns.
        after_round: is told the number of each finished round, from 1.
        seldom: names of slow passes, which take part in the first two rounds only.
        after_warm_up: is told how many seconds the rounds will take, at most.
        times: filled and returned, so that an interrupt loses nothing.

    Returns:
        For each pass its times in microseconds an image, round by round.
    """
    taken = {name: _seconds(run) for name, run in passes.items()}
    after_warm_up(sum(s * (min(rounds, 2) if n in seldom else rounds) for n, s in taken.items()))
    times = {} if times is None else times
    times.update({name: [] for name in passes})
    for number in range(rounds):
        for name, run in passes.items():
            if number < 2 or name not in seldom:
                times[name].append(_seconds(run) / count * 1e6)
        after_round(number + 1)
    return times


def _seconds(run: Pass) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def against(times: Mapping[str, list[float]], name: str, floor: str) -> Row:
    """A row of `in_turns`, and its ratio to another."""
    pairs = zip(times[name], times[floor], strict=False)
    return Row(times[name], statistics.median(one / other for one, other in pairs))


def unaugmented(
    images: np.ndarray, labels: np.ndarray, batch_size: int | None, floats: bool = False
) -> tf.data.Dataset:
    """What TensorFlow does without any augmentation, shuffled, as uint8 or cast to float32."""
    ds = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images))
    if batch_size is not None:
        ds = ds.batch(batch_size)
    if floats:
        ds = ds.map(lambda image, label: (tf.cast(image, tf.float32), label))
    return ds.prefetch(tf.data.AUTOTUNE)


def machine() -> dict[str, Any]:
    """What was measured on, and with which versions."""
    return {
        "cores": cores.count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "numba": numba.__version__,
        "cifar10_aug": metadata.version("cifar10_aug"),
    }
