"""Lets one thread at a time work with NumPy, while others run compiled loops.

Python has one interpreter, which NumPy lets go of in each op on more than 500 numbers. Threads that
work with NumPy at the same time take it from each other at each op, and being woken up takes longer
than most ops.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from cifar10_aug._compat import fork_safety


class Turn:
    """A context in which one thread is at a time, which may enter it again."""

    def __init__(self) -> None:
        # How often a thread has entered.
        self._entered = threading.local()
        fork_safety.renewed(self)

    def renew(self) -> None:
        """Makes the lock, which a thread of a forked process's parent may have."""
        self._lock = threading.Lock()
        if self._depth:
            self._lock.acquire()

    def __enter__(self) -> None:
        if not self._depth:
            self._lock.acquire()
        self._entered.depth = self._depth + 1

    def __exit__(self, *_: object) -> None:
        self._entered.depth = self._depth - 1
        if not self._depth:
            self._lock.release()

    @contextlib.contextmanager
    def left(self) -> Iterator[None]:
        """A context in which other threads have their turn."""
        depth = self._depth
        if not depth:
            yield
            return
        self._entered.depth = 0
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()
            self._entered.depth = depth

    @property
    def _depth(self) -> int:
        return getattr(self._entered, "depth", 0)


# Of all engines.
TURN = Turn()
