"""Runs recipes with the graph engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.tensorflow.engine import GraphEngine
from cifar10_aug.engines.tensorflow.mixing import Partners
from cifar10_aug.engines.tensorflow.pixels import pack
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws


def graph_of(recipe: Recipe, seed: int, height: int, width: int) -> Any:
    """(images, classes, keys, epoch) → (images, labels); partners are the batch."""
    engine = GraphEngine(recipe.plan, seed, height, width)

    def run(images: Any, classes: Any, keys: Any, epoch: Any) -> tuple[Any, Any]:
        packed = pack(images)
        own = tf.one_hot(classes, 10)
        if not recipe.mixes:
            smooth = recipe.softens and engine.soft_labels(own, keys, epoch, None)
            return engine(packed, keys, epoch), smooth if recipe.softens else classes
        partners = Partners(
            count=images.shape[0],
            rows=tf.identity,
            pixels=lambda rows: tf.gather(packed, rows),
            keys=lambda rows: tf.gather(keys, rows),
            labels=lambda rows: tf.gather(own, rows),
        )
        return engine(packed, keys, epoch, partners), engine.soft_labels(own, keys, epoch, partners)

    return run


def run(
    recipe: Recipe,
    images: np.ndarray,
    ids: np.ndarray,
    *,
    seed: int = 0,
    epoch: int = 0,
    how: str = "graph",
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels; `how` is "op by op", "graph" or "XLA"; ids ascend, labels are theirs."""
    made = graph_of(recipe, seed, *images.shape[1:3])
    if how != "op by op":
        # As in pipelines and layers.
        made = tf.function(made, jit_compile=how == "XLA", autograph=False)
    keys = draws.example_keys(ids).astype(np.int64)
    found = made(
        tf.constant(images), tf.constant(ids % 10), tf.constant(keys), tf.constant(epoch, tf.int64)
    )
    return found[0].numpy(), found[1].numpy()
