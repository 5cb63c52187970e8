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

# An image takes 3 steps, 10 if Python 3 wrote it in an old protocol, and as many more for
# each label that is a NumPy integer.
STEPS_AN_IMAGE = 40


def load(data: bytes, most_images: int) -> dict[str, Any]:
    """The dict that a batch file holds, with `PickledArray` for arrays.

    Args:
        data: the file's bytes.
        most_images: how many images there can be.

    Raises:
        Exception: of nearly any kind, if the data are damaged or name anything else.
    """
    try:
        content = _CifarUnpickler(data, STEPS_AN_IMAGE * most_images).load()
    except EOFError:
        raise pickle.UnpicklingError("it is cut off") from None
    if not isinstance(content, dict):
        raise pickle.UnpicklingError("it holds no dictionary")
    return {_text(key): value for key, value in content.items()}


def _text(key: Any) -> str:
    return key.decode("ascii") if isinstance(key, bytes) else str(key)


_LONGEST_TYPE = 10
_INTEGERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")


class _PickledType:
    """Stands in for `numpy.dtype`: takes its pickled form, keeps its name and order of bytes."""

    order = "|"

    def __init__(self, name: Any, align: Any = False, copy: Any = True):
        if not isinstance(name, (bytes, str)) or len(name) > _LONGEST_TYPE:
            raise pickle.UnpicklingError("data are not uint8")
        self.name = _text(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = _text(state[1])


class PickledArray:
    """Stands in for `numpy.ndarray`: takes its pickled form and keeps shape, type and bytes.

    Also for NumPy's numbers, as arrays without dimensions.
    """

    _state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._state = state

    def array(self) -> np.ndarray:
        """The array.

        Raises:
            Exception: of nearly any kind, if it is not one of bytes.
        """
        return self._of_type(("u1",), "data are not uint8")

    def integers(self) -> np.ndarray:
        """The array.

        Raises:
            Exception: of nearly any kind, if it is not one of integers.
        """
        return self._of_type(_INTEGERS, "labels are not integers")

    def _of_type(self, names: tuple[str, ...], otherwise: str) -> np.ndarray:
        _, shape, kind, by_column, data = self._state
        if not isinstance(kind, _PickledType) or not isinstance(data, bytes):
            raise pickle.UnpicklingError(otherwise)
        if kind.name not in names or kind.order not in ("|", "<", ">"):
            raise pickle.UnpicklingError(otherwise)
        array = np.frombuffer(data, np.dtype(kind.order + kind.name))
        return array.reshape(shape, order="F" if by_column else "C")


def _make_array(kind: Any, shape: Any, name: Any) -> PickledArray:
    return PickledArray()


def _of(*state: Any) -> PickledArray:
    array = PickledArray()
    array.__setstate__((1, *state))
    return array


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> PickledArray:
    """How protocol 5 writes arrays."""
    return _of(shape, kind, order == "F", data)


def _scalar(kind: Any, data: Any = b"") -> PickledArray:
    return _of((), kind, False, data)


class _Encode:
    """How Python 3 writes bytes in the old protocol: as a text, to be encoded."""

    def __init__(self, most: int):
        # Each text is in the file, so that no more bytes can come of them.
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
    *(pickle.FLOAT, pickle.BINFLOAT),
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

    def __init__(self, data: bytes, most_steps: int):
        super().__init__(io.BytesIO(data), encoding="bytes")
        self.dispatch = _Steps(most_steps)  # type: ignore[misc]
        self._names = {
            **{
                (f"numpy.{core}.{module}", name): _StandIn(function)
                # NumPy 2 has renamed it.
                for core in ("core", "_core")
                for module, name, function in (
                    ("multiarray", "_reconstruct", _make_array),
                    ("multiarray", "scalar", _scalar),
                    ("numeric", "_frombuffer", _from_buffer),
                )
            },
            ("numpy", "ndarray"): PickledArray,
            ("numpy", "dtype"): _PickledType,
            ("_codecs", "encode"): _StandIn(_Encode(len(data))),
        }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no batch does") from None


class _Steps(dict[int, Callable[[Any], None]]):
    """What may be done, by the byte that means it; counts what is."""

    def __init__(self, most: int) -> None:
        known = pickle._Unpickler.dispatch
        super().__init__({step[0]: known[step[0]] for step in _STEPS})
        for step in (pickle.DICT, pickle.SETITEM, pickle.SETITEMS):
            self[step[0]] = _with_names(step, known[step[0]])
        # Python's own makes room for as many bytes as a file says that it has.
        self[pickle.BYTEARRAY8[0]] = known[pickle.BINBYTES8[0]]
        self._most = self._left = most

    def __getitem__(self, step: int) -> Callable[[Any], None]:
        self._left -= 1
        if self._left < 0:
            raise pickle.UnpicklingError(f"it takes more than {self._most} steps")
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
