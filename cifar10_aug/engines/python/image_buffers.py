"""Input and output buffers of user functions."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from cifar10_aug.engines.python import shared_array

_ALIGNMENT = 8

_blocks = shared_array.Blocks()


@dataclasses.dataclass(frozen=True)
class Layout:
    """How images and results lie in memory, one after the other.

    Attributes:
        shape: (n, height, width, 3).
        output: the dtype of the results; images are uint8.
    """

    shape: tuple[int, ...]
    output: str

    @property
    def size(self) -> int:
        """In bytes."""
        return self._start + int(np.prod(self.shape)) * np.dtype(self.output).itemsize

    @property
    def _start(self) -> int:
        return -(-int(np.prod(self.shape)) // _ALIGNMENT) * _ALIGNMENT

    def images(self, memory: np.ndarray) -> np.ndarray:
        return self._array(memory, 0, np.uint8)

    def results(self, memory: np.ndarray) -> np.ndarray:
        return self._array(memory, self._start, self.output)

    def _array(self, memory: np.ndarray, start: int, dtype: Any) -> np.ndarray:
        size = int(np.prod(self.shape)) * np.dtype(dtype).itemsize
        return memory[start : start + size].view(dtype).reshape(self.shape)


@dataclasses.dataclass(frozen=True)
class Room:
    """Images and results in memory.

    Attributes:
        images: uint8 [n, height, width, 3].
        results: uint8 or float32 [n, height, width, 3].
        layout: of both.
        address: of both, if worker processes can see them.
    """

    images: np.ndarray
    results: np.ndarray
    layout: Layout
    address: shared_array.Address | None


@contextlib.contextmanager
def room(layout: Layout) -> Iterator[Room]:
    """A room that can be used until it is left, and that worker processes see if possible."""
    block = _blocks.take(layout.size) if shared_array.AVAILABLE else None
    memory = np.empty(layout.size, np.uint8) if block is None else block.memory
    yield Room(
        layout.images(memory),
        layout.results(memory),
        layout,
        None if block is None else block.address,
    )
    # Not after a failure, when workers may still be writing.
    if block is not None:
        _blocks.give_back(block)
