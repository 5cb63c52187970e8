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
    """What one thread has at a time.

    Attributes:
        lock: to be taken by `with`; a thread may take it again. This class is not a context, since
            an interrupt during an `__enter__` in Python could leave the lock taken for ever.
    """

    def __init__(self) -> None:
        fork_safety.renewed(self)

    def renew(self) -> None:
        """Makes the lock, which a thread of a forked process's parent may have."""
        self.lock = threading.RLock()

    @contextlib.contextmanager
    def left(self) -> Iterator[None]:
        """A context in which other threads have their turn."""
        taken = 0
        # It is an error to release what one does not have.
        with contextlib.suppress(RuntimeError):
            while True:
                self.lock.release()
                taken += 1
        try:
            yield
        finally:
            for _ in range(taken):
                self.lock.acquire()


# Of all engines.
TURN = Turn()
