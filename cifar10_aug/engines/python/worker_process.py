"""What every worker process of ours does, whatever it works on."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cloudpickle

_PARENT_CHECK_SECONDS = 0.2

_serving = False


def serving() -> bool:
    """Whether this is a worker process, which nobody else draws random numbers in."""
    return _serving


@functools.cache
def serve(parent: int) -> None:
    """Leaves interrupts to the parent, and makes this process end when the parent does."""
    global _serving
    _serving = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


@contextlib.contextmanager
def ended_by_two_interrupts() -> Iterator[None]:
    """While this process does what may never return, a second Ctrl-C ends it."""

    def first(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    # Nothing to clean up: shared memory has no name, or joblib's own process deletes it; the next
    # export deletes what is half written.
    os._exit(1)


def pickling_error(function: Callable[..., Any]) -> Exception | None:
    """Why a function cannot be sent to other processes; None if it can."""
    try:
        cloudpickle.dumps(function)
    except Exception as error:  # Whatever the function's own objects raise.
        return error
    return None


def import_path() -> tuple[str, ...]:
    """Where this process finds modules, for others to find the same ones."""
    return tuple(place or os.getcwd() for place in sys.path)


def extend_import_path(places: Iterable[str]) -> None:
    """Finds modules also where another process does; what is found already stays."""
    sys.path.extend(place for place in places if place not in sys.path)
