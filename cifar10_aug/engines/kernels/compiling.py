"""How kernels are compiled, in the one place that says so.

Numba keeps what it has compiled on disk, beside the file of the function that is called, and
notices a change in that file only. So a kernel calls functions of its own file, and a few of
`words`, `pixels`, `convolution`, `motion` and `memory`: after a change there, delete the folder
`__pycache__`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import event

# Where nothing can be kept, every process compiles for itself.
_kept = True


def compiled(function: Callable[..., Any]) -> Any:
    """The function, compiled when it is first called, and kept on disk if that is possible."""
    global _kept
    # No fastmath: pixels must not depend on the machine. No parallel=True: tf.data calls kernels
    # from several threads at once, which numba's threading layers do not all survive.
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        _kept = False
        return njit(nogil=True, error_model="numpy")(function)


_ONCE = "cifar10_aug: compiling for this machine; this takes some seconds, once"
_EACH_TIME = (
    "cifar10_aug: compiling, which takes some seconds in each process, since no folder can be "
    "written to in which to keep what is compiled; set the environment variable NUMBA_CACHE_DIR "
    "to one"
)


class _Notice(event.Listener):
    """Tells the user, once a process, what the wait is for."""

    def __init__(self) -> None:
        self._given = False

    def on_start(self, event: Any) -> None:
        # Users compile functions, too, some of which have no module.
        module = event.data["dispatcher"].py_func.__module__ or ""
        if module.startswith(__package__) and not self._given:
            self._given = True
            logging.getLogger("cifar10_aug").warning(_ONCE if _kept else _EACH_TIME)

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compile", _Notice())
