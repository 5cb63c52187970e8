"""Counter-based random numbers: what an example draws depends on its key and on nothing else.

The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
1, 2, 3", SC 2011). Its 128-bit counter holds what the contract calls the key, its 64-bit key the
seed:

    counter word 0      the example's number in the split
    counter word 1      the split's number (8 bits), the view's (8 bits); of blocks of four draws,
                        what word 3 lacks
    counter word 2      the epoch
    counter word 3      position of the op in the recipe (8 bits), block of four draws (24 bits)

Only the noise of large images has 2**24 blocks and more.

So no state is carried from one draw to the next, and any draw can be made anywhere, in any order.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import numpy as np

from cifar10_aug.rng import elementary

MASK = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85
_MULTIPLIERS = np.uint64(MULTIPLIER_0), np.uint64(MULTIPLIER_1)
_WEYL = np.uint64(WEYL_0), np.uint64(WEYL_1)

# A position no recipe reaches: the order in which an epoch visits its examples.
ORDER_POSITION = 255
MOST_OPS = 64
MOST_VIEWS = 64
POSITION_SHIFT = 24
# In an example's key, where the number of a view is, and where blocks go on that word 3 has no room
# for.
VIEW_SHIFT, CARRY_SHIFT = 40, 48

SEED_LIMIT = 2**64
EPOCH_LIMIT = 2**32
EXAMPLE_LIMIT = 2**32
SPLIT_NUMBERS = {"train": 0, "test": 1}


def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10: four random words for a counter of four words and a key of two.

    Args:
        c0, c1, c2, c3: the counter; uint64 scalars or arrays holding 32-bit words.
        k0, k1: the key, likewise.

    Returns:
        Four uint64 scalars or arrays holding 32-bit words.
    """
    # pragma: no mutate block, since numba compiles it; the published answers pin every bit.
    for _ in range(10):
        product_0 = _MULTIPLIERS[0] * c0
        product_1 = _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (product_1 >> HALF) ^ c1 ^ k0,
            product_1 & MASK,
            (product_0 >> HALF) ^ c3 ^ k1,
            product_0 & MASK,
        )
        k0 = (k0 + _WEYL[0]) & MASK
        k1 = (k1 + _WEYL[1]) & MASK
    return c0, c1, c2, c3


def example_keys(numbers: Any, split: str = "train") -> np.ndarray:
    """The example part of the key for examples `numbers` of a split.

    Args:
        numbers: integers of any shape, from 0 to 2**32 - 1.
        split: "train" or "test".

    Returns:
        uint64 array of the same shape.
    """
    split_number = np.uint64(SPLIT_NUMBERS[split])
    return np.asarray(numbers).astype(np.uint64) | (split_number << HALF)


def of_views(numbers: Any) -> np.ndarray:
    """What the key of an example gains in its views, uint64 of the numbers' shape; 0 in view 0."""
    return np.asarray(numbers).astype(np.uint64) << np.uint64(VIEW_SHIFT)


@functools.lru_cache(maxsize=256)
def _logarithm(x: float) -> float:
    """Of a number that is the same for all examples."""
    return float(elementary.logarithm(np.float64(x)))


