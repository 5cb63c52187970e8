"""Times the pipeline beside the un-augmented floor and the method it replaces, in one run.

    python scripts/benchmark.py --source cifar-10-binary.tar.gz --out benchmark.json

Every row reads the same training images in batches, shuffled, with labels. Rows take turns, round
after round, so that a machine that slows down slows all of them; ratios are taken within a round.
Quote medians and ratios, not single times.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numba
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug
from cifar10_aug.source import drawn, local

RECIPE = "rotate30+erase"
Make = Callable[[], tf.data.Dataset]


def unaugmented(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """The floor: what TensorFlow does without any augmentation."""
    slices = tf.data.Dataset.from_tensor_slices((images, labels))
    return slices.shuffle(len(images)).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def keras_rotate_and_erase(image: np.ndarray) -> np.ndarray:
    """One image, as the replaced method does it: Keras's rotation, NumPy's global generator."""
    turned = tf.keras.preprocessing.image.random_rotation(
        image, 30, row_axis=0, col_axis=1, channel_axis=2
    ).astype(np.uint8)
    if np.random.rand() < 0.5:
        height, width, _ = turned.shape
        while True:
            area = np.random.uniform(0.02, 0.4) * height * width
            aspect = np.exp(np.random.uniform(np.log(0.3), np.log(3.3)))
            tall, wide = int(np.sqrt(area * aspect)), int(np.sqrt(area / aspect))
            top, left = np.random.randint(0, height), np.random.randint(0, width)
            if top + tall <= height and left + wide <= width:
                break
        turned[top : top + tall, left : left + wide] = np.random.randint(0, 256)
    return turned


def joblib_and_keras(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """The method that this package replaces: joblib over many images, inside py_function.

    It gets 4,096 images a call, because a call for each batch costs it several times as much.
    """
    workers = joblib.Parallel(n_jobs=joblib.cpu_count(), batch_size=256)
    workers.__enter__()  # Keeps the processes from one call to the next.

    def augment(batch: Any) -> np.ndarray:
        done = workers(joblib.delayed(keras_rotate_and_erase)(image) for image in batch.numpy())
        return np.stack(done)

    def in_graph(batch: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        made = tf.py_function(augment, [batch], tf.uint8)
        made.set_shape([None, *images.shape[1:]])
        return made, label

    slices = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images))
    made = slices.batch(4096).map(in_graph)
    return made.unbatch().batch(batch_size).prefetch(tf.data.AUTOTUNE)


def microseconds(ds: tf.data.Dataset, count: int) -> float:
    """Wall time of one pass, for each image."""
    start = time.perf_counter()
    for _ in ds:
        pass
    return (time.perf_counter() - start) / count * 1e6


def machine() -> dict[str, Any]:
    return {
        "cores": joblib.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "numba": numba.__version__,
        "cifar10_aug": cifar10_aug.__version__,
    }


def measure(rows: dict[str, Make], slow: dict[str, Make], count: int, rounds: int) -> Any:
    """Times of all rows, round by round; slow rows take part in the first rounds only."""
    kept = {name: make() for name, make in {**rows, **slow}.items()}
    for ds in kept.values():
        microseconds(ds, count)  # Once to warm up.
    times: dict[str, list[float]] = {name: [] for name in kept}
    for number in range(rounds):
        for name, ds in kept.items():
            if name in rows or number < 2:
                times[name].append(microseconds(ds, count))
        print(f"round {number + 1} of {rounds} done", flush=True)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", help="archive or folder of CIFAR-10 [default: the sample]")
    parser.add_argument("--batch-size", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    args = parser.parse_args()

    found = (local.read(args.source) if args.source else drawn.read()).train
    images, labels = found.images, found.labels
    name = "cifar10_aug" if args.source else "cifar10_aug_sample"
    kwargs = {"source": args.source} if args.source else {}
    with tempfile.TemporaryDirectory() as data_dir:
        tfds.builder(f"{name}/plain", data_dir=data_dir, **kwargs).download_and_prepare()

        def ours(recipe: str, batch_size: int) -> tf.data.Dataset:
            return tfds.load(
                f"{name}/{recipe}",
                split="train",
                batch_size=batch_size,
                shuffle_files=True,
                as_supervised=True,
                data_dir=data_dir,
            )

        rows: dict[str, Make] = {}
        slow: dict[str, Make] = {}
        for size in args.batch_size:
            rows[f"un-augmented, batch {size}"] = lambda b=size: unaugmented(images, labels, b)  # type: ignore[misc]
            for recipe in (RECIPE, "standard"):
                rows[f"{recipe}, batch {size}"] = lambda r=recipe, b=size: ours(r, b)  # type: ignore[misc]
            slow[f"joblib + Keras, batch {size}"] = lambda b=size: joblib_and_keras(  # type: ignore[misc]
                images, labels, b
            )
        times = measure(rows, slow, len(images), args.rounds)

    result = {
        "images": len(images),
        "source": "CIFAR-10" if args.source else "sample",
        "rounds": args.rounds,
        "machine": machine(),
        "microseconds": times,
    }
    print(table(times, args.batch_size))
    print(json.dumps(result["machine"]))
    if args.out:
        args.out.write_text(json.dumps(result, indent=2) + "\n")


def table(times: dict[str, list[float]], batch_sizes: list[int]) -> str:
    """Medians, spreads, and the median of the ratios to the floor in the same round."""
    lines = ["| row | µs an image, median (least to most) | of un-augmented |", "|---|---|---|"]
    for size in batch_sizes:
        floor = times[f"un-augmented, batch {size}"]
        for name, row in times.items():
            if name.endswith(f"batch {size}"):
                ratio = statistics.median(a / b for a, b in zip(row, floor, strict=False))
                lines.append(
                    f"| {name} | {statistics.median(row):.2f} ({min(row):.2f} to {max(row):.2f}) "
                    f"| {ratio:.2f} × |"
                )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
