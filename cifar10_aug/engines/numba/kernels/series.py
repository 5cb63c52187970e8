"""Compiled power series, which NumPy would go through once for each coefficient."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines.numba.kernels.compiling import loop

# So many numbers, and as many results, stay in the processor's nearest cache.
_BLOCK = 1024


@loop
def horner(coefficients: np.ndarray, x: np.ndarray, made: np.ndarray) -> None:
    """Writes the sum of coefficient k times x**k, as `elementary.horner` rounds it: float64 [n]."""
    for first in range(0, x.shape[0], _BLOCK):
        some, total = x[first : first + _BLOCK], made[first : first + _BLOCK]
        last = coefficients[coefficients.shape[0] - 1]
        for i in range(some.shape[0]):
            total[i] = some[i] * 0.0 + last
        for k in range(coefficients.shape[0] - 2, -1, -1):
            coefficient = coefficients[k]
            for i in range(some.shape[0]):
                total[i] = total[i] * some[i] + coefficient
