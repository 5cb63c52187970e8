"""What ops draw, as tensors: the formulas are the ops' own, only the arithmetic is TensorFlow's."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import xla_tracing
from cifar10_aug.rng import elementary
from cifar10_aug.rng.draws import Draws

_MANTISSA_BITS = 52
_BIAS = 1023
# Of 64 bits, as in `words`.
_FRACTION = np.int64((1 << _MANTISSA_BITS) - 1)
_HALF = np.int64((_BIAS - 1) << _MANTISSA_BITS)


def numbers(x: Any) -> tf.Tensor:
    """A float64 tensor."""
    return typed(x, tf.float64)


def typed(x: Any, dtype: tf.DType) -> tf.Tensor:
    """A tensor, or a list of some, of a dtype; a number as a constant, which needs no cast."""
    if isinstance(x, tf.Tensor | list):
        return tf.cast(x, dtype)
    return tf.constant(np.asarray(x).astype(dtype.as_numpy_dtype))


def divide(x: Any, number: float) -> tf.Tensor:
    """x / number.

    Optimisers make a multiplication by the inverse of a division by a constant, which is not the
    same in the last bit. They do not see that this one is always the number.
    """
    x = numbers(x)
    return x / tf.maximum(tf.minimum(x, number - 1.0), tf.constant(number, tf.float64))


def settled(x: tf.Tensor) -> tf.Tensor:
    """x, which must be within 1e30 of 0, as a number that optimisers do not see through.

    XLA contracts a product and the sum that it goes into, and so rounds once where the eager engine
    rounds twice; and both optimisers add constants in another order. Neither sees through this.
    """
    x = tf.maximum(x, tf.constant(-1e30, x.dtype))
    # LLVM sees through one of them where it knows x's sign.
    return tf.minimum(x, tf.constant(1e30, x.dtype)) if xla_tracing.compiled() else x


def times(a: Any, b: Any) -> Any:
    """a * b, rounded before anything is added to it."""
    product = a * b
    return settled(product) if isinstance(product, tf.Tensor) else product


def plus(total: Any, a: Any, b: Any) -> Any:
    """total + a * b, rounded twice, and sums of many in this order.

    TensorFlow's optimiser changes the order of long sums, but leaves differences alone.
    """
    return total - times(-a, b)


def alike(*values: Any) -> list[tf.Tensor]:
    """Tensors of one dtype: float64 if any is a float, else int64."""
    kinds = [v.dtype if isinstance(v, tf.Tensor) else np.asarray(v).dtype for v in values]
    dtype = tf.float64 if any(tf.as_dtype(kind).is_floating for kind in kinds) else tf.int64
    return [typed(v, dtype) for v in values]


def where(condition: Any, yes: Any, no: Any) -> tf.Tensor:
    return tf.where(condition, *alike(yes, no))


def _ldexp(x: Any, power: Any) -> tf.Tensor:
    bits = tf.bitwise.left_shift(tf.cast(power, tf.int64) + _BIAS, _MANTISSA_BITS)
    return x * tf.bitcast(bits, tf.float64)


def _frexp(x: Any) -> tuple[tf.Tensor, tf.Tensor]:
    bits = tf.bitcast(numbers(x), tf.int64)
    power = tf.bitwise.right_shift(bits, _MANTISSA_BITS) - (_BIAS - 1)
    mantissa = tf.bitwise.bitwise_or(tf.bitwise.bitwise_and(bits, _FRACTION), _HALF)
    return tf.bitcast(mantissa, tf.float64), numbers(power)


def _polynomial(coefficients: tuple[float, ...], x: tf.Tensor) -> tf.Tensor:
    # Between two constants there is a product with x, which TensorFlow's own optimiser leaves.
    return elementary.horner(coefficients, x, times if xla_tracing.compiled() else operator.mul)


TENSORFLOW = elementary.Functions(
    divide=divide,
    times=times,
    rint=tf.round,
    floor=tf.floor,
    where=where,
    ldexp=_ldexp,
    frexp=_frexp,
    polynomial=_polynomial,
)


class TensorDraws(Draws):
    """Draws as tensors of shape [batch]; see the base class."""

    functions: ClassVar[elementary.Functions] = TENSORFLOW

    def __init__(self, words: Sequence[tf.Tensor], epoch: tf.Tensor):
        """Takes 32-bit words, an int64 tensor [batch] for each slot, and the epoch, int64."""
        super().__init__(words, epoch)

    def unit(self, slot: int | slice) -> Any:
        return divide(self._words[slot], 4294967295.0)

    def uniform(self, slot: int | slice, low: float, high: float) -> Any:
        return settled(super().uniform(slot, low, high))

    def integers(self, slot: int, low: Any, high: Any) -> Any:
        count = typed(high - low + 1, tf.int64)
        return low + tf.bitwise.right_shift(self._words[slot] * count, 32)

    def chance(self, slot: int, probability: Any) -> Any:
        return numbers(self._words[slot]) < probability * 4294967296.0

    @staticmethod
    def quotient(x: Any, number: float) -> Any:
        return divide(x, number)

    @staticmethod
    def times(x: Any, y: Any) -> Any:
        return times(x, y)

    @staticmethod
    def where(condition: Any, yes: Any, no: Any) -> Any:
        return where(condition, yes, no)

    @staticmethod
    def minimum(a: Any, b: Any) -> Any:
        return tf.minimum(*alike(a, b))

    @staticmethod
    def maximum(a: Any, b: Any) -> Any:
        return tf.maximum(*alike(a, b))

    @staticmethod
    def sqrt(x: Any) -> Any:
        return tf.sqrt(numbers(x))

    @staticmethod
    def take(table: Any, index: Any) -> Any:
        """As in the base class; an entry that is text stands as its place in the table."""
        entries = np.asarray(table)
        place = tf.math.floormod(index, len(entries))
        return place if entries.dtype.kind in "US" else tf.gather(tf.constant(entries), place)

    @staticmethod
    def real(x: Any) -> Any:
        return numbers(x)

    @staticmethod
    def truncated(x: Any) -> Any:
        return numbers(tf.cast(x, tf.int64))

    @staticmethod
    def whole(x: Any) -> Any:
        return tf.cast(tf.round(x), tf.int64)


class GivenTensorDraws(TensorDraws):
    """As `draws.GivenDraws`."""

    def __init__(self, values: tf.Tensor, epoch: tf.Tensor):
        """Takes the numbers, float64 [batch]."""
        super().__init__((), epoch)
        self._values = values

    def uniform(self, slot: int | slice, low: float, high: float) -> Any:
        return self._values

    def integers(self, slot: int, low: Any, high: Any) -> Any:
        return self.whole(self._values)

    def chance(self, slot: int, probability: Any) -> Any:
        return tf.ones_like(self._values, tf.bool)
