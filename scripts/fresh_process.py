"""Measures, in a separate process, what a warm one cannot show: python fresh_process.py WHAT …

WHAT is one of these, followed by a config's name and the data folder:

    first       seconds from `tfds.load` to the first batch
    plain       seconds to read the prepared images once, with TFDS alone
    loader      seconds from the start of Python to the first batch of a `Loader`
    compile     seconds of processor time that a recipe's first call takes on a new machine, with
                no kernels compiled
    memory      megabytes that loading and reading an epoch add, shared ones by share (PSS)
    private     megabytes that they add in a second process, without those that it shares
    growth      megabytes that 20 more epochs add
    epoch       seconds for an epoch, the least of five
    one-core    the same with one core

But for `loader` and `compile`, modules are imported before the clock starts, and TensorFlow's
threads are there; for `memory` and `private`, so is numba with its compiler, and Linux's /proc is
read.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug

LOADER = """
import sys, time
import cifar10_aug
dataset, recipe = sys.argv[1].split("/")
loader = cifar10_aug.Loader(recipe, dataset=dataset, batch_size=128, data_dir=sys.argv[2])
next(iter(loader))
print(time.monotonic())
"""

COMPILE = """
import sys, time
import numba, numpy as np
import cifar10_aug
recipe, images = cifar10_aug.Recipe.parse(sys.argv[1]), np.zeros((64, 32, 32, 3), np.uint8)
begun = time.process_time()
recipe(images)
print(time.process_time() - begun)
"""


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def accounted_megabytes(*kinds: str) -> float:
    """Of this process's memory, what the system counts as of these kinds."""
    lines = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines())
    return sum(int(line[1]) for line in lines if line[0].rstrip(":") in kinds) * 1024 / 1e6


def load(name: str, data_dir: str) -> tf.data.Dataset:
    return tfds.load(
        name,
        split="train",
        batch_size=128,
        shuffle_files=True,
        as_supervised=True,
        data_dir=data_dir,
    )


@contextlib.contextmanager
def reading_too(name: str, data_dir: str) -> Iterator[None]:
    """While this lasts, another process has read an epoch of the same images, and keeps them."""
    command = [sys.executable, __file__, "keep", name, data_dir]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "read\n"
        yield
        other.stdin.close()


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
    if what == "loader":
        begun = time.monotonic()
        command = [sys.executable, "-c", LOADER, name, data_dir]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return float(done.stdout) - begun
    if what == "compile":
        command = [sys.executable, "-c", COMPILE, name.split("/")[1]]
        with tempfile.TemporaryDirectory() as kernels:
            environment = {**os.environ, "NUMBA_CACHE_DIR": kernels}
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, env=environment
            )
        return float(done.stdout)
    if what == "first":
        next(iter(load(name, data_dir)))
        return time.perf_counter() - start
    if what == "plain":
        folder = Path(data_dir) / name.split("/")[0] / "plain" / "1.0.0"
        for _ in tfds.builder_from_directory(folder).as_dataset(split="train").batch(128):
            pass
        return time.perf_counter() - start
    if what == "keep":
        ds = load(name, data_dir)
        epoch(ds)
        print("read", flush=True)
        sys.stdin.read()
        sys.exit()
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
    cifar10_aug.Recipe.parse(name.split("/")[1])(np.zeros((1, 32, 32, 3), np.uint8))
    # `tfds.load` imports it otherwise.
    importlib.import_module(f"cifar10_aug.builders.{name.split('/')[0]}_dataset_builder")
    kinds = ("Pss",) if what == "memory" else ("Private_Clean", "Private_Dirty")
    with reading_too(name, data_dir) if what == "private" else contextlib.nullcontext():
        before, most = accounted_megabytes(*kinds), 0.0
        for number, _ in enumerate(load(name, data_dir)):
            if number % 10 == 0:  # Asking takes some milliseconds.
                most = max(most, accounted_megabytes(*kinds))
    return most - before


if __name__ == "__main__":
    print(main(*sys.argv[1:4]))
