"""Lets a program end while pipelines are at work.

tf.data's threads call into Python. If the interpreter shuts down during such a call, the thread
never gets the interpreter back, and destroying the iterator waits for that thread for ever. So
before the interpreter shuts down, this waits until no call is under way. Pipelines come to rest by
themselves as soon as their buffers are full; one that something still reads is refused further
calls after a while.
"""

from __future__ import annotations

import atexit
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

from cifar10_aug._compat import fork_safety

# Between two calls of a pipeline at work there is far less time than this.
_REST_SECONDS = 0.1
_PATIENCE_SECONDS = 2.0


class Gate:
    """Counts the calls that are under way."""

    def __init__(self) -> None:
        fork_safety.renewed(self)

    def renew(self) -> None:
        """Begins with no call under way, as in a forked process, which has no thread to end it."""
        self._lock = threading.Lock()
        self._under_way = 0
        self._last_end = float("-inf")
        self._closed = False

    def guarded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, counted; it raises a `RuntimeError` once the gate is closed."""

        @functools.wraps(call)
        def counted(*args: Any) -> Any:
            with self._lock:
                if self._closed:
                    raise RuntimeError("the Python interpreter is shutting down")
                self._under_way += 1
            try:
                return call(*args)
            finally:
                with self._lock:
                    self._under_way -= 1
                    self._last_end = time.monotonic()

        return counted

    def close(self) -> None:
        """Waits until all calls have come to rest; after a while, makes them."""
        if not self._rests(_PATIENCE_SECONDS):
            with self._lock:
                self._closed = True
            self._rests(_PATIENCE_SECONDS)

    def _rests(self, patience: float) -> bool:
        give_up = time.monotonic() + patience
        while time.monotonic() < give_up:
            with self._lock:
                resting = time.monotonic() - self._last_end
                if not self._under_way and resting > _REST_SECONDS:
                    return True
            time.sleep(_REST_SECONDS / 10)
        return False


GATE = Gate()
atexit.register(GATE.close)
