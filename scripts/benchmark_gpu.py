"""Times the Keras layer of three recipes on a GPU, and the training step of a small ResNet with it.

    python scripts/benchmark_gpu.py --out gpu.json

Beside it are torchvision's transforms.v2 and Kornia on the same GPU, where they are installed.
Images are on the GPU already, results stay there, and the clock stops when the GPU has finished.
Rows take turns, round after round. Ctrl-C ends it early: what was measured until then is shown and
written. Without a GPU it says so and ends; --device cpu runs the same on the processor.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import models
import numpy as np
import tensorflow as tf
from options import Parser, count, failing_in_one_line

from cifar10_aug import Recipe
from cifar10_aug.cli import timing
from cifar10_aug.data import sample

RECIPES = ("standard", "rotate30+erase", "randaugment_n2_m9")
ALONE = "step of the small ResNet"
EACH = "image by image"


def layer_of(recipe: str) -> keras.layers.Layer:
    return Recipe.parse(recipe).layer(jit_compile=True)


def layer_pass(recipe: str, images: tf.Tensor, calls: int) -> timing.Pass:
    """Augments a batch some times, by the layer alone."""
    layer = layer_of(recipe)
    augment = tf.function(lambda images: layer(images, training=True), autograph=False)
    return _repeated(lambda: augment(images), calls, tf.test.experimental.sync_devices)


def step_pass(
    front: list[keras.layers.Layer], images: tf.Tensor, labels: tf.Tensor, calls: int
) -> timing.Pass:
    """Trains the small ResNet on a batch some times, compiled by XLA.

    Args:
        front: layers that come first.
        images: uint8 [batch, height, width, 3].
        labels: int64 [batch].
        calls: how many steps.
    """
    given = keras.Input(images.shape[1:], dtype="uint8")
    model = keras.Sequential([given, *front, keras.layers.Rescaling(1 / 255), models.resnet()])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=True, autograph=False)
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            found = loss(labels, model(images, training=True))
        gradients = tape.gradient(found, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return found

    return _repeated(step, calls, tf.test.experimental.sync_devices)


def _repeated(work: Callable[[], object], calls: int, finish: Callable[[], object]) -> timing.Pass:
    def run() -> None:
        for _ in range(calls):
            work()
        finish()

    return run


def ours(images: np.ndarray, labels: np.ndarray, device: str, calls: int) -> dict[str, timing.Pass]:
    """The layers, and the steps without and with each."""
    with tf.device(f"/{device.upper()}:0"):
        batch, truth = tf.constant(images), tf.constant(labels)
        rows = {f"layer, {recipe}": layer_pass(recipe, batch, calls) for recipe in RECIPES}
        rows[ALONE] = step_pass([], batch, truth, calls)
        for recipe in RECIPES:
            rows[f"{ALONE}, {recipe}"] = step_pass([layer_of(recipe)], batch, truth, calls)
    return rows


def torch_passes(images: np.ndarray, device: str, calls: int) -> dict[str, timing.Pass]:
    """What is installed of torchvision and Kornia; says what is left out."""
    if importlib.util.find_spec("torch") is None:
        print("torchvision and Kornia are left out: torch is not installed")
        return {}
    import torch

    if device == "gpu" and not torch.cuda.is_available():
        print("torchvision and Kornia are left out: torch sees no GPU")
        return {}
    where, finish = ("cuda", torch.cuda.synchronize) if device == "gpu" else ("cpu", lambda: None)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(where)
    works: dict[str, Callable[[], object]] = {}
    for library, transforms in (
        ("torchvision", torchvision_transforms),
        ("Kornia", kornia_transforms),
    ):
        if importlib.util.find_spec(library.lower()) is None:
            print(f"{library} is left out: it is not installed")
            continue
        for recipe, change in transforms().items():
            works[f"{library}, {recipe}, batch"] = functools.partial(change, batch)
            if library == "torchvision":
                works[f"{library}, {recipe}, {EACH}"] = functools.partial(_each, change, batch)
    return {row: _repeated(work, calls, finish) for row, work in works.items()}


def _each(change: Callable[[Any], Any], batch: Any) -> Any:
    """As torchvision's draws need it: a transform draws once a call."""
    import torch

    return torch.stack([change(image) for image in batch])


