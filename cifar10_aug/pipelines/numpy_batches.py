"""What the threads of a `Loader` make: blocks of NumPy batches, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.errors import PythonOpError
from cifar10_aug.pipelines.blocks import Examples, block_sizes, blocks_of, written

LAYOUTS = ("nhwc", "nchw")
Batch = tuple[np.ndarray, np.ndarray]
# A batch, or what failed in it.
Made = Batch | PythonOpError
# More than the eager pipeline has, since batches are let go one by one, and there is no TensorFlow.
_IMAGES_A_CALL = {"uint8": 4096, "float32": 2048}
# Small batches share an array of at least so many images: each array costs ten microseconds.
_IMAGES_AN_ARRAY = 512


class Order(Protocol):
    """In what order an epoch visits its examples; see `blocks.Order`."""

    def positions(self, count: int, epoch: int) -> np.ndarray: ...


class Batches:
    """The batches of all epochs; owns no threads."""

    def __init__(
        self,
        examples: Examples,
        order: Order,
        batch_size: int,
        *,
        drop_last: bool,
        layout: str,
        workers: int,
        reuse: bool,
    ):
        """Takes what is visited and in what order, and how many threads or processes do it.

        With `reuse`, batches are written where earlier ones were.

        Raises:
            ValueError: if `drop_last` leaves no batch.
        """
        self._examples, self._order = examples, order
        self._size, self._channels_first = batch_size, layout == "nchw"
        count = len(examples)
        self._stop = count // batch_size * batch_size if drop_last else count
        if not self._stop:
            raise ValueError(
                f"drop_last leaves no batch: there are {count} examples, and batch_size is "
                f"{batch_size}; give a smaller one, or leave drop_last out"
            )
        python_workers = workers if examples.runs_python else None
        self._examples_a_call, self.threads = blocks_of(
            _IMAGES_A_CALL[examples.dtype], examples.shape, workers, python_workers
        )
        self._examples_a_call = max(batch_size, self._examples_a_call)
        # What threads write to, and what the user reads and has just let go of.
        blocks, arrays = self.threads + 3, -(-self._examples_a_call // _IMAGES_AN_ARRAY)
        self._buffers = Buffers(blocks if reuse else blocks * arrays)
        self._reuse, self._rooms = reuse, list[np.ndarray]()

    def __len__(self) -> int:
        return -(-self._stop // self._size)

    def blocks(self, epoch: int, step: int) -> Iterator[np.ndarray]:
        """The positions that each call makes, from a batch of an epoch on: int64 [n] each."""
        positions = self._order.positions(len(self._examples), epoch)[: self._stop]
        positions = positions[step * self._size :]
        sizes = block_sizes(len(positions), self._size, self._examples_a_call)
        return iter(np.split(positions, np.cumsum(sizes)[:-1]))

    @property
    def examples(self) -> int:
        """How many an epoch visits, if no batch is left out."""
        return len(self._examples)

    def some(self, epoch: int, positions: np.ndarray) -> Batch:
        """The images and labels of some examples, by their places in the unshuffled order.

        Raises:
            PythonOpError: if a function of the user's fails.
        """
        images = self._empty(len(positions))
        target = Target([images], self._channels_first)
        return images, self._examples.write(epoch, positions, target)

    def room(self) -> np.ndarray | None:
        """Memory for the images of a block that nobody else writes to; None without `reuse`."""
        if not self._reuse:
            return None
        return self._rooms.pop() if self._rooms else self._empty(self._examples_a_call)

    def take_back(self, room: np.ndarray | None) -> None:
        """Takes memory whose batches are not valid any more."""
        if room is not None:
            self._rooms.append(room)

    def make(self, epoch: int, positions: np.ndarray, room: np.ndarray | None) -> list[Made]:
        """The batches of a block, in `room` if it is given; may be called from several threads."""
        size = min(self._size, len(positions))
        ends = range(size, len(positions) + 1, size)
        arrays = self._arrays(len(positions), size) if room is None else [room[: len(positions)]]
        target = Target(arrays, self._channels_first)
        labels, failed = written(self._examples, epoch, positions, ends, target)
        images = [array[i : i + size] for array in arrays for i in range(0, len(array), size)]
        return [
            # A copy, so that a batch that is kept keeps no other.
            PythonOpError(why.decode()) if why else (batch, labels[end - size : end].copy())
            for batch, end, why in zip(images, ends, failed, strict=True)
        ]

    def _empty(self, count: int) -> np.ndarray:
        shape = self._examples.shape
        if self._channels_first:
            *others, height, width, channels = shape
            shape = (*others, channels, height, width)
        return self._buffers.empty((count, *shape), self._examples.dtype)

    def _arrays(self, count: int, size: int) -> list[np.ndarray]:
        """Arrays of whole batches, together for `count` images."""
        step = size * -(-_IMAGES_AN_ARRAY // size)
        return [self._empty(min(step, count - first)) for first in range(0, count, step)]
