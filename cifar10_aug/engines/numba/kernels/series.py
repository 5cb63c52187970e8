"""Compiled power series, which NumPy would go through once for each coefficient."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import uint64

from cifar10_aug.engines.numba.kernels.compiling import loop
from cifar10_aug.rng.elementary import ARTANH, COSINE, EXP, LN2, LN2_HIGH, LN2_LOW, RADIANS, SINE

# So many numbers, and as many results, stay in the processor's nearest cache.
_BLOCK = 1024

_SINE, _COSINE, _EXP, _ARTANH = (np.array(each) for each in (SINE, COSINE, EXP, ARTANH))
_LAST_TURN, _LAST_EXP, _LAST_ARTANH = len(SINE) - 1, len(EXP) - 1, len(ARTANH) - 1
# Of a float64: the bits of its mantissa, and those of its sign and power between 0.5 and 1.
_MANTISSA, _ONE_HALF = np.uint64((1 << 52) - 1), np.uint64(1022 << 52)


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


@loop
def sine_cosine(degrees: np.ndarray, sines: np.ndarray, cosines: np.ndarray) -> None:
    """Writes what `elementary.sine_cosine` returns: float64 [n]."""
    for i in range(degrees.shape[0]):
        quarter = np.rint(degrees[i] / 90.0)
        x = (degrees[i] - 90.0 * quarter) * RADIANS
        square = x * x
        sine, cosine = square * 0.0 + _SINE[_LAST_TURN], square * 0.0 + _COSINE[_LAST_TURN]
        for k in range(_LAST_TURN - 1, -1, -1):
            sine, cosine = sine * square + _SINE[k], cosine * square + _COSINE[k]
        sine = x * sine
        turn = quarter - 4.0 * np.floor(quarter * 0.25)
        swapped = (turn == 1.0) | (turn == 3.0)
        sines[i] = (-1.0 if turn >= 2.0 else 1.0) * (cosine if swapped else sine)
        backwards = (turn == 1.0) | (turn == 2.0)
        cosines[i] = (-1.0 if backwards else 1.0) * (sine if swapped else cosine)


@loop
def exponential(x: np.ndarray, made: np.ndarray, bits: np.ndarray) -> None:
    """Writes what `elementary.exponential` returns, float64 [n]; works in `bits`, uint64 [n]."""
    for i in range(x.shape[0]):
        power = np.rint(x[i] / LN2)
        rest = (x[i] - power * LN2_HIGH) - power * LN2_LOW
        total = rest * 0.0 + _EXP[_LAST_EXP]
        for k in range(_LAST_EXP - 1, -1, -1):
            total = total * rest + _EXP[k]
        made[i] = total
        # A float64 that is this power of two.
        bits[i] = uint64(i64(power) + i64(1023)) << uint64(52)
    powers = bits.view(np.float64)
    for i in range(x.shape[0]):
        made[i] *= powers[i]


@loop
def logarithm(bits: np.ndarray, made: np.ndarray, mantissas: np.ndarray) -> None:
    """Writes what `elementary.logarithm` returns, float64 [n], of numbers by their bits, uint64.

    Works in `mantissas`, uint64 [n].
    """
    for i in range(bits.shape[0]):
        mantissas[i] = (bits[i] & _MANTISSA) | _ONE_HALF
    reals = mantissas.view(np.float64)
    for i in range(bits.shape[0]):
        power, mantissa = float(i64(bits[i] >> uint64(52)) - i64(1022)), reals[i]
        small = mantissa < 0.7071067811865476
        mantissa = mantissa * 2.0 if small else mantissa
        power = power - 1.0 if small else power
        ratio = (mantissa - 1.0) / (mantissa + 1.0)
        square = ratio * ratio
        total = square * 0.0 + _ARTANH[_LAST_ARTANH]
        for k in range(_LAST_ARTANH - 1, -1, -1):
            total = total * square + _ARTANH[k]
        made[i] = power * LN2 + 2.0 * ratio * total
