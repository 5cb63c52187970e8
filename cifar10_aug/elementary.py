"""Sine, cosine, exponential and logarithm that give the same bits on every machine.

Library versions differ in the last bit between processors and operating systems, and a last bit
can move a pixel. These use only additions, multiplications and rounding, which IEEE 754 fixes.
They are Taylor series, cut where the next term is below 2**-54 of the result on the reduced range.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_SINE = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(9)]
_COSINE = [(-1.0) ** k / math.factorial(2 * k) for k in range(9)]
_EXP = [1.0 / math.factorial(k) for k in range(15)]
_ARTANH = [1.0 / (2 * k + 1) for k in range(11)]
# ln 2 in two parts; the first has so few bits that multiples of it are exact (as in fdlibm).
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
_LN2 = 0.6931471805599453
_RADIANS = 0.017453292519943295


def _polynomial(coefficients: list[float], x: Any) -> Any:
    total = x * 0.0 + coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def sine_cosine(degrees: Any) -> tuple[Any, Any]:
    """Sine and cosine of an angle in degrees, exact at multiples of 90.

    Args:
        degrees: float64 array of any shape.

    Returns:
        Two float64 arrays of that shape, within 1e-15 of the true values.
    """
    quarter = np.rint(degrees / 90.0)
    x = (degrees - 90.0 * quarter) * _RADIANS
    square = x * x
    sine, cosine = x * _polynomial(_SINE, square), _polynomial(_COSINE, square)
    turn = quarter - 4.0 * np.floor(quarter / 4.0)
    swapped = (turn == 1.0) | (turn == 3.0)
    sign_of_sine = np.where(turn >= 2.0, -1.0, 1.0)
    sign_of_cosine = np.where((turn == 1.0) | (turn == 2.0), -1.0, 1.0)
    return (
        sign_of_sine * np.where(swapped, cosine, sine),
        sign_of_cosine * np.where(swapped, sine, cosine),
    )


def exponential(x: Any) -> Any:
    """e**x of a float64 array, |x| < 700, within 1e-15 relative."""
    power = np.rint(x / _LN2)
    series = _polynomial(_EXP, (x - power * _LN2_HIGH) - power * _LN2_LOW)
    return np.ldexp(series, power.astype(np.int32))


def logarithm(x: Any) -> Any:
    """The natural logarithm of a positive float64 array, within 1e-15 of the larger of it and 1."""
    mantissa, power = np.frexp(x)
    small = mantissa < 0.7071067811865476
    mantissa = np.where(small, mantissa * 2.0, mantissa)
    power = np.where(small, power - 1, power)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    return power * _LN2 + 2.0 * ratio * _polynomial(_ARTANH, ratio * ratio)
