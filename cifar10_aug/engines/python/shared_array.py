"""Memory that worker processes see as well, so that images need not be pickled.

A block is an anonymous file in memory, which a worker opens through its parent's file descriptor.
It has no name that could stay on disk, and is gone when the last process that uses it is; the
small `/dev/shm` of containers is not involved. Linux only: elsewhere images are sent.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
import secrets
import threading
import weakref
from pathlib import Path

import numpy as np

from cifar10_aug._compat import fork_safety

AVAILABLE = hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir()
# What calls in flight need; larger blocks are not kept, since they come from one large call.
_MOST_KEPT = 8
_LARGEST_KEPT = 64 << 20
# As many as keep arrays aligned.
_TOKEN_BYTES = 64


@dataclasses.dataclass(frozen=True)
class Address:
    """How a worker finds a block: where its owner has it open, and what it begins with."""

    path: str
    token: bytes

    def opened(self) -> np.ndarray:
        """What the block holds, uint8 [size].

        Raises:
            OSError: if its owner has let go of it.
        """
        with open(self.path, "r+b") as file:
            memory = np.frombuffer(mmap.mmap(file.fileno(), 0), np.uint8)
        # The descriptor may be another file's by now, which must stay as it is.
        if memory[: len(self.token)].tobytes() != self.token:
            raise FileNotFoundError(f"{self.path}: no longer what it was")
        return memory[len(self.token) :]


class Block:
    """Shared memory that this process owns.

    Attributes:
        memory: uint8 [size].
        address: for workers, while this object lives.
    """

    def __init__(self, size: int):
        token = secrets.token_bytes(_TOKEN_BYTES)
        descriptor = os.memfd_create("cifar10_aug")
        weakref.finalize(self, os.close, descriptor)
        os.ftruncate(descriptor, _TOKEN_BYTES + size)
        memory = np.frombuffer(mmap.mmap(descriptor, 0), np.uint8)
        memory[:_TOKEN_BYTES] = np.frombuffer(token, np.uint8)
        self.memory = memory[_TOKEN_BYTES:]
        self.address = Address(f"/proc/{os.getpid()}/fd/{descriptor}", token)


class Blocks:
    """Blocks that are used again; may be called from several threads."""

    def __init__(self) -> None:
        fork_safety.renewed(self)

    def renew(self) -> None:
        """Begins without blocks: a forked process would write to those of its parent."""
        self._free: list[Block] = []
        self._lock = threading.Lock()

    def take(self, size: int) -> Block:
        """A block of at least `size` bytes, whatever they hold."""
        with self._lock:
            for i, block in enumerate(self._free):
                if block.memory.nbytes >= size:
                    return self._free.pop(i)
        return Block(size)

    def give_back(self, block: Block) -> None:
        """Lets others have a block, which no worker may be using any more."""
        with self._lock:
            if len(self._free) < _MOST_KEPT and block.memory.nbytes <= _LARGEST_KEPT:
                self._free.append(block)
