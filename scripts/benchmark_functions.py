"""Times registered functions against a plain loop over the same images, in one run.

    python scripts/benchmark_functions.py --source cifar-10-binary.tar.gz

Rows: a function that computes for 200 µs, Keras's random_rotation, and a blur by Pillow. Columns:
the loop, and one epoch through tfds.load with one worker for each core, in processes and in
threads. Rows and columns take turns, round after round; ratios are medians of those within a round.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image, ImageFilter

import cifar10_aug
from cifar10_aug.data import sample
from cifar10_aug.data.sources import local
from cifar10_aug.recipes.registration import Seeded

BATCH_SIZE = 128


def compute(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Keeps one core busy for 200 µs, and Python's lock with it."""
    end = time.perf_counter() + 200e-6
    while time.perf_counter() < end:
        pass
    return image


def rotate(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return tf.keras.preprocessing.image.random_rotation(image, 30, 0, 1, 2)


def blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2 * rng.random())))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "compute": compute,
    "kerasrotate": cifar10_aug.seeded(rotate),
    "pillowblur": blur,
}
BACKENDS = ("loky", "threading")


def loop(function: Callable[..., Any], images: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for image in images:
        function(image, rng)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", help="archive or folder of CIFAR-10 [default: the sample]")
    parser.add_argument("--images", type=int, help="how many [default: all]")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    images = (local.read(args.source) if args.source else sample.read()).train.images
    images = images[: args.images or len(images)]
    name = "cifar10_aug" if args.source else "cifar10_aug_sample"
    kwargs = {"source": args.source} if args.source else {}
    for op, function in FUNCTIONS.items():
        cifar10_aug.register(op, function)
    with tempfile.TemporaryDirectory() as data_dir:

        def epoch(op: str, backend: str) -> Callable[[], object]:
            ds = tfds.load(
                f"{name}/{op}",
                split=f"train[:{len(images)}]",
                batch_size=BATCH_SIZE,
                shuffle_files=True,
                as_supervised=True,
                data_dir=data_dir,
                builder_kwargs={"backend": backend, **kwargs},
            )
            for _ in ds.take(2):  # Starts the workers.
                pass
            return lambda: sum(1 for _ in ds)

        ways: dict[str, dict[str, Callable[[], object]]] = {}
        for op, function in FUNCTIONS.items():
            ways[op] = {"loop": lambda f=function: loop(f, images)}  # type: ignore[misc]
            for backend in BACKENDS:
                if backend == "loky" or not isinstance(function, Seeded):
                    ways[op][backend] = epoch(op, backend)
        times: dict[str, dict[str, list[float]]] = {op: {} for op in ways}
        for number in range(args.rounds):
            for op, columns in ways.items():
                for column, work in columns.items():
                    times[op].setdefault(column, []).append(seconds(work))
            print(f"round {number + 1} of {args.rounds} done", flush=True)

    print(table(times, len(images)))
    print(
        f"{len(images):,} images, batches of {BATCH_SIZE}, {joblib.cpu_count()} cores, Python "
        f"{platform.python_version()}, TensorFlow {tf.__version__}"
    )


def table(times: dict[str, dict[str, list[float]]], count: int) -> str:
    """µs an image, medians, and how many times as fast as the loop."""
    lines = ["| function | plain loop | processes | threads |", "|---|---|---|---|"]
    for op, columns in times.items():
        cells = [f"{statistics.median(columns['loop']) / count * 1e6:.0f} µs"]
        for backend in BACKENDS:
            if backend not in columns:
                cells.append("–")
                continue
            ratio = statistics.median(
                a / b for a, b in zip(columns["loop"], columns[backend], strict=True)
            )
            cells.append(
                f"{statistics.median(columns[backend]) / count * 1e6:.0f} µs, {ratio:.2f} ×"
            )
        lines.append(f"| {op} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
