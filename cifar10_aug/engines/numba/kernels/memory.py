"""Memory as the processor reads it: ahead of its use, and in words that begin anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed
from numba.extending import lower_builtin, type_callable
from numba.np import arrayobj

from cifar10_aug.engines.numba.kernels.compiling import inner

# Typed and lowered by hand, since an `overload` is compiled for each kind of array.


_INT64 = ir.IntType(64)


def _bytes(builder: Any, pointer: Any) -> Any:
    return builder.bitcast(pointer, ir.IntType(8).as_pointer())


def _place(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    """Where an element of an array is."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [place])


def prefetch(array: np.ndarray, place: int, lines: int) -> None:
    """Has cache lines, of 64 bytes, fetched from an element on; does nothing in plain Python."""


@type_callable(prefetch)
def _(context: Any) -> Any:
    return lambda array, place, lines: types.void(array, types.int64, types.int64)


@lower_builtin(prefetch, types.Array, types.int64, types.int64)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    *first, lines = arguments
    start = _bytes(builder, _place(context, builder, signature.args[0], *first))
    word = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [start.type, word, word, word])
    function = builder.module.declare_intrinsic("llvm.prefetch", [start.type], kind)
    with cgutils.for_range(builder, lines) as loop:
        place = builder.gep(start, [builder.mul(loop.index, _INT64(64))])
        # For reading; into the second cache, since few lines at a time can come into the first;
        # data.
        builder.call(function, [place, word(0), word(2), word(1)])
    return context.get_dummy_value()


def copy(source: np.ndarray, first: int, target: np.ndarray, start: int, count: int) -> None:
    """Copies elements from `first` on to those from `start` on, of another flat array."""
    target[start : start + count] = source[first : first + count]


@type_callable(copy)
def _(context: Any) -> Any:
    return lambda source, first, target, start, count: types.void(
        source, types.int64, target, types.int64, types.int64
    )


@lower_builtin(copy, types.Array, types.int64, types.Array, types.int64, types.int64)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kinds = signature.args
    read, wrote = (_place(context, builder, kinds[k], *arguments[k : k + 2]) for k in (0, 2))
    size = context.get_abi_sizeof(context.get_data_type(kinds[0].dtype))
    cgutils.raw_memcpy(builder, wrote, read, arguments[4], size, align=size)
    return context.get_dummy_value()


def mirror(source: np.ndarray, first: int, target: np.ndarray, start: int) -> None:
    """Writes 16 pixels of three bytes from `first` on in reverse order, from `start` on."""
    pixels = source[first : first + 48].reshape(16, 3)
    target[start : start + 48] = pixels[::-1].reshape(48)


@type_callable(mirror)
def _(context: Any) -> Any:
    return lambda source, first, target, start: types.void(source, types.int64, target, types.int64)


@lower_builtin(mirror, types.Array, types.int64, types.Array, types.int64)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kinds, vector = signature.args, ir.VectorType(ir.IntType(8), 48)
    read, wrote = (
        builder.bitcast(
            _place(context, builder, kinds[k], *arguments[k : k + 2]), vector.as_pointer()
        )
        for k in (0, 2)
    )
    order = [45 - 3 * (k // 3) + k % 3 for k in range(48)]
    word = ir.VectorType(ir.IntType(32), 48)
    pixels = builder.load(read, align=1)
    builder.store(builder.shuffle_vector(pixels, pixels, ir.Constant(word, order)), wrote, align=1)
    return context.get_dummy_value()


def part(array: np.ndarray, first: int, count: int) -> np.ndarray:
    """Elements of a flat array that are there, which a slice would have to check."""
    return array[first : first + count]


@type_callable(part)
def _(context: Any) -> Any:
    return lambda array, first, count: array(array, types.int64, types.int64)


@lower_builtin(part, types.Array, types.int64, types.int64)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array, first, count = arguments
    given = context.make_array(signature.args[0])(context, builder, array)
    made = context.make_array(signature.return_type)(context, builder)
    data = builder.gep(given.data, [first])
    made_of = [count], cgutils.unpack_tuple(builder, given.strides), given.itemsize
    arrayobj.populate_array(made, data, *made_of, given.meminfo, given.parent)
    return impl_ret_borrowed(context, builder, signature.return_type, made._getvalue())


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


@inner
def turn(
    source: np.ndarray,
    first: int,
    stride: int,
    target: np.ndarray,
    start: int,
    step: int,
    size: tuple[int, int],
) -> None:
    """As `transpose`, of `size`, so many lines of so many elements."""
    lines, columns = size
    if (lines | columns) % 8 == 0:
        for x in range(0, columns, 8):
            for y in range(0, lines, 8):
                transpose(
                    source, first + y * stride + x, stride, target, start + x * step + y, step
                )
        return
    for x in range(columns):
        for y in range(lines):
            target[start + x * step + y] = source[first + y * stride + x]


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
