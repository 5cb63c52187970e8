"""Interrupts of the command `cifar10-aug` where nothing catches them: before and after its work."""

from __future__ import annotations

import os
import signal
import sys
from itertools import pairwise
from pathlib import Path
from types import TracebackType


def _is_command() -> bool:
    name = Path(sys.argv[0]).stem if sys.argv else ""
    module = next((name for option, name in pairwise(sys.orig_argv) if option == "-m"), None)
    # What `python -m cifar10_aug` has as its name: first while the package is imported, then later.
    return name == "cifar10-aug" or (name in ("-m", "__main__") and module == "cifar10_aug")


def importing() -> None:
    """Makes an interrupt one line while the command's modules are imported, in a second or more."""
    if _is_command():
        sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stderr.write("Aborted.\n")
    sys.stderr.flush()
    # Python would end as if killed by the signal. Nothing has begun that would have to be ended.
    os._exit(1)


def ended(code: int) -> None:
    """Lets no interrupt change what the command ends with, while it lets go of its processes.

    After a failure, another interrupt ends it at once.
    """
    if _is_command():
        signal.signal(signal.SIGINT, signal.SIG_DFL if code else signal.SIG_IGN)
