"""Named tuples of arrays as compiled functions are given them: by a pointer to all fields.

By value, which is numba's way, each function takes every array of a tuple as seven arguments and
more, and most of the time of compiling goes into handing them on.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, lower_getattr_generic, register_model, typeof_impl, unbox
from numba.np import arrayobj

from cifar10_aug.engines.numba.kernels.pass_arguments import (
    Images,
    Mixed,
    Output,
    Scratch,
    Strokes,
    Warps,
)

_STORED = types.Array(types.uint8, 1, "C", readonly=True)
_RANGE = types.Array(types.float32, 1, "C", readonly=True)
_I64, _U32, _U64 = types.int64[::1], types.uint32[::1], types.uint64[::1]
_FIELDS: dict[type, tuple[types.Type, ...]] = {
    Images: (_U32, _STORED, _I64, types.int64, types.int64),
    Warps: (
        *(_I64, types.int64[:, :, ::1], types.float64[:, :, ::1], types.int32[:, :, :, ::1]),
        *(_I64, _U32, _I64, _I64),
    ),
    Strokes: (
        *(types.int64[:, ::1], types.float64[:, :, ::1], types.uint8[:, :, ::1]),
        *(_U64, _U64, types.uint64, types.uint64),
    ),
    Mixed: (types.int64[:, ::1], _U32, types.boolean[::1]),
    Output: (types.int64, _RANGE, _RANGE, types.uint8[:, ::1]),
    Scratch: (
        *(types.uint32[:, ::1], types.uint64[:, ::1], types.int64[:, ::1]),
        *(types.uint8[:, ::1], types.int32[:, ::1], types.float64[:, ::1]),
    ),
}


class Pointed(types.Type):
    """One of these named tuples, which compiled code only reads.

    Attributes:
        kinds: numba's types of the fields, by their names.
    """

    def __init__(self, kind: Any):
        self.kinds = dict(zip(kind._fields, _FIELDS[kind], strict=True))
        super().__init__(name=f"Pointed({kind.__name__})")


def _typed(value: Any, context: Any) -> Pointed:
    """The type of a tuple, whose fields are checked: there is one for all that are given."""
    pointed = Pointed(type(value))
    for (name, kind), field in zip(pointed.kinds.items(), value, strict=True):
        found = typeof_impl(field, context)
        if isinstance(kind, types.Array) and not kind.mutable and found != kind:
            found = found.copy(readonly=True)
        assert found == kind, f"{name} is {found} instead of {kind}"
    return pointed


for _kind in _FIELDS:
    typeof_impl.register(_kind)(_typed)
IMAGES, WARPS, STROKES, MIXED, OUTPUT, SCRATCH = (Pointed(kind) for kind in _FIELDS)

register_model(Pointed)(models.OpaqueModel)


@infer_getattr
class _Fields(AttributeTemplate):
    key = Pointed

    def generic_resolve(self, pointed: Pointed, name: str) -> Any:
        return pointed.kinds.get(name)


def _layout(context: Any, pointed: Pointed) -> Any:
    return ir.LiteralStructType([context.get_value_type(kind) for kind in pointed.kinds.values()])


def _place(context: Any, builder: Any, pointed: Pointed, value: Any, *where: int) -> Any:
    """A pointer to a field, by its number, or to part of it."""
    start = builder.bitcast(value, _layout(context, pointed).as_pointer())
    return cgutils.gep_inbounds(builder, start, 0, *where)


def _bytes(context: Any, array: types.Array) -> int:
    size: int = context.get_abi_sizeof(context.get_data_type(array.dtype))
    return size


@lower_getattr_generic(Pointed)
def _(context: Any, builder: Any, pointed: Pointed, value: Any, name: str) -> Any:
    kind, number = pointed.kinds[name], list(pointed.kinds).index(name)

    def read(*where: int) -> Any:
        return builder.load(_place(context, builder, pointed, value, number, *where))

    if not isinstance(kind, types.Array):
        return read()
    size = context.get_constant(types.intp, _bytes(context, kind))
    made = context.make_array(kind)(context, builder)
    _, _, _, _, data, shape, strides = range(7)
    lengths = [read(shape, i) for i in range(kind.ndim)]
    steps = [*(read(strides, i) for i in range(kind.ndim - 1)), size]
    arrayobj.populate_array(made, read(data), lengths, steps, size, None)
    return made._getvalue()


@unbox(Pointed)
def _(pointed: Pointed, given: Any, c: Any) -> NativeValue:
    layout = _layout(c.context, pointed)
    memory = cgutils.alloca_once(c.builder, layout)
    value = c.builder.bitcast(memory, cgutils.voidptr_t)
    failed = cgutils.false_bit
    kind = ir.FunctionType(ir.IntType(32), [c.pyapi.pyobj, cgutils.voidptr_t])
    # Fills in an array without counting a reference: the caller has one.
    adapt = cgutils.get_or_insert_function(c.builder.module, kind, "numba_adapt_ndarray")
    for i, field in enumerate(pointed.kinds.values()):
        item, place = c.pyapi.tuple_getitem(given, i), cgutils.gep_inbounds(c.builder, memory, 0, i)
        if isinstance(field, types.Array):
            place = c.builder.bitcast(place, cgutils.voidptr_t)
            wrong = cgutils.is_not_null(c.builder, c.builder.call(adapt, [item, place]))
        else:
            native = c.unbox(field, item)
            c.builder.store(native.value, place)
            wrong = native.is_error
        failed = c.builder.or_(failed, wrong)
    with c.builder.if_then(failed, likely=False):
        c.pyapi.err_set_string("PyExc_TypeError", f"not what {pointed} is made of")
    return NativeValue(value, is_error=failed)
