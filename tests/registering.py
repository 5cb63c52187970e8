"""Registers functions for the length of a test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from cifar10_aug.ops import OPS
from cifar10_aug.recipes.registration import register


@contextlib.contextmanager
def registered(
    how: dict[str, Any] | None = None, /, **functions: Callable[..., Any]
) -> Iterator[None]:
    """Functions by the names of their ops; `how` are further arguments of `register`."""
    before = dict(OPS)
    try:
        for name, function in functions.items():
            register(name, function, **(how or {}))
        yield
    finally:
        OPS.clear()
        OPS.update(before)
