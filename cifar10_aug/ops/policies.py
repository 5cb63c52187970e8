"""Policies: what to do with an example is drawn, too, from the ops that there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from cifar10_aug.draws import Draws
from cifar10_aug.fields import Interval, IntervalField, NumberField, option
from cifar10_aug.ops.axes import ShearX, ShearY, TranslateX, TranslateY
from cifar10_aug.ops.colours import Saturation
from cifar10_aug.ops.compositions import Choice, ChoiceOp, MixtureOp, SequenceOp
from cifar10_aug.ops.filters import Sharpness
from cifar10_aug.ops.geometry import Rotate
from cifar10_aug.ops.kinds import Op
from cifar10_aug.ops.tones import (
    AutoContrast,
    Brightness,
    Contrast,
    Equalize,
    Invert,
    Posterize,
    Solarize,
)


@dataclasses.dataclass(frozen=True)
class Option:
    """An op that a policy may choose, by the name that the papers give it.

    Attributes:
        name: in lower case.
        op: the op; a policy gives it one number.
        weakest: the number at strength 0.
        strongest: the number at strength 1.
        signed: whether the number goes to the other side of the weakest as often.
        rounding: of its distance from the weakest: "none", "nearest" or "down".
    """

    name: str
    op: Op
    weakest: float = 0.0
    strongest: float = 0.0
    signed: bool = False
    rounding: str = "none"


def _ops(cval: int) -> Mapping[str, Op]:
    border: dict[str, Any] = {"fill_mode": "constant", "cval": cval}
    return {
        "shearx": ShearX(**border),
        "sheary": ShearY(**border),
        "translatex": TranslateX(**border),
        "translatey": TranslateY(**border),
        "rotate": Rotate(**border),
        "brightness": Brightness(),
        "color": Saturation(),
        "contrast": Contrast(),
        "sharpness": Sharpness(),
        "posterize": Posterize(),
        "solarize": Solarize(),
        "autocontrast": AutoContrast(),
        "equalize": Equalize(),
        "invert": Invert(),
    }


_SIGNED = (
    *("shearx", "sheary", "translatex", "translatey", "rotate"),
    *("brightness", "color", "contrast", "sharpness"),
)
# torchvision's greatest magnitudes for AutoAugment and RandAugment (`_augmentation_space`), of
# pictures of any size; translations are fractions of the side.
_STRONGEST = {
    "shearx": (0.0, 0.3),
    "sheary": (0.0, 0.3),
    "translatex": (0.0, 150 / 331),
    "translatey": (0.0, 150 / 331),
    "rotate": (0.0, 30.0),
    "brightness": (1.0, 1.9),
    "color": (1.0, 1.9),
    "contrast": (1.0, 1.9),
    "sharpness": (1.0, 1.9),
    "posterize": (8.0, 4.0),
    "solarize": (255.0, 0.0),
    "autocontrast": (0.0, 0.0),
    "equalize": (0.0, 0.0),
    "invert": (0.0, 0.0),
}
# AutoAugment's authors move CIFAR-10's 32 pixels by at most 10.
_AUTOAUGMENT = {**_STRONGEST, "translatex": (0.0, 10 / 32), "translatey": (0.0, 10 / 32)}
# TrivialAugmentWide's (Müller and Hutter, arXiv:2103.10158), as torchvision has them: 32 pixels, on
# CIFAR-10 the whole side.
_WIDE = {
    **_STRONGEST,
    **dict.fromkeys(("shearx", "sheary"), (0.0, 0.99)),
    **dict.fromkeys(("translatex", "translatey"), (0.0, 1.0)),
    "rotate": (0.0, 135.0),
    **dict.fromkeys(("brightness", "color", "contrast", "sharpness"), (1.0, 1.99)),
    "posterize": (8.0, 2.0),
}
# AugMix's: levels 0 to 10 are strengths 0 to 1 here.
_AUGMIX = {
    "autocontrast": (0.0, 0.0),
    "equalize": (0.0, 0.0),
    "posterize": (4.0, 0.0),
    "rotate": (0.0, 30.0),
    "solarize": (256.0, 0.0),
    "shearx": (0.0, 0.3),
    "sheary": (0.0, 0.3),
    "translatex": (0.0, 1 / 3),
    "translatey": (0.0, 1 / 3),
}
_ROUNDING = {"posterize": "nearest"}
_AUGMIX_ROUNDING = {"posterize": "down", "rotate": "down", "solarize": "down"}
IDENTITY = "identity"


def _options(
    magnitudes: Mapping[str, tuple[float, float]],
    cval: int,
    rounding: Mapping[str, str] = _ROUNDING,
) -> tuple[Option, ...]:
    ops = _ops(cval)
    return tuple(
        Option(name, ops[name], *ends, name in _SIGNED, rounding.get(name, "none"))
        for name, ends in magnitudes.items()
    )


# RandAugment and TrivialAugment choose among all but this one, and doing nothing.
def _searched(magnitudes: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    return {name: ends for name, ends in magnitudes.items() if name != "invert"}


def _choice(
    options: tuple[Option, ...],
    draws: Draws,
    index: Any,
    strength: Any,
    negative: Any,
    number: int | str = "",
    of: str = "",
) -> Choice:
    """What is chosen, and its number; an index behind the last option, or -1, is doing nothing.

    Args:
        options: to choose from.
        draws: of the policy, which log what is chosen, as `op`, and its number, as `value`; NaN
            for ops that take none.
        index: int64 [batch].
        strength: float64 [batch], 0 to 1.
        negative: bool [batch], for signed options.
        number: behind these names.
        of: in front of them.
    """
    # The place behind the last option, and -1, are doing nothing.
    weakest = draws.take([*(one.weakest for one in options), 0.0], index)
    strongest = draws.take([*(one.strongest for one in options), 0.0], index)
    change = (strongest - weakest) * strength
    for rounding, rounded in (("nearest", draws.whole), ("down", draws.truncated)):
        taken = draws.take([*(one.rounding == rounding for one in options), False], index)
        change = draws.where(taken, rounded(change), change)
    signed = draws.take([*(one.signed for one in options), False], index)
    value = weakest + draws.where(signed & negative, -change, change)
    draws.name(f"{of}op{number}", draws.take([*(one.name for one in options), IDENTITY], index))
    numbered = draws.take([*(one.weakest != one.strongest for one in options), False], index)
    draws.name(f"{of}value{number}", draws.where(numbered, value, float("nan")))
    return Choice(draws.where(index == len(options), -1, index), value)


def _half(draws: Draws, slot: int) -> Any:
    return draws.chance(slot, 0.5)


_CVAL = NumberField(
    0, unit="levels", about="what ops that move pixels show outside", high=255, whole=True
)
# RandAugment's and TrivialAugment's strengths come in so many steps.
_STEPS = 30


@dataclasses.dataclass(frozen=True)
class _RandomOp(ChoiceOp):
    """One of RandAugment's choices."""

    name: ClassVar[str] = "randaugment"
    slots: ClassVar[int] = 2

    number: int
    m: int
    options: tuple[Option, ...]

    @property
    def choices(self) -> tuple[Op, ...]:
        return tuple(one.op for one in self.options)

    def choose(self, draws: Draws) -> Choice:
        index = draws.integers(0, 0, len(self.options))
        strength = self.m / _STEPS
        return _choice(self.options, draws, index, strength, _half(draws, 1), self.number)