def torchvision_transforms() -> dict[str, Callable[[Any], Any]]:
    """By recipes."""
    from torchvision.transforms import v2

    return {
        "standard": v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()]),
        "rotate30+erase": v2.Compose(
            [
                v2.RandomRotation(30, v2.InterpolationMode.BILINEAR),
                v2.RandomErasing(0.5, (0.02, 0.4), (0.3, 3.3)),
            ]
        ),
        "randaugment_n2_m9": v2.RandAugment(2, 9),
    }


def kornia_transforms() -> dict[str, Callable[[Any], Any]]:
    """By recipes; levels become floats from 0 to 1, which these are for, and levels again."""
    import kornia.augmentation as K
    from kornia.augmentation import auto

    def of_levels(*transforms: Any) -> Callable[[Any], Any]:
        change = K.AugmentationSequential(*transforms, data_keys=["input"])
        return lambda batch: (change(batch.float() / 255) * 255).byte()

    return {
        "standard": of_levels(K.RandomCrop((32, 32), padding=4), K.RandomHorizontalFlip()),
        "rotate30+erase": of_levels(
            K.RandomRotation(30.0, p=1), K.RandomErasing((0.02, 0.4), (0.3, 3.3), p=0.5)
        ),
        "randaugment_n2_m9": of_levels(auto.RandAugment(2, 9)),
    }


def measure(args: argparse.Namespace, times: dict[str, list[float]]) -> None:
    """Fills in microseconds an image, round by round."""
    split = sample.read().train
    chosen = np.arange(args.batch_size) % len(split.images)
    images = split.images[chosen]
    rows = ours(images, split.labels[chosen], args.device, args.calls)
    rows.update(torch_passes(images, args.device, args.calls))
    slow = [row for row in rows if row.endswith(EACH)]
    timing.in_turns(rows, args.batch_size * args.calls, args.rounds, seldom=slow, times=times)


def lack(row: str) -> str:
    """What a row does less than ours; "" for nothing."""
    if row.startswith("torchvision") and row.endswith("batch"):
        return "one draw for the whole batch"
    return "one choice of ops for the whole batch" if row.startswith("Kornia, rand") else ""


def table(times: dict[str, list[float]]) -> str:
    lines = ["| row | µs an image, median (least to most) | of the step alone |", "|---|---|---|"]
    for name, measured in times.items():
        lacks = f" ({lack(name)})" if lack(name) else ""
        ratio = ""
        if name.startswith(ALONE):
            ratio = f"{timing.against(times, name, ALONE).ratio:.3f} ×"
        lines.append(f"| {name}{lacks} | {timing.Row(measured, 0.0).spread} | {ratio} |")
    return "\n".join(lines)


def about(args: argparse.Namespace, gpus: list[Any]) -> dict[str, Any]:
    """What was measured, and on what."""
    details = tf.config.experimental.get_device_details(gpus[0]) if args.device == "gpu" else {}
    return {
        "device": details.get("device_name", args.device),
        "batch": args.batch_size,
        "calls": args.calls,
        "rounds": args.rounds,
        **timing.machine(),
    }


def main() -> None:
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--device", default="gpu", choices=("gpu", "cpu"), help="[default: %(default)s]"
    )
    parser.add_argument("--batch-size", type=count, default=512, help="[default: %(default)s]")
    parser.add_argument("--calls", type=count, default=20, help="a round [default: %(default)s]")
    parser.add_argument("--rounds", type=count, default=7, help="[default: %(default)s]")
    parser.add_argument("--out", type=Path, help="JSON file to write [default: none]")
    args = parser.parse_args()

    gpus = tf.config.list_physical_devices("GPU")
    if args.device == "gpu" and not gpus:
        print("Nothing was measured: TensorFlow sees no GPU; --device cpu times the processor.")
        return
    for gpu in gpus:
        # Torch needs memory beside TensorFlow.
        tf.config.experimental.set_memory_growth(gpu, True)
    times: dict[str, list[float]] = {}
    interrupted = False
    try:
        measure(args, times)
    except KeyboardInterrupt:
        if not any(times.values()):
            sys.exit("Interrupted before anything was measured.")
        interrupted = True
    times = {name: measured for name, measured in times.items() if measured}
    print(table(times))
    result = {"about": about(args, gpus), "microseconds": times}
    print(json.dumps(result["about"]))
    if args.out:
        args.out.write_text(json.dumps(result, indent=2) + "\n")
    if interrupted:
        sys.exit("Interrupted; this is what was measured until then.")


if __name__ == "__main__":
    with failing_in_one_line():
        main()
