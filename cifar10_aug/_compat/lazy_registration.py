"""Registers datasets with TFDS without importing it: when it is imported, and asked for one.

TFDS finds datasets whose classes exist. To make ours, TFDS has to be imported, which takes half a
second that users of arrays and of `Loader` need not wait for. TFDS 4.9.10 has no public way to
announce a dataset without its class. So as soon as its module `registered`, which everything that
looks for datasets asks, has been imported, its two functions that look have ours made first.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_REGISTERED = "tensorflow_datasets.core.registered"


def install(names: Collection[str], make: Callable[[], object]) -> None:
    """Has datasets registered when somebody looks for them, now or later.

    Args:
        names: of the datasets.
        make: imports the modules in which their classes are.
    """

    def prepare(registered: ModuleType) -> None:
        find, list_all = registered.imported_builder_cls, registered.list_imported_builders

        @functools.wraps(find)
        def imported_builder_cls(name: str) -> Any:
            if name in names:
                make()
            return find(name)

        @functools.wraps(list_all)
        def list_imported_builders() -> Any:
            make()
            return list_all()

        vars(registered).update(
            imported_builder_cls=imported_builder_cls, list_imported_builders=list_imported_builders
        )

    if _REGISTERED in sys.modules:
        prepare(sys.modules[_REGISTERED])
    else:
        sys.meta_path.insert(0, _WhenImported(_REGISTERED, prepare))


class _WhenImported:
    """Lets the other finders find a module, and has something done once it has been executed."""

    def __init__(self, name: str, then: Callable[[ModuleType], None]):
        self._name, self._then = name, then

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                self._then(module)

            # The loader itself stays, which also finds sources and data files.
            loader.exec_module = exec_module
        return spec