@dataclasses.dataclass(frozen=True)
class RandAugment(SequenceOp):
    """Does n of 14 things, doing nothing being one, at magnitude m of 30 (arXiv:1909.13719).

    Choices and magnitudes are torchvision's.
    """

    name: ClassVar[str] = "randaugment"

    n: int = option(NumberField(2, unit="ops", about="how many", low=1, high=8, whole=True))
    m: int = option(NumberField(9, unit="of 30", about="how strong", high=30, whole=True))
    cval: int = option(_CVAL)

    @property
    def slots(self) -> int:  # type: ignore[override]
        return _RandomOp.slots * self.n

    @property
    def parts(self) -> tuple[Op, ...]:
        options = _options(_searched(_STRONGEST), self.cval)
        return tuple(_RandomOp(number + 1, self.m, options) for number in range(self.n))


@dataclasses.dataclass(frozen=True)
class TrivialAugment(ChoiceOp):
    """Does one of 14 things, doing nothing being one, at any of 31 magnitudes (arXiv:2103.10158).

    Choices and magnitudes are TrivialAugmentWide's, as torchvision has them.
    """

    name: ClassVar[str] = "trivialaugment"
    slots: ClassVar[int] = 3

    cval: int = option(_CVAL)

    @property
    def _options(self) -> tuple[Option, ...]:
        return _options(_searched(_WIDE), self.cval)

    @property
    def choices(self) -> tuple[Op, ...]:
        return tuple(one.op for one in self._options)

    def choose(self, draws: Draws) -> Choice:
        options = self._options
        index = draws.integers(0, 0, len(options))
        strength = draws.integers(1, 0, _STEPS) / _STEPS
        return _choice(options, draws, index, strength, _half(draws, 2))


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
_STRONGEST_OF_9 = 9


