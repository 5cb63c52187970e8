"""How kernels are compiled and where they are kept, in the one place that says so.

Compiled kernels are kept in the user's cache folder, or in `NUMBA_CACHE_DIR`. They are compiled
again when any file of this folder changes. What is kept is an aid: when it cannot be read or
written, kernels are compiled without it, and a warning says so.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import logging
import os
import pickle
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core import caching, config, event
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from cifar10_aug._compat import scipy_import
from cifar10_aug.engines import borders, fixed_point, jpeg_tables
from cifar10_aug.rng import draws, elementary

_logger = logging.getLogger("cifar10_aug")
_VERSION = metadata.version("cifar10_aug")


def compiled(function: Callable[..., Any]) -> Any:
    """The function, compiled when it is first called, and kept on disk if that is possible."""
    return _compiled(function)


def loop(function: Callable[..., Any]) -> Any:
    """As `compiled`, for a function that makes no arrays: references to them are not counted."""
    return _compiled(function, _nrt=False)


def inner(function: Callable[..., Any]) -> Any:
    """As `loop`, for compiled callers alone: without the code that Python calls it by."""
    return _without_wrapper(function)


def inlined(function: Callable[..., Any]) -> Any:
    """As `inner`, but part of each caller, so that loops around it can become vector code."""
    return _without_wrapper(function, inline="always")


def _without_wrapper(function: Callable[..., Any], **options: Any) -> Any:
    made = _compiled(function, _nrt=False, no_cpython_wrapper=True, **options)
    if not config.DISABLE_JIT:
        # A call from Python would run code that is not there. It gets another version; tests do so.
        called = functools.cache(lambda: numba.njit(error_model="numpy")(function))
        made._insert = lambda *args, **kwargs: None
        made._compile_for_args = lambda *args, **kwargs: called()
    return made


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    # No fastmath: pixels must not depend on the machine. No parallel=True: tf.data calls kernels
    # from several threads at once, which numba's threading layers do not all survive. C does not
    # call them.
    made: Any = numba.njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(
        function
    )
    # With DISABLE_JIT it is the function itself.
    if not config.DISABLE_JIT and kept_in() is not None:
        # As cache=True does, which would keep it inside the package.
        made._cache = _Cache(function)
    return made


def kept_in() -> str | None:
    """The folder of compiled kernels; None where the user has no home folder."""
    if config.CACHE_DIR:
        return str(config.CACHE_DIR)
    try:
        place = platformdirs.user_cache_dir("cifar10_aug", appauthor=False)
    except RuntimeError:
        return None
    # Early versions of platformdirs return a relative path instead of the error.
    if not os.path.isabs(place):
        return None
    return os.path.join(
        place, f"{_VERSION}-numba{numba.__version__}-{sys.implementation.cache_tag}"
    )


@functools.cache
def _stamp() -> bytes:
    """What the source of all kernels is, since they call each other across files."""
    files = [
        Path(draws.__file__),
        Path(elementary.__file__),
        Path(fixed_point.__file__),
        Path(borders.__file__),
        Path(jpeg_tables.__file__),
        *sorted(Path(__file__).parent.glob("*.py")),
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).digest()


class _Locator(caching._CacheLocator):
    """The subfolder for a source file: two checkouts do not share one."""

    def __init__(self, function: Any, file: str):
        self._py_file = file
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Any, file: str) -> _Locator:
        return cls(function, file)

    def get_cache_path(self) -> str:
        return os.path.join(kept_in() or "", self.get_suitable_cache_subpath(self._py_file))

    def get_source_stamp(self) -> bytes:
        return _stamp()

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Implementation(caching.CompileResultCacheImpl):
    """Machine code with a digest, since running damaged code could do anything."""

    _locator_classes = [_Locator]

    def reduce(self, result: Any) -> tuple[bytes, bytes]:
        code = dumps(super().reduce(result))
        return self._digest(code), code

    def rebuild(self, context: Any, kept: tuple[bytes, bytes]) -> Any:
        digest, code = kept
        if digest != self._digest(code):
            raise ValueError("its digest is not the recorded one")
        return super().rebuild(context, pickle.loads(code))

    def _digest(self, code: bytes) -> bytes:
        return hashlib.sha256(self.locator.get_source_stamp() + code).digest()


class _Cache(caching.FunctionCache):
    """Kept kernels, of which none has to be there or be readable."""

    _impl_class = _Implementation

    def load_overload(self, signature: Any, context: Any) -> Any:
        try:
            # As the base class does, but for `context.refresh()`, which takes a third of a second
            # to declare all that could be compiled, and imports SciPy. Compiling calls it, too.
            rtsys.initialize(context)
            with self._guard_against_spurious_io_errors():
                return self._load_overload(signature, context)
        # Unpickling what is damaged may raise anything. What cannot be read is written again, and
        # there is a warning if that fails.
        except Exception as error:
            if not isinstance(error, OSError):
                _warn_of_damage(self.cache_path, _first_line(error))
            with contextlib.suppress(OSError):
                os.unlink(self._cache_file._index_path)
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        try:
            super().save_overload(signature, result)
        except OSError as error:
            _warn_of_compiling_each_time(f"in {kept_in()}", error.strerror or str(error))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


@functools.cache
def _warn_of_damage(folder: str, reason: str) -> None:
    """Once a process for each reason."""
    _logger.warning(
        "cifar10_aug: compiled kernels in %s are damaged (%s); compiling them again", folder, reason
    )


@functools.cache
def _warn_of_compiling_each_time(where: str, reason: str) -> None:
    """Once a process for each reason."""
    _logger.warning(
        "cifar10_aug: compiled kernels cannot be kept %s (%s), so that each process compiles them "
        "again, which takes some seconds; set the environment variable NUMBA_CACHE_DIR to a folder "
        "with room that can be written to",
        where,
        reason,
    )


class _Notice(event.Listener):
    """Tells the user, once a process, what the wait is for, and collects no garbage meanwhile."""

    def __init__(self) -> None:
        self._given = False
        self._paused: list[bool] = []

    def on_start(self, event: Any) -> None:
        # Users compile functions, too, some of which have no module.
        module = event.data["dispatcher"].py_func.__module__ or ""
        ours = module.startswith(__package__)
        self._paused.append(ours and gc.isenabled())
        if ours:
            # Looking for garbage takes a twentieth of the time, and compiling leaves little.
            gc.disable()
        if not ours or self._given:
            return
        self._given = True
        scipy_import.put_off()
        if kept_in() is None:
            _warn_of_compiling_each_time("in the user's cache folder", "no home folder is known")
        else:
            _logger.warning(
                "cifar10_aug: compiling for this machine; this takes some seconds, once"
            )

    def on_end(self, event: Any) -> None:
        if self._paused.pop():
            gc.enable()


event.register("numba:compile", _Notice())
