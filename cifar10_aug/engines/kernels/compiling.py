"""How kernels are compiled, in the one place that says so.

Numba keeps what it has compiled on disk, beside the file of the function that is called, and
notices a change in that file only. So a kernel calls functions of its own file, and a few of
`words`, `pixels`, `convolution`, `motion` and `memory`: after a change there, delete the folder
`__pycache__`.
"""

from __future__ import annotations

import logging
from typing import Any

from numba import njit
from numba.core import event

# No fastmath: pixels must not depend on the machine. No parallel=True: tf.data calls kernels from
# several threads at once, which numba's threading layers do not all survive.
compiled = njit(nogil=True, cache=True, error_model="numpy")


class _Notice(event.Listener):
    """Tells the user, once a process, what the wait is for."""

    def __init__(self) -> None:
        self._given = False

    def on_start(self, event: Any) -> None:
        # Users compile functions, too, some of which have no module.
        module = event.data["dispatcher"].py_func.__module__ or ""
        if module.startswith(__package__) and not self._given:
            self._given = True
            logging.getLogger("cifar10_aug").warning(
                "cifar10_aug: compiling for this machine; this takes some seconds, once"
            )

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compile", _Notice())
