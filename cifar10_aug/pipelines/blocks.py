"""An epoch's order, and the blocks of it that are made by one call into Python each."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from cifar10_aug.engines.numba import shuffling
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.engines.python import worker_pool
from cifar10_aug.errors import PythonOpError

_IMAGES_OF_THE_FIRST_CALL = 256
# Functions of the user's can take a thousand times as long as ours: calls are small, so that the
# first batch comes soon, and few, since each only waits for workers, which share its images.
IMAGES_A_WORKER = 256
CALLS_OF_PYTHON = 3


class Examples(Protocol):
    """What is visited; see `eager_examples.Examples`. Calls may come from several threads.

    Attributes:
        dtype, shape: of what is made of an example.
        label_dtype, label_shape: of a label.
        runs_python: whether functions of the user's run.
    """

    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def label_dtype(self) -> str: ...
    @property
    def label_shape(self) -> tuple[int, ...]: ...
    @property
    def runs_python(self) -> bool: ...

    def __len__(self) -> int: ...

    def write(self, epoch: int, positions: np.ndarray, target: Target) -> np.ndarray:
        """Writes images and returns labels; may raise a `PythonOpError`."""


@dataclasses.dataclass(frozen=True)
class Order:
    """In what order an epoch visits its examples.

    Attributes:
        shuffle: all examples, in another order each epoch; else as the split lists them.
        seed: of the order.
        reshuffle: whether epochs differ in order.
    """

    shuffle: bool
    seed: int
    reshuffle: bool = True

    def positions(self, count: int, epoch: int) -> np.ndarray:
        """int64 [count], a permutation of 0 … count - 1."""
        if not self.shuffle:
            return np.arange(count)
        return shuffling.shuffled(count, epoch if self.reshuffle else 0, self.seed)


@dataclasses.dataclass(frozen=True)
class Start:
    """Where a dataset that is loaded begins.

    Attributes:
        epoch: the number of its first epoch.
        step: how many batches of that epoch, and of no other, are left out.
    """

    epoch: int = 0
    step: int = 0


@dataclasses.dataclass(frozen=True)
class Reading:
    """What an epoch visits, and what comes out.

    Attributes:
        order: in what order examples are visited.
        start: where to begin.
        batch_size: examples in a batch; None gives single examples.
        as_supervised: (image, label) instead of a dict.
        add_tfds_id: whether the dict has a "tfds_id".
    """

    order: Order
    start: Start
    batch_size: int | None
    as_supervised: bool
    add_tfds_id: bool

    @property
    def size(self) -> int:
        """Examples in an element."""
        return self.batch_size or 1

    def visited(self, count: int, epoch: int) -> np.ndarray:
        """The positions of so many examples that an epoch visits, in order: int64 [visited]."""
        left_out = self.start.step * self.size if epoch == self.start.epoch else 0
        return self.order.positions(count, epoch)[left_out:]

    def block(self, count: int, epoch: int, number: int, examples_a_call: int) -> np.ndarray:
        """The positions of one block of an epoch, from 1 on: int64 [n]; block 0 has none."""
        visited = self.visited(count, epoch)
        sizes = block_sizes(len(visited), self.size, examples_a_call)
        return visited[sizes[: max(number - 1, 0)].sum() : sizes[:number].sum()]

    def steps(self, count: int) -> int:
        """How many elements an epoch of so many examples has."""
        return -(-count // self.size)


def blocks_of(
    images: int, shape: tuple[int, ...], workers: int, python_workers: int | None
) -> tuple[int, int]:
    """How many examples a call makes, and how many calls run at the same time.

    A call into Python, with the NumPy calls that turn draws into parameters, costs about as much as
    augmenting several hundred images, so one call makes many batches.

    Args:
        images: the most that a call should make.
        shape: of what is made of an example.
        workers: threads for the compiled loops.
        python_workers: how many run functions of the user's; None if there are no such functions.
    """
    views = math.prod(shape[:-3])
    if python_workers is None:
        return images // views, workers
    return min(images, IMAGES_A_WORKER * python_workers) // views, CALLS_OF_PYTHON


def surviving(
    make: Callable[[slice], np.ndarray], ends: Sequence[int], shape: tuple[int, ...], dtype: str
) -> tuple[np.ndarray, np.ndarray]:
    """Images, and for each batch what failed in it, or nothing: bytes [batches].

    If a function of the user's fails, the other batches of the call are made all the same, so that
    an example that fails costs its batch. A worker that has ended is an error of the whole call.

    Args:
        make: makes the images of a slice, of all batches or of one.
        ends: where the batches end, each after the one before.
        shape, dtype: of an image.
    """
    failed, count = np.full(len(ends), b"", object), ends[-1] if ends else 0
    try:
        return make(slice(0, count)), failed
    except PythonOpError as error:
        if isinstance(error.__cause__, worker_pool.ended()):
            raise
        image = np.zeros((count, *shape), dtype)
    for number, (first, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        batch = slice(first, end)
        try:
            image[batch] = make(batch)
        except PythonOpError as error:
            failed[number] = str(error).encode()
    return image, failed


def written(
    examples: Examples, epoch: int, positions: np.ndarray, ends: Sequence[int], target: Target
) -> tuple[np.ndarray, np.ndarray]:
    """Writes images of a block; returns its labels, and what failed as `surviving` does.

    Args:
        examples: whose images they are.
        epoch, positions: which.
        ends: where the batches end, each after the one before.
        target: for all of them; what fails leaves there what was there.
    """
    return surviving(
        lambda batch: examples.write(epoch, positions[batch], target.of(batch)),
        ends,
        examples.label_shape,
        examples.label_dtype,
    )


@functools.lru_cache(maxsize=16)
def block_sizes(count: int, batch_size: int, examples_a_call: int) -> np.ndarray:
    """How many examples each call makes, in order: int64 [calls].

    Each is a multiple of the batch size, but for the last batch of an epoch if that is not whole.
    The first calls are small, so that the first batch comes soon.
    """
    sizes = []
    whole = count // batch_size * batch_size
    largest = batch_size * max(1, examples_a_call // batch_size)
    size = batch_size * max(1, _IMAGES_OF_THE_FIRST_CALL // batch_size)
    left = whole
    while left:
        sizes.append(min(size, largest, left))
        left -= sizes[-1]
        size *= 2
    if count > whole:
        sizes.append(count - whole)
    made = np.array(sizes, np.int64)
    made.flags.writeable = False
    return made
