"""Finds what an engine does for an op that recolours images.

A process is a function of the same name, in a file of the same name, of each engine:
"intensity.contrast" is `contrast` in numba/kernels/intensity.py and in tensorflow/intensity.py.
What changes one image at a time, where its pixels stay, is a stroke there; see `numba.fusing`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def process(engine: str, name: str) -> Callable[..., Any]:
    """The function of an engine's package, such as "tensorflow", by an op's `process`."""
    file, function = name.split(".")
    module = importlib.import_module(f"cifar10_aug.engines.{engine}.{file}")
    found: Callable[..., Any] = getattr(module, function)
    return found
