"""Writes one shard, in whatever process; TensorFlow is not imported."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterator

import numpy as np

from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.records import examples
from cifar10_aug.data.records.formats import FORMATS
from cifar10_aug.data.spec import DatasetSpec
from cifar10_aug.engines.arguments import one_hot
from cifar10_aug.engines.numba import views
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.python import worker_process
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.frozen.shards import TRAIN, Frozen, Shard
from cifar10_aug.frozen.staging import Finished, Staging
from cifar10_aug.recipes.function_pickling import Carried
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws
from cifar10_aug.rng.names import example_ids

# As many images as fit into a core's cache with what is made of them.
_CHUNK = 512


def write(staging: Staging, shard: Shard) -> Finished:
    """Writes a shard and records its digest; a shard that is there already stays untouched."""
    already = staging.finished(shard)
    if already is not None:
        return already
    source, labels = staging.read_source(shard.split)
    with staging.writing(shard) as path:
        chunks = _chunks(shard, source, labels)
        digest = FORMATS[shard.frozen.file_format].write(path, chunks)
        finished = Finished(len(shard), path.stat().st_size, digest)
    staging.record(shard, finished)
    return finished


def _chunks(shard: Shard, source: Source, labels: np.ndarray) -> Iterator[examples.Records]:
    for numbers, images, theirs in augmented(shard, source, labels):
        yield examples.encode(
            example_ids(shard.split, numbers),
            shard.copy,
            images,
            theirs,
            shard.frozen.image_encoding,
            shard.frozen.parsed.dataset.coarse(labels[numbers]),
        )


def augmented(
    shard: Shard, source: Source, labels: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The examples of a shard, chunk by chunk.

    Args:
        shard: which.
        source, labels: of the whole split, labels int64 [n].

    Yields:
        Their numbers, int64 [n]; images, uint8 or float32 [n, *recipe.shape]; labels, int64 [n] or,
        if the recipe mixes examples, float32 [n, classes].
    """
    recipe = shard.frozen.parsed
    made = recipe if shard.split == TRAIN else recipe.clean
    engine = _engine(made, made.dataset, shard.frozen.seed)
    partners = None
    if recipe.softens:
        labels = one_hot(labels, recipe.dataset.num_classes)
    if made.mixes:
        everyone = np.arange(len(labels))
        partners = Partners.of(source, everyone, draws.example_keys(everyone, shard.split), labels)
    size = _CHUNK // (len(recipe.views) or 1)
    for first in range(shard.first, shard.stop, size):
        numbers = np.arange(first, min(first + size, shard.stop))
        keys = draws.example_keys(numbers, shard.split)
        theirs = labels[numbers]
        if made.softens:
            theirs = engine.soft_labels(theirs, keys, shard.copy, partners)
        yield numbers, engine(source, numbers, keys, shard.copy, partners), theirs


@functools.lru_cache(maxsize=4)
def _engine(recipe: Recipe, dataset: DatasetSpec, seed: int) -> views.AnyEngine:
    del dataset  # A part of the key: recipes of other datasets are equal.
    # Shards are what runs in parallel.
    return views.engine(recipe.plan, seed, *SHAPE[:2], execution=Execution(n_jobs=1))


def get_ready(frozen: Frozen, parent: int, carried: Carried) -> None:
    """Loads functions and compiled loops, and makes this worker process end with its parent.

    Interrupts are left to the parent, which ends its workers.
    """
    if os.getpid() != parent:
        worker_process.serve(parent)
    carried.register()
    if frozen.parsed.runs_python:
        # Users' functions see nothing but what is asked for.
        frozen = dataclasses.replace(frozen, recipe="plain")
    source, labels = Source.of(np.zeros((4, *SHAPE), np.uint8)), np.zeros(4, np.int64)
    shard = dataclasses.replace(frozen.shards({TRAIN: 4})[0], stop=4)
    for _ in _chunks(shard, source, labels):
        pass
