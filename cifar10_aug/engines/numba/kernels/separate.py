"""Compiled functions that their callers are compiled without, and call by their addresses.

A function that is called as usual is compiled and optimised with its caller, whether it is needed
or not. One of these is compiled when a recipe needs it, once for all its callers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import config
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin

from cifar10_aug.engines.numba.kernels.compiling import inner

_MOST = 64
# From here on numbers are given in turn.
_FIRST_UNNAMED = 32

# Where each function is in memory, int64, by its number; 0 if it is not compiled yet. Callers are
# given it as an argument, since numba takes global arrays for constants.
ADDRESSES = np.zeros(_MOST, np.int64)

_compilers: dict[int, Callable[[], int]] = {}
_functions: dict[int, Callable[..., Any]] = {}


class Signature:
    """What functions that are called in the same place take and return.

    Attributes:
        call: for compiled code: calls what is at an address with the arguments.
    """

    def __init__(self, returned: Any, *arguments: Any):
        """Takes numba's types; arrays can be read-only where the caller's are not."""
        self._returned, self._arguments = returned, arguments
        self.call = self._caller()

    def separate(self, number: int | None = None) -> Callable[[Callable[..., Any]], Any]:
        """Decorates a function of this signature, which gets a separate `number`: this, or any."""

        def decorate(function: Callable[..., Any]) -> Any:
            own = max([_FIRST_UNNAMED, *_functions]) + 1 if number is None else number
            assert own not in _functions, f"{function} has the number of another"
            made = inner(function)
            made.number = own
            _functions[own] = function
            _compilers[own] = lambda: self._address(made)
            return made

        return decorate

    def _address(self, made: Any) -> int:
        made.compile(self._returned(*self._arguments))
        result = made.overloads[self._arguments]
        address: int = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
        return address

    def _caller(self) -> Callable[..., Any]:
        returned, arguments = self._returned, self._arguments

        def call(address: int, *given: Any) -> Any:
            # In plain Python there are no addresses; see `need`.
            return _functions[address](*given)

        class Template(AbstractTemplate):
            key = call

            def generic(self, given: Any, named: Any) -> Any:
                assert len(given) == len(arguments) + 1, given
                return returned(types.int64, *arguments)

        infer_global(call, types.Function(Template))

        @lower_builtin(call, types.int64, *arguments)
        def _(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            address, *given = values
            convention = context.call_conv
            kind = convention.get_function_type(returned, arguments)
            function = builder.inttoptr(address, kind.as_pointer())
            status, result = convention.call_function(builder, function, returned, arguments, given)
            with builder.if_then(status.is_error, likely=False):
                convention.return_status_propagate(builder, status)
            return result

        return call


def need(*numbers: int) -> None:
    """Has functions compiled, before they are called."""
    for number in numbers:
        if not ADDRESSES[number]:
            ADDRESSES[number] = number if config.DISABLE_JIT else _compilers[number]()
