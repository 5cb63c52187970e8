"""Leaves the global random generators of the user's process as they are."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Python's `random` goes on behind this as if nothing had been drawn in it.

    Nothing of ours draws from it, or from those of NumPy and TensorFlow; TFDS does.
    """
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
