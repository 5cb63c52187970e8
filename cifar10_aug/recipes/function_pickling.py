"""Takes registered functions to other processes, and tells whether one has changed."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import pickle
import types
from collections.abc import Iterator
from typing import Any

import cloudpickle

from cifar10_aug.engines.python import worker_process
from cifar10_aug.errors import RegistrationError
from cifar10_aug.ops.compound import flattened
from cifar10_aug.ops.python_op import PythonOp
from cifar10_aug.recipes.function_sources import source_of
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.recipes.registration import register


@dataclasses.dataclass(frozen=True)
class Carried:
    """The registered functions of a recipe; picklable."""

    pickled: bytes
    import_path: tuple[str, ...] = ()

    @staticmethod
    def by(recipe: Recipe) -> Carried:
        """What other processes need to know of to parse and run `recipe`.

        Raises:
            RegistrationError: if a function cannot be pickled.
        """
        registrations = []
        for op in _python_ops(recipe):
            how = {"batched": op.batched, "output": op.output, "backend": op.backend}
            error = worker_process.pickling_error(op.function)
            if error is not None:
                raise RegistrationError(
                    f"{op.name} cannot be sent to other processes ({type(error).__name__}: "
                    f"{error}); create what it needs inside the function"
                ) from error
            registrations.append((op.name, op.function, how))
        return Carried(cloudpickle.dumps(registrations), worker_process.import_path())

    def register(self) -> None:
        """Registers the functions in this process, unless that has been done."""
        worker_process.extend_import_path(self.import_path)
        _register(self.pickled)


NOTHING = Carried(pickle.dumps([]))


@functools.lru_cache(maxsize=8)
def _register(pickled: bytes) -> None:
    # From the process that asked this one to work.
    for name, function, how in pickle.loads(pickled):
        register(name, function, replace=True, **how)


def fingerprints(recipe: Recipe) -> dict[str, str]:
    """A digest of each registered function's source text or, without one, of its byte code.

    They tell whether a function has been edited, but for what it calls; byte code also differs
    between versions of Python.
    """
    return {op.name: _fingerprint(op) for op in _python_ops(recipe)}


def _python_ops(recipe: Recipe) -> list[PythonOp]:
    return [op for op in flattened(recipe.ops) if isinstance(op, PythonOp)]


def _fingerprint(op: PythonOp) -> str:
    digest = hashlib.sha256(repr((op.batched, op.output)).encode())
    for part in _parts(op.function):
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def _parts(function: Any) -> Iterator[bytes]:
    if isinstance(function, functools.partial):
        yield repr((function.args, sorted(function.keywords.items()))).encode()
        yield from _parts(function.func)
        return
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    source = source_of(inner)
    if source is not None:
        yield source.encode()
    elif code is not None:
        yield from _code(code)
    else:
        yield type(inner).__qualname__.encode()


def _code(code: types.CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield repr(code.co_names).encode()
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code(constant)
        else:
            yield repr(constant).encode()
