"""Runs a recipe on the images that arrive from a user's dataset, whatever their size."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from cifar10_aug._compat.shutdown import GATE
from cifar10_aug.data.images import SHAPE
from cifar10_aug.engines import arguments
from cifar10_aug.engines.numba import views
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.engines.stages import Pass
from cifar10_aug.engines.tensorflow import mixing as graph_mixing
from cifar10_aug.engines.tensorflow import views as graph_views
from cifar10_aug.engines.tensorflow.pixels import pack
from cifar10_aug.pipelines import levels
from cifar10_aug.pipelines.blocks import surviving

# See `online`: pipelines own no memory.
_BUFFERS = Buffers()
_MOST_SIZES = 64


class Given(NamedTuple):
    """What one call augments, as tensors: few, since each costs time in each iteration.

    Attributes:
        epoch: int64 [].
        count: how many of the parts are there, int64 []; those that follow are fillers.
        ids: of the images of each part, integers [images], or the first one's, int64 [], which the
            others follow.
        parts: a batch, [images, height, width, 3], or an image, [height, width, 3].
        label: of the only part, if the recipe changes labels.
    """

    epoch: tf.Tensor
    count: tf.Tensor
    ids: Sequence[tf.Tensor]
    parts: Sequence[tf.Tensor]
    label: tf.Tensor | None = None


class Made(NamedTuple):
    """What comes back.

    Attributes:
        failed: what failed in each part (or image), or nothing, string [parts].
        parts: of the same shapes.
        label: mixed or smooth, float32 [images, classes], if the recipe changes labels.
    """

    failed: tf.Tensor
    parts: Sequence[tf.Tensor]
    label: tf.Tensor | None = None


class OwnEngine(Protocol):
    """Augments what one call is given."""

    def __call__(self, given: Given) -> Made:
        """Adds to the graph that is being built."""
        ...


class _Parts:
    """The arrays of one call, fillers left out."""

    def __init__(self, count: Any, arrays: tuple[np.ndarray, ...]):
        """Takes ids, then images."""
        ids, parts = arrays[: len(arrays) // 2], arrays[len(arrays) // 2 :]
        self.images = [part if part.ndim == 4 else part[None] for part in parts[:count]]
        numbers = [
            one if one.ndim else one + np.arange(len(image))
            for one, image in zip(ids, self.images, strict=False)
        ]
        self.keys = np.concatenate(
            [
                arguments.keys_of(one, len(image))
                for one, image in zip(numbers, self.images, strict=True)
            ]
        )
        self.single = parts[0].ndim == 3
        self.fillers = list(parts[count:])

    def restored(self, images: list[np.ndarray], dtype: Any) -> list[np.ndarray]:
        """Images in the shapes of the parts, fillers appended."""
        shaped = [image[0] for image in images] if self.single else images
        return [*shaped, *(one.astype(dtype) for one in self.fillers)]


class Eager:
    """Compiled loops and functions of the user's, called from TensorFlow."""

    def __init__(
        self, plan: Plan, seed: int, execution: Execution, dtype: tf.DType, *, singly: bool
    ):
        """Takes the images' dtype, and whether one that fails costs itself alone, not its batch.

        Raises:
            RegistrationError: if a function of the user's cannot run there.
        """
        self._plan, self._singly = plan, singly
        self._dtype = dtype if plan.dtype == "uint8" else tf.float32
        last = [one.stages[-1] for one in plan.views or (plan,)]
        self._fractions = dtype == tf.float32 and all(isinstance(one, Pass) for one in last)
        self._made = "float32" if self._fractions else plan.dtype

        def engine(height: int, width: int) -> views.AnyEngine:
            arguments.check_size(height, width)
            return views.engine(
                plan, seed, height, width, execution, _BUFFERS, fractions=self._fractions
            )

        self._of_size = functools.lru_cache(_MOST_SIZES)(engine)
        # So that errors come now.
        self._of_size(*SHAPE[:2])

    def __call__(self, given: Given) -> Made:
        """See `OwnEngine`."""
        arrays = [given.epoch, given.count, *given.ids, *given.parts]
        types = [tf.string, *[self._dtype] * len(given.parts)]
        if given.label is None:
            call = GATE.guarded(self._images)
            failed, *made = tf.numpy_function(call, arrays, types, stateful=False)
            return Made(failed, made)
        arrays, types = [*arrays, given.label], [*types, tf.float32]
        call = GATE.guarded(self._mixed)
        failed, image, label = tf.numpy_function(call, arrays, types, stateful=False)
        return Made(failed, [image], label)

    def _images(self, epoch: Any, count: Any, *arrays: np.ndarray) -> list[np.ndarray]:
        parts = _Parts(count, arrays)
        failed, made, first = [], [], 0
        for _, run in itertools.groupby(parts.images, lambda part: part.shape[1:]):
            alike = list(run)
            ends = np.cumsum([len(part) for part in alike])
            keys = parts.keys[first : first + ends[-1]]
            images, wrong, _ = self._alike(epoch, keys, alike, ends)
            failed.append(wrong)
            made += np.split(images, ends[:-1])
            first += int(ends[-1])
        fillers = np.full(len(parts.fillers), b"", object)
        return [np.concatenate([*failed, fillers]), *parts.restored(made, self._numpy_dtype)]

    def _alike(
        self,
        epoch: Any,
        keys: np.ndarray,
        parts: list[np.ndarray],
        ends: np.ndarray,
        shares: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Images of one size, what failed in each part, and what becomes of shares of classes."""
        height, width, _ = parts[0].shape[1:]
        shape = self._plan.shape(height, width)
        if not len(keys):
            failed = np.full(0 if self._singly else len(parts), b"", object)
            return np.empty((0, *shape), self._numpy_dtype), failed, shares
        source, engine = _source(parts), self._of_size(height, width)
        rows = np.arange(len(keys))
        partners = None if shares is None else Partners.of(source, rows, keys, shares)
        images, failed = surviving(
            lambda part: engine(source, rows[part], keys[part], int(epoch), partners),
            range(1, len(keys) + 1) if self._singly else ends.tolist(),
            shape,
            self._made,
        )
        if shares is not None:
            shares = engine.soft_labels(shares, keys, int(epoch), partners)
        return self._finished(images), failed, shares

    def _mixed(
        self, epoch: Any, count: Any, ids: np.ndarray, part: np.ndarray, label: np.ndarray
    ) -> list[Any]:
        parts = _Parts(count, (ids, part))
        shares = _shares(label, len(part), self._plan.dataset.num_classes)
        ends = np.array([len(part)])
        image, failed, soft = self._alike(epoch, parts.keys, [part], ends, shares)
        return [failed, image, soft]

    @property
    def _numpy_dtype(self) -> Any:
        return self._dtype.as_numpy_dtype

    def _finished(self, images: np.ndarray) -> np.ndarray:
        if self._made == "float32" or self._dtype == tf.uint8:
            return images
        out = _BUFFERS.empty(images.shape, self._numpy_dtype)
        levels.back(images, out)
        return out


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

    def __init__(
        self, plan: Plan, seed: int, height: int, width: int, dtype: tf.DType, *, jit_compile: bool
    ):
        """Takes a recipe that `support.check` lets pass, and the images' dtype."""
        self._engine = graph_views.engine(plan, seed, height, width)
        self._size, self._dtype = (height, width), dtype
        self._classes = plan.dataset.num_classes
        self._jit_compile = jit_compile

    def __call__(self, given: Given) -> Made:
        """See `OwnEngine`; nothing fails."""
        arrays = [given.count, *given.ids, *given.parts]
        types = [tf.int64, tf.int64, tf.uint8]
        call = GATE.guarded(self._checked)
        if given.label is not None:
            arrays, types = [*arrays, given.label], [*types, tf.float32]
            call = GATE.guarded(self._checked_with_label)
        lengths, keys, images, *shares = tf.numpy_function(call, arrays, types, stateful=False)
        keys.set_shape([None])
        lengths.set_shape([len(given.parts)])
        images.set_shape([None, *self._size, 3])
        label = None
        if given.label is None:
            made = self._run(self._images, given.epoch, keys, images)
        else:
            shares[0].set_shape([None, self._classes])
            made, label = self._run(self._mixed, given.epoch, keys, images, *shares)
        if made.dtype == tf.uint8 and self._dtype != tf.uint8:
            made = levels.back_in_graph(made, self._dtype)
        parts = tf.split(made, lengths) if len(given.parts) > 1 else [made]
        if given.parts[0].shape.rank == 3:
            parts = [tf.reshape(part, tf.shape(part)[1:]) for part in parts]
        return Made(tf.zeros([len(parts)], tf.string), parts, label)

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

    def _checked(self, count: Any, *arrays: np.ndarray) -> list[np.ndarray]:
        parts = _Parts(count, arrays)
        lengths = np.array([*map(len, parts.images), *[0] * len(parts.fillers)], np.int64)
        found = [levels.of(image) for image in parts.images]
        return [lengths, parts.keys.astype(np.int64), np.concatenate(found)]

    def _checked_with_label(self, count: Any, *arrays: np.ndarray) -> list[np.ndarray]:
        *given, label = arrays
        made = self._checked(count, *given)
        return [*made, _shares(label, len(made[1]), self._classes)]
