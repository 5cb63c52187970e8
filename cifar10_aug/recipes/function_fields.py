"""The fields of a registered function: its keyword arguments whose defaults are numbers."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

import numpy as np

from cifar10_aug.errors import RegistrationError
from cifar10_aug.recipes.function_sources import called

_GATHERING = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def fields(name: str, function: Any) -> dict[str, float]:
    """The fields that a registered function has, with their defaults.

    Raises:
        RegistrationError: if the function does not take (image, rng), or a recipe cannot spell a
            field.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise RegistrationError(
            f"{name}: {called(function)} has no signature that Python can read ({error}); give "
            "a function, for example lambda image, rng: …"
        ) from error
    parameters = list(signature.parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_more = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    first = positional[:2]
    others = [p for p in parameters if p not in first and p.kind not in _GATHERING]
    if (
        (len(first) < 2 and not takes_more)
        or any(p.default is not p.empty for p in first)
        or any(p.default is p.empty for p in others)
    ):
        raise RegistrationError(
            f"{name}: {called(function)} takes {signature}; it must take (image, rng), and "
            "arguments with defaults after them"
        )
    found = {
        p.name: p.default.item() if isinstance(p.default, np.generic) else p.default
        for p in others
        if p.kind != p.POSITIONAL_ONLY and _is_number(p.default)
    }
    _check_fields(name, found)
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _check_fields(name: str, numbers: dict[str, float]) -> None:
    spelled: dict[str, str] = {}
    for argument, default in numbers.items():
        field = argument.replace("_", "")
        if not re.fullmatch("[a-z]+", field):
            raise RegistrationError(
                f"{name}: the argument {argument!r} cannot be spelled in a recipe; a field is "
                "lower-case letters from a to z"
            )
        if field in spelled:
            raise RegistrationError(
                f"{name}: the arguments {spelled[field]!r} and {argument!r} are spelled alike in a "
                "recipe, which has no underscores in names; rename one"
            )
        if not math.isfinite(default):
            raise RegistrationError(
                f"{name}: the default of {argument!r} is {default}, which no recipe can spell; "
                "give a finite number"
            )
        spelled[field] = argument
