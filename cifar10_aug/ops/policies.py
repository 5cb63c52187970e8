"""Policies: what to do with an example is drawn, too, from the ops that there are."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cifar10_aug.ops.base import Op
from cifar10_aug.ops.compound import Choice, SequenceOp
from cifar10_aug.ops.fields import NumberField, option
from cifar10_aug.ops.policy_space import (
    CVAL,
    MAGNITUDES,
    FinitePolicyOp,
    Option,
    PolicyOp,
    chosen,
    half,
    name_chosen,
    options_of,
)
from cifar10_aug.rng.draws import Draws

# AutoAugment's authors move CIFAR-10's 32 pixels by at most 10.
_AUTOAUGMENT = {**MAGNITUDES, "translatex": (0.0, 10 / 32), "translatey": (0.0, 10 / 32)}
# TrivialAugmentWide's (Müller and Hutter, arXiv:2103.10158), as torchvision has them: 32 pixels, on
# CIFAR-10 the whole side.
_WIDE = {
    **MAGNITUDES,
    **dict.fromkeys(("shearx", "sheary"), (0.0, 0.99)),
    **dict.fromkeys(("translatex", "translatey"), (0.0, 1.0)),
    "rotate": (0.0, 135.0),
    **dict.fromkeys(("brightness", "color", "contrast", "sharpness"), (1.0, 1.99)),
    "posterize": (8.0, 2.0),
}


def _searched(magnitudes: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """What RandAugment and TrivialAugment choose among, beside doing nothing."""
    return {name: ends for name, ends in magnitudes.items() if name != "invert"}


# RandAugment's and TrivialAugment's strengths come in so many steps.
_STEPS = 30


@dataclasses.dataclass(frozen=True)
class _RandomOp(FinitePolicyOp):
    """One of RandAugment's choices."""

    name: ClassVar[str] = "randaugment"
    slots: ClassVar[int] = 2

    number: int
    m: int
    cval: int

    @functools.cached_property
    def options(self) -> tuple[Option, ...]:
        return options_of(_searched(MAGNITUDES), self.cval)

    @property
    def drawn(self) -> tuple[np.ndarray, Any, np.ndarray]:
        outcomes = np.arange(2 * len(self.options) + 2)
        return outcomes // 2, self.m / _STEPS, outcomes % 2 == 0

    def outcome(self, draws: Draws) -> Any:
        return 2 * draws.integers(0, 0, len(self.options)) + draws.integers(1, 0, 1)


@dataclasses.dataclass(frozen=True)
class RandAugment(SequenceOp):
    """Does n of 14 things, doing nothing being one, at magnitude m of 30 (arXiv:1909.13719).

    Choices and magnitudes are torchvision's.
    """

    name: ClassVar[str] = "randaugment"

    n: int = option(NumberField(2, unit="ops", about="how many", low=1, high=8, whole=True))
    m: int = option(NumberField(9, unit="of 30", about="how strong", high=30, whole=True))
    cval: int = option(CVAL)

    @property
    def slots(self) -> int:  # type: ignore[override]
        return _RandomOp.slots * self.n

    @property
    def parts(self) -> tuple[Op, ...]:
        return tuple(_RandomOp(number + 1, self.m, self.cval) for number in range(self.n))


# timm's `rand-m9-mstd0.5-inc1`: the ops of `_RAND_INCREASING_TRANSFORMS`, at levels 0 and 10.
_INCREASING = {
    **dict.fromkeys(("autocontrast", "equalize", "invert"), (0.0, 0.0)),
    "rotate": (0.0, 30.0),
    "posterize": (4.0, 0.0),
    "solarize": (256.0, 0.0),
    "solarizeadd": (0.0, 110.0),
    **dict.fromkeys(("color", "contrast", "brightness", "sharpness"), (1.0, 1.9)),
    **dict.fromkeys(("shearx", "sheary"), (0.0, 0.3)),
    **dict.fromkeys(("translatexrel", "translateyrel"), (0.0, 0.45)),
}
_CUT = dict.fromkeys(("posterize", "solarize", "solarizeadd"), "down")
_LEVELS = 10


@dataclasses.dataclass(frozen=True)
class _TimmOp(PolicyOp):
    """One of timm's layers."""

    name: ClassVar[str] = "timmaugment"
    slots: ClassVar[int] = 5

    number: int
    m: float
    std: float
    prob: float
    cval: int

    @functools.cached_property
    def options(self) -> tuple[Option, ...]:
        return options_of(_INCREASING, self.cval, _CUT)

    def choose(self, draws: Draws) -> Choice:
        options = self.options
        drawn = self.m + draws.times(self.std, draws.normal(3))
        magnitude = draws.minimum(draws.maximum(drawn, 0.0), float(_LEVELS))
        draws.name(f"magnitude{self.number}", magnitude)
        index = draws.integers(0, 0, len(options) - 1)
        index = draws.where(draws.chance(1, self.prob), index, len(options))
        strength = draws.quotient(magnitude, _LEVELS)
        made = chosen(options, draws, index, strength, half(draws, 2))
        name_chosen(options, draws, made, self.number)
        return made


