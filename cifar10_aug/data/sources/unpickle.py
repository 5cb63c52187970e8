"""Reads the pickles of the Python archive without running anything that they name.

An ordinary unpickler imports and calls whatever a pickle asks it to. This one knows the few names
that the published files use and gives stand-ins for them that only keep what they are handed. It
also knows only what a batch consists of, and not more of it than a batch has: the interpreter's own
can be made to fill the memory, or to crash, by a file of some megabytes.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

# A batch of 10,000 images takes 30,000 steps, and 100,000 if Python 3 wrote it in an old protocol.
MOST_STEPS = 200_000


def load(data: bytes) -> dict[str, Any]:
    """The dict that a batch file holds, with `PickledArray` for arrays.

    Raises:
        Exception: of nearly any kind, if the data are damaged or name anything else.
    """
    try:
        content = _CifarUnpickler(data).load()
    except EOFError:
        raise pickle.UnpicklingError("it is cut off") from None
    if not isinstance(content, dict):
        raise pickle.UnpicklingError("it holds no dictionary")
    return {_text(key): value for key, value in content.items()}


def _text(key: Any) -> str:
    return key.decode("ascii") if isinstance(key, bytes) else str(key)


_LONGEST_TYPE = 10


class _PickledType:
    """Stands in for `numpy.dtype`: takes its pickled form, keeps its name, does nothing."""

    def __init__(self, name: Any, align: Any = False, copy: Any = True):
        if not isinstance(name, (bytes, str)) or len(name) > _LONGEST_TYPE:
            raise pickle.UnpicklingError("data are not uint8")
        self.name = _text(name)

    def __setstate__(self, state: Any) -> None:
        pass


class PickledArray:
    """Stands in for `numpy.ndarray`: takes its pickled form and keeps shape, type and bytes."""

    _state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._state = state

    def array(self) -> np.ndarray:
        """The array.

        Raises:
            Exception: of nearly any kind, if it is not one of bytes.
        """
        _, shape, kind, by_column, data = self._state
        if not isinstance(kind, _PickledType) or kind.name != "u1" or not isinstance(data, bytes):
            raise pickle.UnpicklingError("data are not uint8")
        return np.frombuffer(data, np.uint8).reshape(shape, order="F" if by_column else "C")


def _make_array(kind: Any, shape: Any, name: Any) -> PickledArray:
    return PickledArray()


class _Encode:
    """How Python 3 writes bytes in the old protocol: as a text, to be encoded."""

    def __init__(self, most: int):
        # Each text stands in the file, so that no more bytes can come of them.
        self._left = most

    def __call__(self, text: str, encoding: Any) -> bytes:
        if encoding not in ("latin1", "latin-1"):
            raise pickle.UnpicklingError("its bytes are not written in Latin-1")
        self._left -= len(text)
        if self._left < 0:
            raise pickle.UnpicklingError("it writes the same bytes again and again")
        return text.encode("latin-1")


class _StandIn:
    """A function that a pickle can call, and cannot change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]):
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes a function")


# What dictionaries, lists, tuples, texts, numbers and the names above are written with.
_STEPS = (
    *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK),
    *(pickle.GET, pickle.BINGET, pickle.LONG_BINGET),
    *(pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE),
    *(pickle.INT, pickle.BININT, pickle.BININT1, pickle.BININT2),
    *(pickle.LONG, pickle.LONG1),
    *(pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING),
    *(pickle.UNICODE, pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINUNICODE8),
    *(pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8),
    *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.EMPTY_LIST, pickle.LIST, pickle.APPEND, pickle.APPENDS),
    *(pickle.EMPTY_DICT, pickle.DICT, pickle.SETITEM, pickle.SETITEMS),
    *(pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.REDUCE, pickle.BUILD),
)


class _CifarUnpickler(pickle._Unpickler):
    """Knows the few names that the published batches use, and gives harmless stand-ins for them.

    No code that a pickle names is ever imported or called. Of the two unpicklers of the standard
    library it is the one in Python, since that keeps what it remembers in a dictionary, while the
    other's array is as long as a pickle says; and since its steps can be chosen and counted.
    """

    def __init__(self, data: bytes):
        super().__init__(io.BytesIO(data), encoding="bytes")
        self.dispatch = _Steps()  # type: ignore[misc]
        self._names = {
            ("numpy.core.multiarray", "_reconstruct"): _StandIn(_make_array),
            ("numpy._core.multiarray", "_reconstruct"): _StandIn(_make_array),
            ("numpy", "ndarray"): PickledArray,
            ("numpy", "dtype"): _PickledType,
            ("_codecs", "encode"): _StandIn(_Encode(len(data))),
        }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which no CIFAR-10 batch does"
            ) from None


class _Steps(dict[int, Callable[[Any], None]]):
    """What may be done, by the byte that stands for it; counts what is."""

    def __init__(self) -> None:
        known = pickle._Unpickler.dispatch
        super().__init__({step[0]: known[step[0]] for step in _STEPS})
        for step in (pickle.DICT, pickle.SETITEM, pickle.SETITEMS):
            self[step[0]] = _with_names(step, known[step[0]])
        self._left = MOST_STEPS

    def __getitem__(self, step: int) -> Callable[[Any], None]:
        self._left -= 1
        if self._left < 0:
            raise pickle.UnpicklingError(f"it takes more than {MOST_STEPS} steps")
        return super().__getitem__(step)

    def __missing__(self, step: int) -> Callable[[Any], None]:
        raise pickle.UnpicklingError(f"it has a step {bytes([step])!r}, which no batch does")


def _with_names(step: bytes, fill: Callable[[Any], None]) -> Callable[[Any], None]:
    """A step that fills a dictionary, if its keys are names.

    The hash of tuples in tuples, many thousands deep, would crash the process.
    """

    def checked(unpickler: Any) -> None:
        keys = unpickler.stack[-2:-1] if step == pickle.SETITEM else unpickler.stack[::2]
        if not all(isinstance(key, (bytes, str)) for key in keys):
            raise pickle.UnpicklingError("a dictionary has keys that are not names")
        fill(unpickler)

    return checked
