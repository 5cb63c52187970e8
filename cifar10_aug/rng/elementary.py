"""Sine, cosine, exponential and logarithm that give the same bits on every machine.

Library versions differ in the last bit between processors and operating systems, and a last bit
can move a pixel. These use only additions, multiplications and rounding, which IEEE 754 fixes.
They are Taylor series, cut where the next term is below 2**-54 of the result on the reduced range.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Functions(NamedTuple):
    """What the formulas below need of an array library, on float64.

    Attributes:
        divide: by a number; exact, where a library would multiply by the inverse.
        times: the product, rounded before it is added to anything, where a compiler would not.
        rint: the nearest whole number, halves to even.
        floor: the next whole number below.
        where: as NumPy's.
        ldexp: a number near 1 times a power of two, which is a whole number in float64.
        frexp: a positive number as mantissa, 0.5 to 1, and power of two, float64 or an integer.
        polynomial: the sum of coefficient k times x**k, rounded as `horner` rounds it.
    """

    divide: Callable[[Any, float], Any]
    times: Callable[[Any, Any], Any]
    rint: Callable[[Any], Any]
    floor: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]
    ldexp: Callable[[Any, Any], Any]
    frexp: Callable[[Any], tuple[Any, Any]]
    polynomial: Callable[[tuple[float, ...], Any], Any]


def horner(
    coefficients: tuple[float, ...], x: Any, times: Callable[[Any, Any], Any] = np.multiply
) -> Any:
    """A polynomial by Horner's rule: each product is rounded, and each sum."""
    *others, total = coefficients
    for coefficient in reversed(others):
        total = times(total, x) + coefficient
    return total


NUMPY = Functions(
    divide=np.divide,
    times=np.multiply,
    rint=np.rint,
    floor=np.floor,
    where=np.where,
    ldexp=lambda x, power: np.ldexp(x, power.astype(np.int32)),
    frexp=np.frexp,
    polynomial=horner,
)

SINE = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(9))
COSINE = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(9))
EXP = tuple(1.0 / math.factorial(k) for k in range(15))
ARTANH = tuple(1.0 / (2 * k + 1) for k in range(11))
# ln 2 in two parts; the first has so few bits that multiples of it are exact (as in fdlibm).
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
LN2 = 0.6931471805599453
RADIANS = 0.017453292519943295


def sine_cosine(degrees: Any, of: Functions = NUMPY) -> tuple[Any, Any]:
    """Sine and cosine of an angle in degrees, exact at multiples of 90.

    Args:
        degrees: float64 array of any shape.
        of: the array's library.

    Returns:
        Two float64 arrays of that shape, within 1e-15 of the true values.
    """
    quarter = of.rint(of.divide(degrees, 90.0))
    x = (degrees - 90.0 * quarter) * RADIANS
    square = x * x
    sine, cosine = x * of.polynomial(SINE, square), of.polynomial(COSINE, square)
    turn = quarter - 4.0 * of.floor(quarter * 0.25)
    swapped = (turn == 1.0) | (turn == 3.0)
    sign_of_sine = of.where(turn >= 2.0, -1.0, 1.0)
    sign_of_cosine = of.where((turn == 1.0) | (turn == 2.0), -1.0, 1.0)
    return (
        sign_of_sine * of.where(swapped, cosine, sine),
        sign_of_cosine * of.where(swapped, sine, cosine),
    )


def exponential(x: Any, of: Functions = NUMPY) -> Any:
    """e**x of a float64 array, |x| < 700, within 1e-15 relative."""
    power = of.rint(of.divide(x, LN2))
    rest = (x - of.times(power, LN2_HIGH)) - of.times(power, LN2_LOW)
    series = of.polynomial(EXP, rest)
    return of.ldexp(series, power)


def logarithm(x: Any, of: Functions = NUMPY) -> Any:
    """The natural logarithm of a positive float64 array, within 1e-15 of the larger of it and 1."""
    mantissa, power = of.frexp(x)
    small = mantissa < 0.7071067811865476
    mantissa = of.where(small, mantissa * 2.0, mantissa)
    power = of.where(small, power - 1, power)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    series = of.polynomial(ARTANH, ratio * ratio)
    return of.times(power, LN2) + of.times(2.0 * ratio, series)
