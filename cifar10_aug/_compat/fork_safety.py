"""Fork safety.

A forked process has the memory of its parent and none of its threads. What this package keeps is
made anew there. TensorFlow cannot do that: its operations wait for ever for the missing threads. So
loading a dataset there is an error, and so is beginning an epoch that is made while it is read.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import Protocol

_without_threads = False


class Renewable(Protocol):
    """What has locks, threads, processes or shared memory."""

    def renew(self) -> None:
        """Makes them, or makes them anew in a forked process, where they are the parent's."""


_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renewed(one: Renewable) -> None:
    """Calls `renew` now, and before anything else in every process that is forked from this one."""
    one.renew()
    _renewables.add(one)


class Lock:
    """A lock that is open in a forked process, even if a thread of the parent had it."""

    def __init__(self) -> None:
        renewed(self)

    def renew(self) -> None:
        """Opens it."""
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def check() -> None:
    """Raises a `RuntimeError` if TensorFlow was running when this process was forked."""
    if _without_threads:
        raise RuntimeError(
            "TensorFlow was running when this process was forked, so its threads are missing here "
            "and datasets would wait for ever; start processes with "
            "multiprocessing.get_context('spawn'), or fork before TensorFlow does anything"
        )


def _running() -> bool:
    """Whether TensorFlow has started its threads, as it does when it is first used."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context_safe() if module is not None else None
    return context is not None and context._context_handle is not None


def _in_child() -> None:
    global _without_threads
    _without_threads = _without_threads or _running()
    for one in list(_renewables):
        one.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
