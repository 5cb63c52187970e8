"""What is known of users' functions: their source text, what they are called, what they say."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Hashable
from typing import Any


def source_of(function: Any) -> str | None:
    """A function's source text; None if there is none."""
    code = getattr(function, "__code__", None)
    # What `exec` makes is called like the program of `python -c`, whose text Python 3.13 would give
    # as its source.
    if code is not None and code.co_filename == "<string>":
        return None
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return None


def identity(function: Any) -> Hashable:
    """Equal if a function is defined again, as by a notebook's cell that is run again.

    That is its source text, module and name. Functions whose text is not known, and those that
    `functools.partial` has given arguments, are equal only if they are one object.
    """
    inner = inspect.unwrap(function)
    text = source_of(inner)
    return id(function) if text is None else (text, inner.__module__, inner.__qualname__)


def called(function: Any) -> str:
    """What a function is called, for messages."""
    inner = inspect.unwrap(function)
    while isinstance(inner, functools.partial):
        inner = inner.func
    module = getattr(inner, "__module__", None)
    name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    return name if module in (None, "__main__") else f"{module}.{name}"


def about(function: Any) -> str:
    """What a function says about itself, or else what it is called."""
    documented = inspect.isroutine(inspect.unwrap(function)) and inspect.getdoc(function)
    return documented or f"Your function {called(function)}."
