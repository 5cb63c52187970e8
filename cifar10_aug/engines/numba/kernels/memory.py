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


_INT64 = ir.IntType(64)


def _place(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    """Where an element of an array is."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [place])


def prefetch(array: np.ndarray, place: int) -> None:
    """Has the cache line of an element fetched; does nothing in plain Python."""


@type_callable(prefetch)
def _(context: Any) -> Any:
    return lambda array, place: types.void(array, types.int64)


@lower_builtin(prefetch, types.Array, types.int64)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pointer = _place(context, builder, signature.args[0], *arguments)
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
    pointer = _place(context, builder, signature.args[0], *arguments)
    return builder.load(builder.bitcast(pointer, ir.IntType(32).as_pointer()), align=1)


def transpose(
    source: np.ndarray, first: int, stride: int, target: np.ndarray, start: int, step: int
) -> None:
    """Writes 8 lines of 8 elements of 32 bits as columns.

    Args:
        source: int32 or uint32, flat.
        first: where the first line begins in it.
        stride: from a line's beginning to the next one's.
        target: as `source`, which it may be.
        start, step: likewise, of the columns as lines.
    """
    there = np.arange(8)
    lines = source[first + stride * there[:, None] + there]
    target[start + step * there[:, None] + there] = lines.T


@type_callable(transpose)
def _(context: Any) -> Any:
    return lambda source, first, stride, target, start, step: types.void(
        source, types.int64, types.int64, target, types.int64, types.int64
    )


@lower_builtin(
    transpose, types.Array, types.int64, types.int64, types.Array, types.int64, types.int64
)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    word = ir.IntType(32)
    eight = ir.VectorType(word, 8)

    def line(array: int, k: int) -> Any:
        place = builder.add(arguments[array + 1], builder.mul(arguments[array + 2], _INT64(k)))
        place = _place(context, builder, signature.args[array], arguments[array], place)
        return builder.bitcast(place, eight.as_pointer())

    lines = [builder.load(line(0, k), align=4) for k in range(8)]
    # Halves of halves change places: bits of the line's number become those of the column's.
    for bit in (4, 2, 1):
        upper = [k - bit + 8 if k & bit else k for k in range(8)]
        lower = [k + 8 if k & bit else k + bit for k in range(8)]
        upper, lower = ir.Constant(eight, upper), ir.Constant(eight, lower)
        for k in range(8):
            if not k & bit:
                pair = lines[k], lines[k + bit]
                lines[k] = builder.shuffle_vector(*pair, upper)
                lines[k + bit] = builder.shuffle_vector(*pair, lower)
    for k in range(8):
        builder.store(lines[k], line(3, k), align=4)
    return context.get_dummy_value()


def uint32_view(memory: np.ndarray) -> np.ndarray:
    """The same memory, flat uint8, as uint32."""
    return memory.view(np.uint32)


def float32_view(memory: np.ndarray) -> np.ndarray:
    """The same memory, flat uint8, as float32."""
    return memory.view(np.float32)


def uint64_view(memory: np.ndarray) -> np.ndarray:
    """The same memory, flat float64, as uint64."""
    return memory.view(np.uint64)


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
_compile_view(uint64_view, types.float64, types.uint64)
_compile_view(halves, types.uint64, types.uint32)
