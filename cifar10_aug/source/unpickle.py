"""Reads the pickles of the Python archive without running anything that they name.

An ordinary unpickler imports and calls whatever a pickle asks it to. This one knows the few names
that the published files use and gives stand-ins for them that only keep what they are handed.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np


def load(data: bytes) -> dict[str, Any]:
    """The dict that a batch file holds, with `PickledArray` for arrays.

    Raises:
        Exception: of nearly any kind, if the data are damaged or name anything else.
    """
    content = _CifarUnpickler(io.BytesIO(data), encoding="bytes").load()
    return {_text(key): value for key, value in content.items()}


def _text(key: Any) -> str:
    return key.decode("ascii") if isinstance(key, bytes) else str(key)


class _PickledType:
    """Stands in for `numpy.dtype`: takes its pickled form, keeps its name, does nothing."""

    def __init__(self, name: Any, align: Any = False, copy: Any = True):
        self.name = _text(name)

    def __setstate__(self, state: Any) -> None:
        pass


class PickledArray:
    """Stands in for `numpy.ndarray`: takes its pickled form and keeps shape, type and bytes."""

    _state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._state = state

    def array(self) -> np.ndarray:
        _, shape, kind, by_column, data = self._state
        if not isinstance(kind, _PickledType) or kind.name != "u1" or not isinstance(data, bytes):
            raise pickle.UnpicklingError("data are not uint8")
        return np.frombuffer(data, np.uint8).reshape(shape, order="F" if by_column else "C")


def _make_array(kind: Any, shape: Any, name: Any) -> PickledArray:
    return PickledArray()


def _encode(text: str, encoding: Any) -> bytes:
    """How Python 3 writes bytes in the old protocol."""
    if _text(encoding) not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"text is encoded as {encoding!r}")
    return text.encode("latin-1")


class _CifarUnpickler(pickle.Unpickler):
    """Knows the few names that the published batches use, and gives harmless stand-ins for them.

    No code that a pickle names is ever imported or called.
    """

    _ADMITTED = {
        ("numpy.core.multiarray", "_reconstruct"): _make_array,
        ("numpy._core.multiarray", "_reconstruct"): _make_array,
        ("numpy", "ndarray"): PickledArray,
        ("numpy", "dtype"): _PickledType,
        ("_codecs", "encode"): _encode,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which no CIFAR-10 batch does"
            ) from None
