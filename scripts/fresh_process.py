"""Measures, in a separate process, what a warm one cannot show: python fresh_process.py WHAT …

WHAT is one of these, followed by a config's name and the data folder:

    first       seconds from `tfds.load` to the first batch
    plain       seconds to read the prepared images once, with TFDS alone
    memory      megabytes that loading and reading an epoch add to TensorFlow's own
    growth      megabytes that 20 more epochs add
    epoch       seconds for an epoch, the least of five
    one-core    the same with one core

Modules are imported before the clock starts.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def load(name: str, data_dir: str) -> tf.data.Dataset:
    return tfds.load(
        name,
        split="train",
        batch_size=128,
        shuffle_files=True,
        as_supervised=True,
        data_dir=data_dir,
    )


def epoch(ds: tf.data.Dataset) -> float:
    start = time.perf_counter()
    for _ in ds:
        pass
    return time.perf_counter() - start


def main(what: str, name: str, data_dir: str) -> float:
    assert cifar10_aug.__version__
    if what == "one-core":
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    # TensorFlow starts its threads with the first pipeline.
    list(tf.data.Dataset.range(10).map(lambda x: x + 1, num_parallel_calls=2).prefetch(1))
    before, start = resident_megabytes(), time.perf_counter()
    if what == "first":
        next(iter(load(name, data_dir)))
        return time.perf_counter() - start
    if what == "plain":
        folder = Path(data_dir) / name.split("/")[0] / "plain" / "1.0.0"
        for _ in tfds.builder_from_directory(folder).as_dataset(split="train").batch(128):
            pass
        return time.perf_counter() - start
    if what in ("epoch", "one-core"):
        ds = load(name, data_dir)
        return min(epoch(ds) for _ in range(5))
    if what == "growth":
        ds = load(name, data_dir)
        for _ in range(15):  # Until TensorFlow has all the threads and memory that it takes.
            epoch(ds)
        before = resident_megabytes()
        for _ in range(20):
            epoch(ds)
        return resident_megabytes() - before
    most = 0.0
    for _ in load(name, data_dir):
        most = max(most, resident_megabytes())
    return most - before


if __name__ == "__main__":
    print(main(*sys.argv[1:4]))
