"""For numba 0.6x: before its first function it imports SciPy, only to see whether it is there.

That takes an eighth of a second where SciPy is installed. Functions with linear algebra, which need
it, import it when they are compiled. This can go when numba's `arraymath` no longer does.
"""

from __future__ import annotations

import importlib.util


def put_off() -> None:
    """Has numba only look for SciPy, unless it has imported it already."""
    from numba.np import linalg

    if importlib.util.find_spec("scipy") is None:
        return
    check, linalg.ensure_blas = linalg.ensure_blas, lambda: None
    try:
        from numba.np import arraymath
    finally:
        linalg.ensure_blas = check
    arraymath.ensure_blas = check
