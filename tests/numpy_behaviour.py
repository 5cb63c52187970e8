"""What layers and pipelines make, to be compared where TensorFlow behaves like NumPy.

As a program: `DATA_DIR MODE …` forks for each mode, which switches the behaviour on, and prints
digests of it all, a line for each.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)


def made(data_dir: str) -> dict[str, str]:
    """Dtypes and digests."""
    found: dict[str, np.ndarray] = {}
    for training in (False, True):
        layer = Recipe.parse("rotate30+erase_p0.7+rescale").layer(seed=2**64 - 1, name="one")
        for given in (IMAGES, IMAGES.astype(np.float32), IMAGES.astype(np.int64)):
            found[f"layer {training} {given.dtype}"] = layer(given, training=training).numpy()
    compiled = Recipe.parse("flip+normalize").layer(jit_compile=True, name="two")
    found["compiled"] = compiled(IMAGES).numpy()
    for engine in ("eager", "graph"):
        ds = tfds.load(
            "cifar10_aug/erase_p0.7+resizemix",
            split="train[:10]+test[:7]",
            batch_size=8,
            shuffle_files=True,
            data_dir=data_dir,
            read_config=tfds.ReadConfig(add_tfds_id=True),
            builder_kwargs={
                "engine": engine,
                "seed": 2**64 - 1,
                "start_epoch": 2**32 - 9,
                "start_step": 1,
            },
        )
        for step, batch in enumerate(ds.repeat(2).as_numpy_iterator()):
            for name, values in batch.items():
                found[f"{engine} {step} {name}"] = values.astype(
                    "S" if values.dtype == object else values.dtype
                )
    return {
        name: f"{values.dtype} {hashlib.sha256(values.tobytes()).hexdigest()}"
        for name, values in found.items()
    }


def show(data_dir: str, mode: str) -> None:
    tf.experimental.numpy.experimental_enable_numpy_behavior(
        dtype_conversion_mode=mode, prefer_float32=mode == "all"
    )
    sys.stdout.write(json.dumps(made(data_dir)) + "\n")
    sys.stdout.flush()
    if mode == "safe":  # What it does not refuse, "all" does in the same way.
        from tests.engines.tensorflow.test_engine import assert_same

        for name in OPS:
            assert_same(name, "op by op", seed=2**64 - 1)


def main(data_dir: str, *modes: str) -> None:
    for mode in modes:
        child = os.fork()
        if not child:
            return show(data_dir, mode)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(1)