@dataclasses.dataclass(frozen=True)
class _SubpolicyStep(ChoiceOp):
    """The first or the second op of the sub-policy that is drawn."""

    name: ClassVar[str] = "autoaugment"
    slots: ClassVar[int] = 5

    number: int
    cval: int

    @property
    def _options(self) -> tuple[Option, ...]:
        return _options(_AUTOAUGMENT, self.cval)

    @property
    def choices(self) -> tuple[Op, ...]:
        return tuple(one.op for one in self._options)

    def choose(self, draws: Draws) -> Choice:
        subpolicy = draws.integers(0, 0, len(_SUBPOLICIES) - 1)
        if self.number == 1:
            draws.name("subpolicy", subpolicy)
        steps = [steps[self.number - 1] for steps in _SUBPOLICIES]
        options = self._options
        places = {one.name: place for place, one in enumerate(options)}
        first_slot = 2 * self.number - 1
        applied = draws.chance(first_slot, draws.take([p for _, p, _ in steps], subpolicy))
        index = draws.take([places[name] for name, _, _ in steps], subpolicy)
        index = draws.where(applied, index, len(options))
        magnitude = draws.take([float(m) for _, _, m in steps], subpolicy)
        negative = _half(draws, first_slot + 1)
        strength = magnitude / _STRONGEST_OF_9
        return _choice(options, draws, index, strength, negative, self.number)


@dataclasses.dataclass(frozen=True)
class AutoAugment(SequenceOp):
    """Does one of the 25 sub-policies that were found for CIFAR-10 (arXiv:1805.09501).

    Magnitudes are torchvision's, but that images move by 10 pixels at most, as in the authors'
    code.
    """

    name: ClassVar[str] = "autoaugment"
    slots: ClassVar[int] = 5
    shares_words: ClassVar[bool] = True

    cval: int = option(_CVAL)

    @property
    def parts(self) -> tuple[Op, ...]:
        return _SubpolicyStep(1, self.cval), _SubpolicyStep(2, self.cval)


@dataclasses.dataclass(frozen=True)
class _ChainStep(ChoiceOp):
    """An op of one of AugMix's chains, if the chain is that long."""

    name: ClassVar[str] = "augmix"
    slots: ClassVar[int] = 0

    severity: float
    depth: Interval
    cval: int
    chain: int
    step: int
    first_slot: int

    @property
    def _options(self) -> tuple[Option, ...]:
        return _options(_AUGMIX, self.cval, _AUGMIX_ROUNDING)

    @property
    def choices(self) -> tuple[Op, ...]:
        return tuple(one.op for one in self._options)

    def choose(self, draws: Draws) -> Choice:
        length = draws.integers(self.first_slot, *(int(end) for end in self.depth))
        slot = self.first_slot + 1 + 3 * (self.step - 1)
        options = self._options
        index = draws.integers(slot, 0, len(options) - 1)
        index = draws.where(length >= self.step, index, len(options))
        strength = draws.uniform(slot + 1, 0.1, self.severity) / 10.0
        negative = _half(draws, slot + 2)
        chain = f"chain{self.chain}"
        return _choice(options, draws, index, strength, negative, self.step, chain)


@dataclasses.dataclass(frozen=True)
class _Chain(SequenceOp):
    """One of AugMix's versions of an image."""

    name: ClassVar[str] = "augmix"
    shares_words: ClassVar[bool] = True

    steps: tuple[_ChainStep, ...]

    @property
    def parts(self) -> tuple[Op, ...]:
        return self.steps


@dataclasses.dataclass(frozen=True)
class AugMix(MixtureOp):
    """Lays several chains of random ops over the image (Hendrycks et al., arXiv:1912.02781).

    Ops and strengths are the authors', with their alpha of 1. Only the mixed image is made, not the
    three that their consistency loss compares.
    """

    name: ClassVar[str] = "augmix"

    severity: float = option(
        NumberField(3, unit="of 10", about="the greatest strength", low=1, high=10)
    )
    width: int = option(NumberField(3, unit="chains", about="how many", low=1, high=8, whole=True))
    depth: Interval = option(
        IntervalField((1, 3), unit="ops", about="in a chain", low=1, high=8, whole=True)
    )
    cval: int = option(_CVAL)

    @property
    def _slots_a_chain(self) -> int:
        return 1 + 3 * int(self.depth[1])

    @property
    def slots(self) -> int:  # type: ignore[override]
        return self.width * (self._slots_a_chain + 1) + 1

    @property
    def branches(self) -> tuple[Op, ...]:
        return tuple(
            _Chain(
                tuple(
                    _ChainStep(
                        self.severity,
                        self.depth,
                        self.cval,
                        chain + 1,
                        step + 1,
                        chain * self._slots_a_chain,
                    )
                    for step in range(int(self.depth[1]))
                )
            )
            for chain in range(self.width)
        )

    def weights(self, draws: Draws) -> tuple[Any, ...]:
        behind = self.width * self._slots_a_chain
        # Dirichlet with all parameters 1: exponential variables, divided by their sum.
        drawn = [
            -draws.logarithm(draws.maximum(draws.unit(behind + chain), 2.0**-33))
            for chain in range(self.width)
        ]
        total = draws.maximum(sum(drawn), 2.0**-60)
        share = draws.name("share", draws.unit(behind + self.width))
        weights = [
            draws.name(f"weight{chain + 1}", share * one / total) for chain, one in enumerate(drawn)
        ]
        return 1.0 - share, *weights
