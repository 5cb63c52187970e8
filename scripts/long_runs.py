"""Whether long runs leave anything: memory, threads, processes or open files.

    python scripts/long_runs.py [--images 1000000] [--datasets 200] [--data-dir DIR]

reads a million images of the drawn sample in one go, for each kind of pipeline, and then builds,
reads and drops 200 datasets of each kind in one process. It also runs pipelines of
TensorFlow alone, since what those leave is TensorFlow's: it keeps for ever what a
Python call of a dataset refers to, and the memory of shuffled records scatters for some hundred
thousand records until it stays as it is. Each row is measured in a separate process. Prints
numbers; ends with exit code 1 if a limit is broken.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug
from cifar10_aug.engines.python import worker_pool

BATCH = 250
# The share of a run in which TensorFlow takes the threads and memory that it needs.
WARM_UP, WARM_UP_OF_SHUFFLED_RECORDS = 0.25, 0.75
FLAT = 1.05
# That TensorFlow's pools start when they happen to need them.
MORE_THREADS = 4
BARE = "TensorFlow alone, arrays"
BARE_RECORDS = "TensorFlow alone, records"
KINDS = {
    "eager": ("rotate30+erase", {}),
    "graph": ("rotate30", {"engine": "graph"}),
    "python": ("dim+flip", {"n_jobs": 2}),
    "python in threads": ("dim+flip", {"n_jobs": 2, "backend": "threading"}),
    "frozen": ("rotate30+erase-x2", {}),
    "loader": ("rotate30+erase", {}),
    "loader, frozen": ("rotate30+erase-x2", {}),
}


ALL = [BARE, BARE_RECORDS, *KINDS]


def dim(images: np.ndarray, rngs: list[np.random.Generator]) -> np.ndarray:
    """A function that someone registers."""
    shares = np.array([rng.random() for rng in rngs])
    return (images * shares[:, None, None, None]).astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class Held:
    """What a process holds at a moment.

    Attributes:
        megabytes: of resident memory.
        threads, files, children: how many.
    """

    megabytes: float
    threads: int
    files: int
    children: int

    @staticmethod
    def now() -> Held:
        """By this process, after garbage is collected."""
        gc.collect()
        me = Path("/proc/self")
        pages = int((me / "statm").read_text().split()[1])
        tasks = list((me / "task").iterdir())
        children = [
            child
            for task in tasks
            for child in (task / "children").read_text().split()
            # loky and Python start one such process each, which ends with this one.
            if b"resource_tracker" not in (Path("/proc") / child / "cmdline").read_bytes()
        ]
        return Held(
            pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            len(tasks),
            len(list((me / "fd").iterdir())),
            len(children),
        )


def loaded(kind: str, data_dir: str) -> tf.data.Dataset | cifar10_aug.Loader:
    """A new dataset of a kind, one epoch of it."""
    if kind == BARE:
        images = np.ones((4000, 32, 32, 3), np.uint8)
        ds = tf.data.Dataset.range(len(images)).shuffle(len(images)).batch(BATCH)
        ds = ds.map(
            lambda at: {"image": tf.numpy_function(images.__getitem__, [at], tf.uint8)},
            num_parallel_calls=2,
        )
        return ds.prefetch(tf.data.AUTOTUNE)
    if kind == BARE_RECORDS:
        place = Path(data_dir) / "cifar10_aug_sample" / KINDS["frozen"][0] / "1.0.0"
        files = sorted(map(str, place.glob("*train*")))
        records = tf.data.Dataset.from_tensor_slices(files).flat_map(tf.data.TFRecordDataset)
        spec = {"image": tf.io.FixedLenFeature([], tf.string)}
        ds = records.shuffle(50_000).batch(BATCH)
        ds = ds.map(
            lambda batch: tf.io.decode_raw(tf.io.parse_example(batch, spec)["image"], tf.uint8),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        return ds.prefetch(tf.data.AUTOTUNE)
    name, kwargs = KINDS[kind]
    if kind.startswith("loader"):
        return cifar10_aug.Loader(
            name, dataset="cifar10_aug_sample", batch_size=BATCH, shuffle=True, data_dir=data_dir
        )
    return tfds.load(
        f"cifar10_aug_sample/{name}",
        split="train",
        batch_size=BATCH,
        shuffle_files=True,
        data_dir=data_dir,
        builder_kwargs=kwargs,
    )


def read(kind: str, data_dir: str, images: int) -> Iterator[Held]:
    """Reads many images in one go, and says twenty times what is held."""
    steps, ds = images // BATCH, loaded(kind, data_dir)
    if isinstance(ds, cifar10_aug.Loader):
        batches = itertools.islice(itertools.chain.from_iterable(itertools.repeat(ds)), steps)
    else:
        batches = ds.repeat().take(steps)
    for step, _ in enumerate(batches, start=1):
        if step % max(1, steps // 20) == 0:
            yield Held.now()


def build(kind: str, data_dir: str, datasets: int) -> Iterator[Held]:
    """Builds datasets, reads a few batches of each and drops it; says each time what is held."""
    for _ in range(datasets):
        ds = loaded(kind, data_dir)
        few = itertools.islice(ds, 3) if isinstance(ds, cifar10_aug.Loader) else ds.take(3)
        assert len(list(few)) == 3
        yield Held.now()


WAYS: dict[str, Callable[[str, str, int], Iterator[Held]]] = {"read": read, "build": build}


def measure(way: str, kind: str, data_dir: str, count: int) -> list[Held]:
    """What is held in the course of a run in this process, and at last when all has ended."""
    cifar10_aug.register("dim", dim, batched=True, replace=True)
    held = list(WAYS[way](kind, data_dir, count))
    worker_pool.stop_all()
    give_up = time.monotonic() + 20
    while (last := Held.now()).children and time.monotonic() < give_up:
        time.sleep(0.1)
    return [*held, last]


def warm_up(way: str, kind: str) -> float:
    """The share of a run that is not judged."""
    records = way == "read" and kind in (BARE_RECORDS, "frozen")
    return WARM_UP_OF_SHUFFLED_RECORDS if records else WARM_UP


def growth(held: list[Held], share: float) -> float:
    """The most memory after the warm-up, as a multiple of the most during it."""
    *run, _ = held
    warm = max(1, round(len(run) * share))
    most = [max(one.megabytes for one in part) for part in (run[:warm], run[warm:])]
    return most[1] / most[0]


def left(held: list[Held], share: float) -> list[str]:
    """What is left or grows, in words; nothing if all is well."""
    *run, last = held
    begun = run[round(len(run) * share)]
    found = []
    if growth(held, share) > FLAT:
        found.append(f"memory {growth(held, share):.3f} ×")
    for what, more in (("threads", MORE_THREADS), ("files", 0)):
        first, end = getattr(begun, what), getattr(run[-1], what)
        if end > first + more:
            found.append(f"{what} {first} to {end}")
    if last.children:
        found.append(f"{last.children} processes")
    return found


def in_fresh_process(way: str, kind: str, data_dir: str, count: int) -> list[Held]:
    """`measure` in a separate process."""
    command = [sys.executable, __file__, "--one", json.dumps([way, kind, data_dir, count])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return [Held(**one) for one in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--data-dir", help="where the sample is prepared; a temporary folder")
    parser.add_argument("--kinds", nargs="*", default=ALL, choices=ALL)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        held = measure(*json.loads(arguments.one))
        print(json.dumps([dataclasses.asdict(one) for one in held]))
        return
    broken = False
    with tempfile.TemporaryDirectory() as temporary:
        place = arguments.data_dir or temporary
        for kind in KINDS.keys() & {"eager", "frozen"}:
            next(iter(loaded(kind, place)))
        print("| run | pipeline | MB warm | MB at the end | growth | threads | files | left |")
        print("|---|---|---|---|---|---|---|---|")
        for way, count in (("read", arguments.images), ("build", arguments.datasets)):
            for kind in arguments.kinds:
                held, share = in_fresh_process(way, kind, place, count), warm_up(way, kind)
                warm, end = held[round((len(held) - 1) * share)], held[-2]
                wrong = left(held, share)
                broken |= bool(wrong) and kind in KINDS
                print(
                    f"| {way} {count:,} | {kind} | {warm.megabytes:.0f} | {end.megabytes:.0f} | "
                    f"{growth(held, share):.3f} × | {warm.threads} to {end.threads} | "
                    f"{warm.files} to {end.files} | {', '.join(wrong) or 'nothing'} |",
                    flush=True,
                )
    sys.exit(broken)


if __name__ == "__main__":
    main()
