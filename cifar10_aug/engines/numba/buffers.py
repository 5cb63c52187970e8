"""Output memory that is used again once nobody looks at it.

A block of images is a few megabytes, which the operating system provides page by page, on first
use; that costs about as much as making the images. TensorFlow takes over an array's memory without
copying it and lets go of the array when the last tensor on it is gone.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np

from cifar10_aug._compat import fork_safety

# TensorFlow takes over memory without copying it if it starts at such an address.
_ALIGNMENT = 64
# Enough for the blocks that a pipeline has in flight.
_MOST_KEPT = 8
_UNLIMITED = sys.maxsize


class Buffers:
    """Returns arrays on recycled memory; may be called from several threads."""

    def __init__(self, most_kept: int = _MOST_KEPT, largest: int = _UNLIMITED) -> None:
        """Takes how many arrays are in use at once, and how many bytes the largest may have.

        The memory of what is beyond is not kept.
        """
        self._most_kept, self._largest = most_kept, largest
        self._kept: list[np.ndarray] = []
        fork_safety.renewed(self)

    def renew(self) -> None:
        """Makes the lock, which a thread of a forked process's parent may have."""
        self._lock = threading.Lock()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An uninitialised array; its memory is not used again while it or a view lives."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if not size:
            return np.empty(shape, dtype)
        memory = self._memory(size + _ALIGNMENT)
        start = -memory.ctypes.data % _ALIGNMENT
        return memory[start : start + size].view(dtype).reshape(shape)

    def _memory(self, size: int) -> np.ndarray:
        with self._lock:
            for i in range(len(self._kept)):
                # Every view refers to the array that owns its memory, so the list's and this
                # call's references are the only ones if there is no view left.
                if sys.getrefcount(self._kept[i]) == _UNUSED and self._kept[i].nbytes >= size:
                    return self._kept[i]
            memory = np.empty(size, np.uint8)
            if size > self._largest:
                return memory
            # The first calls of a pipeline are small, and would keep memory that no other can use.
            for i in range(len(self._kept)):
                if sys.getrefcount(self._kept[i]) == _UNUSED:
                    self._kept[i] = memory
                    return memory
            if len(self._kept) < self._most_kept:
                self._kept.append(memory)
            return memory


def _references_of_a_list_element() -> int:
    elements = [np.empty(0)]
    return sys.getrefcount(elements[0])


_UNUSED = _references_of_a_list_element()
