"""Trains the same model on one way to augment after the other, and says what input costs.

    python scripts/train_table.py --source cifar-10-binary.tar.gz --model resnet --images 10000

Ways take turns, epoch after epoch, each with its own model that begins with the same weights.
A step's wait is the time until the next batch is there. Memory is that of a separate process
which reads an epoch and trains nothing. Prints a table, and writes it as JSON.
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from options import failing_in_one_line, table_options

if __name__ == "__main__":
    # Before the imports that take seconds: --help and bad usage end here.
    table_options()

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from fresh_process import resident_megabytes
from models import MODELS
from peers import joblib_and_keras, keras_layers

from cifar10_aug.cli import timing
from cifar10_aug.data import sample
from cifar10_aug.data.sources import local

RECIPE = "rotate30+erase"
BATCH = 128
TEST_BATCH = 500
COPIES = 5
NONE = "no augmentation"
Ways = dict[str, Callable[[], Iterable[Any]]]


def ways_of(name: str, images: int | None, data_dir: str) -> Ways:
    """What makes each way's dataset; all return uint8 images and labels, shuffled."""
    split = "train" if images is None else f"train[:{images}]"

    @functools.cache
    def arrays() -> tuple[np.ndarray, np.ndarray]:
        return np.load(f"{data_dir}/images.npy"), np.load(f"{data_dir}/labels.npy")

    def ours(config: str, split: str = split, **options: Any) -> tf.data.Dataset:
        return tfds.load(
            f"{name}/{config}",
            split=split,
            batch_size=BATCH,
            shuffle_files=True,
            as_supervised=True,
            data_dir=data_dir,
            builder_kwargs=options,
        )

    def frozen() -> Iterable[Any]:
        """A copy an epoch, one after the other."""
        count = len(arrays()[1])
        whole = tfds.builder(f"{name}/plain", data_dir=data_dir).info.splits["train"].num_examples
        config = f"{RECIPE}-x{COPIES}"
        parts = [f"train[{k * whole}:{k * whole + count}]" for k in range(COPIES)]
        return Turns([ours(config, part) for part in parts])

    return {
        NONE: lambda: timing.unaugmented(*arrays(), BATCH),
        "joblib + Keras": lambda: joblib_and_keras(*arrays(), BATCH),
        "keras.layers.RandomRotation (no erasing)": lambda: keras_layers(*arrays(), BATCH),
        "cifar10_aug, eager": lambda: ours(RECIPE),
        "cifar10_aug, graph": lambda: ours(RECIPE, engine="graph"),
        "cifar10_aug, graph with XLA": lambda: ours(RECIPE, engine="graph", jit_compile=True),
        f"cifar10_aug, frozen -x{COPIES}": frozen,
    }


class Turns:
    """Datasets of which each iteration takes the next."""

    def __init__(self, datasets: list[Iterable[Any]]):
        self._datasets, self._iterations = datasets, 0

    def __iter__(self) -> Any:
        self._iterations += 1
        return iter(self._datasets[(self._iterations - 1) % len(self._datasets)])


def in_range(images: Any) -> Any:
    return tf.cast(images, tf.float32) / 64.0 - 2.0


class Trainee:
    """A model that one way trains, and how its epochs went."""

    def __init__(self, model: str, rate: float, dataset: Iterable[Any]):
        keras.utils.set_random_seed(0)
        self._model = MODELS[model]()
        self._loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, clipnorm=5.0)
        self._optimizer.build(self._model.trainable_variables)
        self._dataset = dataset
        self._step = tf.function(self._learn, reduce_retracing=True)
        self.epochs: list[dict[str, float]] = []

    def _learn(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = self._loss(labels, self._model(in_range(images), training=True))
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def epoch(self) -> None:
        start, wait, examples = time.perf_counter(), 0.0, 0
        iterator = iter(self._dataset)
        while True:
            asked = time.perf_counter()
            batch = next(iterator, None)
            wait += time.perf_counter() - asked
            if batch is None:
                break
            float(self._step(*batch))
            examples += len(batch[1])
        seconds = time.perf_counter() - start
        self.epochs.append({"seconds": seconds, "wait": wait / seconds, "examples": examples})

    def accuracy(self, test: Iterable[Any]) -> float:
        predict = tf.function(lambda images: self._model(in_range(images), training=False))
        right, count = 0, 0
        for images, labels in test:
            found = np.argmax(predict(images), axis=1)
            right, count = right + int((found == labels.numpy()).sum()), count + len(found)
        return right / count


def memory(make: Callable[[], Iterable[Any]]) -> float:
    """Megabytes that an epoch of a way adds to TensorFlow's own."""
    list(tf.data.Dataset.range(10).map(lambda x: x + 1, num_parallel_calls=2).prefetch(1))
    before = resident_megabytes()
    for _ in make():
        pass
    return resident_megabytes() - before


def table(rows: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| input | seconds an epoch | of no augmentation | waiting for input | examples/s "
        "| memory | test accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        seconds = [epoch["seconds"] for epoch in row["epochs"]]
        first = [epoch["seconds"] for epoch in rows[NONE]["epochs"]]
        ratio = statistics.median(a / b for a, b in zip(seconds, first, strict=True))
        wait = statistics.median(epoch["wait"] for epoch in row["epochs"])
        median = statistics.median(seconds)
        lines.append(
            f"| {name} | {median:.2f} | {ratio:.3f} × | {wait:.1%} "
            f"| {row['epochs'][0]['examples'] / median:,.0f} | {row['memory']:.0f} MB "
            f"| {row['accuracy']:.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    args = table_options()
    name = "cifar10_aug" if args.source else "cifar10_aug_sample"
    if args.memory:
        way, data_dir = args.memory
        print(memory(ways_of(name, args.images, data_dir)[way]))
        return
    found = (local.read(args.source) if args.source else sample.read()).train
    kwargs: dict[str, Any] = {"source": args.source} if args.source else {}
    with tempfile.TemporaryDirectory() as data_dir:
        for config in ("plain", f"{RECIPE}-x{COPIES}"):
            tfds.builder(f"{name}/{config}", data_dir=data_dir, **kwargs).download_and_prepare()
        np.save(f"{data_dir}/images.npy", found.images[: args.images])
        np.save(f"{data_dir}/labels.npy", found.labels[: args.images])
        ways = ways_of(name, args.images, data_dir)
        rows: dict[str, dict[str, Any]] = {}
        for way in ways:
            command = [sys.executable, *sys.argv, "--memory", way, data_dir]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            rows[way] = {"memory": float(done.stdout.splitlines()[-1])}
            print(f"{way}: {rows[way]['memory']:.0f} MB", flush=True)
        trainees = {
            way: Trainee(args.model, args.learning_rate, make()) for way, make in ways.items()
        }
        for number in range(args.epochs):
            for trainee in trainees.values():
                trainee.epoch()
            print(f"epoch {number + 1} of {args.epochs} done", flush=True)
        test = tfds.load(
            f"{name}/plain",
            split="test",
            batch_size=TEST_BATCH,
            as_supervised=True,
            data_dir=data_dir,
        )
        for way, trainee in trainees.items():
            rows[way] |= {"epochs": trainee.epochs, "accuracy": trainee.accuracy(test)}
    about = {
        **{"model": args.model, "images": args.images, "epochs": args.epochs},
        **timing.machine(),
    }
    print(f"\n{table(rows)}\n{json.dumps(about)}")
    if args.out:
        args.out.write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    with failing_in_one_line():
        main()
