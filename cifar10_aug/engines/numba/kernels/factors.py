"""Products of levels with a factor, in whole numbers where those give what float64 does."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32

from cifar10_aug.engines.numba.kernels.compiling import inner

# Factors as whole numbers: so many bits after the point, and 11 before it in 32 bits.
BITS = 19
_LARGEST_FACTOR = 16.0
# More than 255 times what a whole factor is rounded by.
LIFT = i32(128)


@inner
def whole_factor(factor: float) -> int:
    return i32(np.rint(min(factor, _LARGEST_FACTOR) * (1 << BITS)))


@inner
def moved_level(level: int, by: int, whole: int, lift: int) -> int:
    """level + factor * by, as a level; see `lift_of`."""
    moved = i32(i32(i32(by * whole) + lift) >> i32(BITS))
    return min(max(i32(level + moved), i32(0)), i32(255))


@inner
def scaled_level(level: int, whole: int, lift: int) -> int:
    """factor * level, as a level; see `lift_of`."""
    return min(i32(i32(i32(level * whole) + lift) >> i32(BITS)), i32(255))


@inner
def lift_of(factor: float, whole: int, least: int) -> int:
    """What is added to whole products to make them float64's, rounded down; -1 if nothing does.

    Products with decimal fractions may be whole, and must not end up just below.

    Args:
        factor: 0 or more.
        whole: its `whole_factor`.
        least: the least number it is multiplied with, 0 or -255; the greatest is 255.
    """
    if factor >= _LARGEST_FACTOR:
        return i32(-1)
    if far_from_whole(whole, i32(0)):
        return i32(0)
    off, lifted_off = i32(0), i32(0)
    for by in range(least, 256):
        exact, product = factor * float(i32(by)), i32(i32(by) * whole)
        rest = exact - float(i32(product >> i32(BITS)))
        lifted = exact - float(i32(i32(product + LIFT) >> i32(BITS)))
        # Far enough from the next whole number that adding a level does not round to it.
        off |= i32(0) if (rest >= 0.0) & (rest < 1.0 - 2.0**-40) else i32(1)
        # It is lifted by more than what is lacking, so that it cannot end up too low.
        lifted_off |= i32(0) if lifted >= 0.0 else i32(1)
    return i32(0) if off == 0 else (LIFT if lifted_off == 0 else i32(-1))


@inner
def far_from_whole(whole: int, added: int) -> bool:
    """Whether rounding a factor to `whole` takes no product with 1 to 255 past a whole number.

    That is also true for -1 to -255 if nothing is added. For 511 products it takes a tenth of the
    time of comparing them with those of float64.
    """
    near = i32(0)
    for times in range(1, 256):
        rest = i32(i32(i32(times) * whole) + added) & i32((1 << BITS) - 1)
        near |= i32(0) if (rest >= LIFT) & (rest <= i32(1 << BITS) - LIFT) else i32(1)
    return near == 0