class Draws:
    """What one op draws for a batch of examples, one stream an example.

    An op states how many 32-bit words it needs (`Op.slots`) and turns them into parameters with
    the methods below. Every method returns an array of shape [batch]; `unit`, `uniform` and
    `log_uniform` take a slice of slots, too, and return one of shape [slots, batch].

    Attributes:
        functions: of the array library.
        epoch: the number of the epoch, which the words of most ops depend on.
        named: what the op calls the parameters it has drawn so far, in order.
        shared: what parts of an op that see the same words have worked out, by what it is of.
    """

    functions: ClassVar[elementary.Functions] = elementary.NUMPY

    def __init__(self, words: Any, epoch: Any = 0):
        """Takes uint32 words of shape [slots, batch]."""
        self._words = words
        self.epoch = epoch
        self.named: dict[str, Any] = {}
        self.shared: dict[Any, Any] = {}

    def name(self, name: str, value: Any) -> Any:
        """`value`, entered into the log of parameters under its standard term."""
        self.named[name] = value
        return value

    def unit(self, slot: int | slice) -> Any:
        """Uniform on [0, 1], both ends included, in steps of 2**-32."""
        return self.quotient(self._words[slot].astype(np.float64), 4294967295.0)

    def uniform(self, slot: int | slice, low: float, high: float) -> Any:
        """Uniform on [low, high], both ends included."""
        return low + self.times(high - low, self.unit(slot))

    def log_uniform(self, slot: int | slice, low: Any, high: Any) -> Any:
        """Uniform in the logarithm, between two positive bounds given as logarithms."""
        return self.exponential(low + self.times(high - low, self.unit(slot)))

    def integers(self, slot: int, low: Any, high: Any) -> Any:
        """Whole numbers from low to high, both included; bounds are integers or int64 arrays."""
        count = np.asarray(high - low + 1).astype(np.uint64)
        return low + ((self._words[slot].astype(np.uint64) * count) >> HALF).astype(np.int64)

    def beta(self, slot: int, alpha: float) -> Any:
        """Beta(alpha, alpha) on [0, 1], from the words of four slots; exact for any alpha > 0.

        A symmetric beta variable with a parameter above 1/2 comes from two uniform ones by Ulrich's
        polar method (Devroye, "Non-uniform random variate generation", 1986, chapter IX.3); one
        with alpha from one with alpha + 1, since a gamma variable times U**(1 / alpha) has the
        parameter less by one.
        """
        tiny = 2.0**-33
        one, two, three = (self.maximum(self.unit(slot + k), tiny) for k in range(3))
        # 1 - U**(1 / (alpha + 1/2)), by logarithms.
        power = self.quotient(self.logarithm(one), alpha + 0.5)
        radius = self.sqrt(1.0 - self.exponential(power))
        _, cosine = self.sine_cosine(360.0 * self.unit(slot + 3))
        larger = self.maximum(0.5 + self.times(0.5 * radius, cosine), tiny)
        odds = self.logarithm(larger) - self.logarithm(self.maximum(1.0 - larger, tiny))
        odds = odds + self.quotient(self.logarithm(two) - self.logarithm(three), alpha)
        odds = self.minimum(self.maximum(odds, -600.0), 600.0)
        return 1.0 / (1.0 + self.exponential(-odds))

    def normal(self, slot: int) -> Any:
        """Standard normal, from the words of two slots; at most 6.8 from 0.

        By Box and Muller ("A note on the generation of random normal deviates", 1958).
        """
        radius = self.sqrt(-2.0 * self.logarithm(self.maximum(self.unit(slot), 2.0**-33)))
        _, cosine = self.sine_cosine(360.0 * self.unit(slot + 1))
        return self.times(radius, cosine)

    def chance(self, slot: int, probability: Any) -> Any:
        """True with the given probability: never for 0, always for 1."""
        return self._words[slot].astype(np.float64) < probability * 4294967296.0

    # The functions a formula may use, so that another array library can run it too.

    @staticmethod
    def quotient(x: Any, number: float) -> Any:
        """x / number, exact: array libraries multiply by the inverse of what is constant."""
        return np.divide(x, number)

    @staticmethod
    def times(x: Any, y: Any) -> Any:
        """x * y, rounded before anything is added to it, which not all compilers do."""
        return x * y

    @staticmethod
    def where(condition: Any, yes: Any, no: Any) -> Any:
        return np.where(condition, yes, no)

    @staticmethod
    def minimum(a: Any, b: Any) -> Any:
        return np.minimum(a, b)

    @staticmethod
    def maximum(a: Any, b: Any) -> Any:
        return np.maximum(a, b)

    @staticmethod
    def sqrt(x: Any) -> Any:
        return np.sqrt(x)

    def sine_cosine(self, degrees: Any) -> tuple[Any, Any]:
        return elementary.sine_cosine(degrees, self.functions)

    def exponential(self, x: Any) -> Any:
        return elementary.exponential(x, self.functions)

    def logarithm(self, x: Any) -> Any:
        if isinstance(x, int | float):
            return _logarithm(x)
        return elementary.logarithm(x, self.functions)

    @staticmethod
    def take(table: Any, index: Any) -> Any:
        """The entries of a table, a sequence of numbers, that an int64 array names."""
        return np.asarray(table)[index]

    @staticmethod
    def real(x: Any) -> Any:
        """Whole numbers as floats, which array libraries may not mix."""
        return np.asarray(x, np.float64)

    @staticmethod
    def truncated(x: Any) -> Any:
        """Whole numbers towards zero, as floats."""
        return np.trunc(x)

    @staticmethod
    def whole(x: Any) -> Any:
        """The nearest whole number, halves to even, as int64."""
        return np.rint(x).astype(np.int64)


class GivenDraws(Draws):
    """Draws of an op that another op has chosen, and has told which number to use.

    Whatever number the op draws is the one that is given, and nothing is left to chance.
    """

    def __init__(self, values: np.ndarray, epoch: int = 0):
        """Takes the numbers, float64 [batch]."""
        super().__init__(np.empty((0, len(values)), np.uint32), epoch)
        self._values = values

    def uniform(self, slot: int | slice, low: float, high: float) -> Any:
        return self._values

    def integers(self, slot: int, low: Any, high: Any) -> Any:
        return self.whole(self._values)

    def chance(self, slot: int, probability: Any) -> Any:
        return np.ones(len(self._values), bool)
