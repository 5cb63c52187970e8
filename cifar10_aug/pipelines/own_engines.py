"""Runs a recipe on the images that arrive from a user's dataset, whatever their size."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from cifar10_aug._compat.shutdown import GATE
from cifar10_aug.data.images import SHAPE
from cifar10_aug.engines import arguments
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.engines.tensorflow import mixing as graph_mixing
from cifar10_aug.engines.tensorflow.engine import GraphEngine
from cifar10_aug.engines.tensorflow.pixels import pack
from cifar10_aug.pipelines import levels
from cifar10_aug.pipelines.eager import surviving

# See `online`: pipelines own no memory.
_BUFFERS = Buffers()
_MOST_SIZES = 64


class OwnEngine(Protocol):
    """Augments batches, all of one call at once."""

    def __call__(
        self,
        epoch: tf.Tensor,
        ids: tf.Tensor,
        parts: Sequence[tf.Tensor],
        label: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor | None]:
        """Takes several batches as one graph's tensors.

        Args:
            epoch: int64 [].
            ids: of all images of all batches, integers [images].
            parts: the batches, uint8 or floats from 0 to 1 [batch, height, width, 3] each.
            label: of the only batch, if the recipe mixes.

        Returns:
            What failed in each batch (or image), or nothing, string [batches]; images of each
            batch, uint8 or float32; mixed labels, float32 [batch, classes].
        """
        ...


class Eager:
    """Compiled loops and functions of the user's, called from TensorFlow."""

    def __init__(self, plan: Plan, seed: int, execution: Execution, *, singly: bool):
        """Takes whether an image that fails costs itself alone, instead of its batch.

        Raises:
            RegistrationError: if a function of the user's cannot run there.
        """
        self._plan, self._singly = plan, singly

        def engine(height: int, width: int) -> Engine:
            arguments.check_size(height, width)
            return Engine(plan, seed, height, width, execution, _BUFFERS)

        self._of_size = functools.lru_cache(_MOST_SIZES)(engine)
        # So that errors come now.
        self._of_size(*SHAPE[:2])

    def __call__(
        self,
        epoch: tf.Tensor,
        ids: tf.Tensor,
        parts: Sequence[tf.Tensor],
        label: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor | None]:
        """See `OwnEngine`."""
        dtype = tf.as_dtype(self._plan.dtype)
        if label is None:
            types = [tf.string, *[dtype] * len(parts)]
            call = GATE.guarded(self._images)
            given = [epoch, ids, *map(levels.readable, parts)]
            failed, *made = tf.numpy_function(call, given, types, stateful=False)
            return failed, made, None
        (part,) = parts
        call = GATE.guarded(self._mixed)
        types = [tf.string, dtype, tf.float32]
        failed, image, shares = tf.numpy_function(
            call, [epoch, ids, levels.readable(part), label], types, stateful=False
        )
        return failed, [image], shares

    def _images(self, epoch: Any, ids: np.ndarray, *parts: np.ndarray) -> list[np.ndarray]:
        keys = arguments.keys_of(ids, sum(map(len, parts)))
        failed, made, first = [], [], 0
        for _, run in itertools.groupby(parts, lambda part: part.shape[1:]):
            alike = list(run)
            ends = np.cumsum([len(part) for part in alike])
            images, wrong = self._alike(epoch, keys[first : first + ends[-1]], alike, ends)
            failed.append(wrong)
            made += np.split(images, ends[:-1])
            first += int(ends[-1])
        return [np.concatenate(failed), *made]

    def _alike(
        self, epoch: Any, keys: np.ndarray, parts: list[np.ndarray], ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Images of one size, and what failed in each part."""
        if not len(keys):
            shape = (0, *parts[0].shape[1:])
            failed = np.full(0 if self._singly else len(parts), b"", object)
            return np.empty(shape, self._plan.dtype), failed
        source, engine = _source(parts), self._of_size(*parts[0].shape[1:3])
        rows = np.arange(len(keys))
        return surviving(
            lambda part: engine(source, rows[part], keys[part], int(epoch)),
            range(1, len(keys) + 1) if self._singly else ends.tolist(),
            parts[0].shape[1:],
            self._plan.dtype,
        )

    def _mixed(
        self, epoch: Any, ids: np.ndarray, part: np.ndarray, label: np.ndarray
    ) -> list[np.ndarray]:
        count, classes = len(part), self._plan.dataset.num_classes
        keys = arguments.keys_of(ids, count)
        shares = _shares(label, count, classes)
        if not count:
            return [np.full(1, b"", object), np.empty(part.shape, self._plan.dtype), shares]
        source, engine = _source([part]), self._of_size(*part.shape[1:3])
        rows = np.arange(count)
        partners = Partners.of(source, rows, keys, shares)
        image, failed = surviving(
            lambda part: engine(source, rows[part], keys[part], int(epoch), partners),
            [count],
            part.shape[1:],
            self._plan.dtype,
        )
        return [failed, image, engine.soft_labels(shares, keys, int(epoch), partners)]


def _shares(label: np.ndarray, count: int, classes: int) -> np.ndarray:
    shares = arguments.shares_of_classes(label, count, classes)
    if shares.shape[1] != classes:
        raise ValueError(
            f"labels are shares of {shares.shape[1]} classes, and num_classes is {classes}; give "
            "the number that the labels have"
        )
    return shares


def _source(parts: list[np.ndarray]) -> Source:
    source, first = Source.empty(sum(map(len, parts)), *parts[0].shape[1:3]), 0
    for part in parts:
        source.write(first, levels.of(part))
        first += len(part)
    return source


class Graph:
    """TensorFlow ops alone, on images of one size."""

    def __init__(self, plan: Plan, seed: int, height: int, width: int, *, jit_compile: bool):
        """Takes a recipe that `support.check` lets pass."""
        self._engine = GraphEngine(plan, seed, height, width)
        self._classes = plan.dataset.num_classes
        self._jit_compile = jit_compile

    def __call__(
        self,
        epoch: tf.Tensor,
        ids: tf.Tensor,
        parts: Sequence[tf.Tensor],
        label: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor | None]:
        """See `OwnEngine`; nothing fails."""
        images = tf.concat(parts, axis=0) if len(parts) > 1 else parts[0]
        images = levels.readable(images)
        call = GATE.guarded(self._checked)
        given = [ids, images] if label is None else [ids, images, label]
        types = [tf.int64, tf.uint8, tf.float32][: len(given)]
        keys, made, *shares = tf.numpy_function(call, given, types, stateful=False)
        keys.set_shape([images.shape[0]])
        made.set_shape(images.shape)
        if label is None:
            made = self._run(self._images, epoch, keys, made)
            mixed = None
        else:
            shares[0].set_shape([images.shape[0], self._classes])
            made, mixed = self._run(self._mixed, epoch, keys, made, *shares)
        made = tf.split(made, [tf.shape(part)[0] for part in parts]) if len(parts) > 1 else [made]
        return tf.zeros([len(parts)], tf.string), made, mixed

    def _run(self, call: Any, *given: tf.Tensor) -> Any:
        if self._jit_compile:
            call = tf.function(call, jit_compile=True, autograph=False)
        return call(*given)

    def _images(self, epoch: tf.Tensor, keys: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
        return self._engine(pack(images), keys, epoch)

    def _mixed(
        self, epoch: tf.Tensor, keys: tf.Tensor, images: tf.Tensor, shares: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = pack(images)
        partners = graph_mixing.Partners.of(pixels, keys, shares)
        made = self._engine(pixels, keys, epoch, partners)
        return made, self._engine.soft_labels(shares, keys, epoch, partners)

    def _checked(self, ids: np.ndarray, images: np.ndarray, *label: np.ndarray) -> list[np.ndarray]:
        keys = arguments.keys_of(ids, len(images)).astype(np.int64)
        return [keys, levels.of(images), *(_shares(one, len(images), self._classes) for one in label)]
