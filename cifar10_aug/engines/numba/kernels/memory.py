"""Memory as the processor reads it: ahead of its use, and in words that begin anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import lower_builtin, type_callable
from numba.np import arrayobj

# Typed and lowered by hand, since an `overload` is compiled for each kind of array.


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Where an element of an array is."""
    made = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(made.data, [arguments[1]])


def prefetch(array: np.ndarray, place: int) -> None:
    """Has the cache line of an element fetched; does nothing in plain Python."""


@type_callable(prefetch)
def _(context: Any) -> Any:
    return lambda array, place: types.void(array, types.int64)


@lower_builtin(prefetch, types.Array, types.int64)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pointer = _place(context, builder, signature, arguments)
    byte = builder.bitcast(pointer, ir.IntType(8).as_pointer())
    word = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte.type, word, word, word])
    function = builder.module.declare_intrinsic("llvm.prefetch", [byte.type], kind)
    # For reading; into the second cache, since few lines at a time can come into the first; data.
    builder.call(function, [byte, word(0), word(2), word(1)])
    return context.get_dummy_value()


def word(array: np.ndarray, place: int) -> np.uint32:
    """Four bytes of a uint8 array as a little-endian number."""
    return np.uint32(int.from_bytes(array[place : place + 4].tobytes(), "little"))


@type_callable(word)
def _(context: Any) -> Any:
    return lambda array, place: types.uint32(array, types.int64)


@lower_builtin(word, types.Array, types.int64)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pointer = _place(context, builder, signature, arguments)
    return builder.load(builder.bitcast(pointer, ir.IntType(32).as_pointer()), align=1)


def uint32_view(memory: np.ndarray) -> np.ndarray:
    """The same memory, flat uint8, as uint32."""
    return memory.view(np.uint32)


def float32_view(memory: np.ndarray) -> np.ndarray:
    """The same memory, flat uint8, as float32."""
    return memory.view(np.float32)


def halves(words: np.ndarray) -> np.ndarray:
    """The same memory, flat uint64, as uint32."""
    return words.view(np.uint32)


def _compile_view(view: Any, of: Any, element: Any) -> None:
    @type_callable(view)
    def _(context: Any) -> Any:
        return lambda memory: element[::1](of[::1])

    @lower_builtin(view, of[::1])
    def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, arguments[0])
        made = context.make_array(signature.return_type)(context, builder)
        size = context.get_constant(types.intp, element.bitwidth // 8)
        count = builder.udiv(builder.mul(given.nitems, given.itemsize), size)
        data = builder.bitcast(given.data, made.data.type)
        arrayobj.populate_array(made, data, [count], [size], size, given.meminfo, given.parent)
        return impl_ret_borrowed(context, builder, signature.return_type, made._getvalue())


_compile_view(uint32_view, types.uint8, types.uint32)
_compile_view(float32_view, types.uint8, types.float32)
_compile_view(halves, types.uint64, types.uint32)