@dataclasses.dataclass(frozen=True)
class TimmAugment(SequenceOp):
    """timm's RandAugment, rand-m9-mstd0.5-inc1: n times one of 15 ops, at magnitude m of 10.

    Each is done with probability prob, and draws its magnitude from a normal distribution, cut off
    at 0 and 10. Ops, magnitudes and defaults are those of timm's `rand_augment_transform`; timm
    also draws how pixels are interpolated, bilinearly or bicubically, and here it is bilinear.
    """

    name: ClassVar[str] = "timmaugment"

    n: int = option(NumberField(2, unit="ops", about="how many", low=1, high=8, whole=True))
    m: float = option(NumberField(9, unit="of 10", about="how strong, on average", high=_LEVELS))
    std: float = option(
        NumberField(0.5, unit="of 10", about="by how much strength varies", high=_LEVELS)
    )
    prob: float = option(NumberField(0.5, unit="probability", about="how often each op is done"))
    cval: int = option(dataclasses.replace(CVAL, default=128))

    @property
    def slots(self) -> int:  # type: ignore[override]
        return _TimmOp.slots * self.n

    @property
    def parts(self) -> tuple[Op, ...]:
        return tuple(
            _TimmOp(number + 1, self.m, self.std, self.prob, self.cval) for number in range(self.n)
        )


@dataclasses.dataclass(frozen=True)
class TrivialAugment(FinitePolicyOp):
    """Does one of 14 things, doing nothing being one, at any of 31 magnitudes (arXiv:2103.10158).

    Choices and magnitudes are TrivialAugmentWide's, as torchvision has them.
    """

    name: ClassVar[str] = "trivialaugment"
    slots: ClassVar[int] = 3

    cval: int = option(CVAL)

    @functools.cached_property
    def options(self) -> tuple[Option, ...]:
        return options_of(_searched(_WIDE), self.cval)

    @property
    def drawn(self) -> tuple[np.ndarray, Any, np.ndarray]:
        step, negative = np.divmod(np.arange(2 * (_STEPS + 1) * (len(self.options) + 1)), 2)
        return step // (_STEPS + 1), step % (_STEPS + 1) / _STEPS, negative == 0

    def outcome(self, draws: Draws) -> Any:
        option, step = draws.integers(0, 0, len(self.options)), draws.integers(1, 0, _STEPS)
        return 2 * ((_STEPS + 1) * option + step) + draws.integers(2, 0, 1)


# The 25 sub-policies for CIFAR-10: op, probability, magnitude of 9; then the second op.
_SUBPOLICIES: tuple[tuple[tuple[str, float, int], tuple[str, float, int]], ...] = (
    (("invert", 0.1, 0), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translatex", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("sheary", 0.5, 8), ("translatey", 0.7, 9)),
    (("autocontrast", 0.5, 0), ("equalize", 0.9, 0)),
    (("sheary", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 0), ("equalize", 0.5, 0)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translatex", 0.5, 8)),
    (("equalize", 0.3, 0), ("autocontrast", 0.4, 0)),
    (("translatey", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 0)),
    (("equalize", 0.2, 0), ("autocontrast", 0.6, 0)),
    (("equalize", 0.2, 0), ("equalize", 0.6, 0)),
    (("color", 0.9, 9), ("equalize", 0.6, 0)),
    (("autocontrast", 0.8, 0), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, 0)),
    (("translatey", 0.9, 9), ("translatey", 0.7, 9)),
    (("autocontrast", 0.9, 0), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 0), ("invert", 0.1, 0)),
    (("translatey", 0.7, 9), ("autocontrast", 0.9, 0)),
)
_LARGEST_MAGNITUDE = 9


@dataclasses.dataclass(frozen=True)
class _SubpolicyStep(FinitePolicyOp):
    """The first or the second op of the sub-policy that is drawn."""

    name: ClassVar[str] = "autoaugment"
    slots: ClassVar[int] = 5

    number: int
    cval: int

    @functools.cached_property
    def options(self) -> tuple[Option, ...]:
        return options_of(_AUTOAUGMENT, self.cval)

    @property
    def drawn(self) -> tuple[np.ndarray, Any, np.ndarray]:
        places = {one.name: place for place, one in enumerate(self.options)}
        steps = [steps[self.number - 1] for steps in _SUBPOLICIES]
        subpolicy, rest = np.divmod(np.arange(4 * len(steps)), 4)
        index = np.array([places[name] for name, _, _ in steps])[subpolicy]
        magnitude = np.array([m for _, _, m in steps])[subpolicy]
        applied = rest >= 2
        index = np.where(applied, index, len(self.options))
        return index, magnitude / _LARGEST_MAGNITUDE, rest % 2 == 0

    def outcome(self, draws: Draws) -> Any:
        subpolicy = draws.integers(0, 0, len(_SUBPOLICIES) - 1)
        if self.number == 1:
            draws.name("subpolicy", subpolicy)
        first_slot = 2 * self.number - 1
        often = draws.take([steps[self.number - 1][1] for steps in _SUBPOLICIES], subpolicy)
        outcome = 4 * subpolicy + draws.integers(first_slot + 1, 0, 1)
        return draws.where(draws.chance(first_slot, often), outcome + 2, outcome)


@dataclasses.dataclass(frozen=True)
class AutoAugment(SequenceOp):
    """Does one of the 25 sub-policies that were found for CIFAR-10 (arXiv:1805.09501).

    Magnitudes are torchvision's, but that images move by 10 pixels at most, as in the authors'
    code.
    """

    name: ClassVar[str] = "autoaugment"
    slots: ClassVar[int] = 5
    shares_words: ClassVar[bool] = True

    cval: int = option(CVAL)

    @property
    def parts(self) -> tuple[Op, ...]:
        return _SubpolicyStep(1, self.cval), _SubpolicyStep(2, self.cval)
