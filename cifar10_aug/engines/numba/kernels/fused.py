"""Products that are added without being rounded first, where the processor can do both at once.

Bits differ from one processor to another. So these are for sums whose last bits do not matter:
what is rounded from them is made again, in order, where it is in doubt.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, type_callable


def plus_product(total: float, factor: float, value: float) -> float:
    """total + factor * value, of three float32 or three float64."""
    return total + factor * value


@type_callable(plus_product)
def _(context: Any) -> Any:
    return lambda total, factor, value: total if total == factor == value else None


@lower_builtin(plus_product, types.Float, types.Float, types.Float)
def _(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    total, factor, value = arguments
    kind = ir.FunctionType(total.type, [total.type] * 3)
    function = builder.module.declare_intrinsic("llvm.fmuladd", [total.type], kind)
    return builder.call(function, [factor, value, total])
