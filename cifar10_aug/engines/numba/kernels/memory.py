"""Memory as the processor reads it: ahead of its use, and in words that begin anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload


@intrinsic
def _prefetch(typing_context: Any, array: Any, place: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(made.data, [arguments[1]])
        byte = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte.type, word, word, word])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte.type], kind)
        # For reading; to be kept in all caches; data.
        builder.call(function, [byte, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), code


def prefetch(array: np.ndarray, place: int) -> None:
    """Has the cache line of an element fetched; does nothing in plain Python."""


@overload(prefetch)
def _(array: Any, place: Any) -> Any:
    def call(array: Any, place: Any) -> None:
        _prefetch(array, place)

    return call


@intrinsic
def _word(typing_context: Any, array: Any, place: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(made.data, [arguments[1]])
        return builder.load(builder.bitcast(pointer, ir.IntType(32).as_pointer()), align=1)

    return types.uint32(array, types.int64), code


def word(array: np.ndarray, place: int) -> np.uint32:
    """Four bytes of a uint8 array as a little-endian number."""
    return np.uint32(int.from_bytes(array[place : place + 4].tobytes(), "little"))


@overload(word)
def _(array: Any, place: Any) -> Any:
    def call(array: Any, place: Any) -> Any:
        return _word(array, place)

    return call
