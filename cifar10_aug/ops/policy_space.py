"""What policies choose among, and how strongly it is done."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from cifar10_aug.ops.axes import (
    PillowRotate,
    ShearX,
    ShearY,
    TranslateX,
    TranslateXRel,
    TranslateY,
    TranslateYRel,
)
from cifar10_aug.ops.base import Op
from cifar10_aug.ops.colours import Saturation
from cifar10_aug.ops.compound import Choice, ChoiceOp, FiniteChoiceOp
from cifar10_aug.ops.fields import NumberField
from cifar10_aug.ops.filters import Sharpness
from cifar10_aug.ops.intensity import (
    AutoContrast,
    Brightness,
    Contrast,
    Equalize,
    Invert,
    Posterize,
    Solarize,
    SolarizeAdd,
)
from cifar10_aug.rng.draws import Draws

CVAL = NumberField(
    0, unit="levels", about="what ops that move pixels show outside", high=255, whole=True
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


class PolicyOp(ChoiceOp):
    """An op that chooses among options."""

    @property
    @abc.abstractmethod
    def options(self) -> tuple[Option, ...]:
        """What there is to choose from, beside doing nothing."""

    @property
    def choices(self) -> tuple[Op, ...]:
        return tuple(one.op for one in self.options)


class FinitePolicyOp(FiniteChoiceOp, PolicyOp):
    """A policy that knows few strengths; one of a sequence has its `number` there."""

    @property
    @abc.abstractmethod
    def drawn(self) -> tuple[np.ndarray, Any, np.ndarray]:
        """Of each outcome, as `chosen` takes them: option, strength, and whether it is negative."""

    @functools.cached_property
    def outcomes(self) -> Choice:
        index, strength, negative = self.drawn
        draws = Draws(np.empty((0, len(index)), np.uint32))
        return chosen(self.options, draws, index, strength, negative)

    def choose(self, draws: Draws) -> Choice:
        made = super().choose(draws)
        name_chosen(self.options, draws, made, getattr(self, "number", ""))
        return made


def _ops(cval: int) -> Mapping[str, Op]:
    border: dict[str, Any] = {"fill_mode": "constant", "cval": cval}
    return {
        "shearx": ShearX(**border),
        "sheary": ShearY(**border),
        "translatex": TranslateX(**border),
        "translatey": TranslateY(**border),
        "translatexrel": TranslateXRel(**border),
        "translateyrel": TranslateYRel(**border),
        "rotate": PillowRotate(**border),
        "brightness": Brightness(),
        "color": Saturation(),
        "contrast": Contrast(),
        "sharpness": Sharpness(),
        "posterize": Posterize(),
        "solarize": Solarize(),
        "solarizeadd": SolarizeAdd(),
        "autocontrast": AutoContrast(),
        "equalize": Equalize(),
        "invert": Invert(),
    }


_SIGNED = (
    *("shearx", "sheary", "translatex", "translatey", "translatexrel", "translateyrel", "rotate"),
    *("brightness", "color", "contrast", "sharpness"),
)
# The numbers at strength 0 and 1, torchvision's for AutoAugment and RandAugment
# (`_augmentation_space`); translations are fractions of the side.
MAGNITUDES = {
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
_ROUNDING = {"posterize": "nearest"}
IDENTITY = "identity"


def options_of(
    magnitudes: Mapping[str, tuple[float, float]],
    cval: int,
    rounding: Mapping[str, str] = _ROUNDING,
) -> tuple[Option, ...]:
    ops = _ops(cval)
    return tuple(
        Option(name, ops[name], *ends, name in _SIGNED, rounding.get(name, "none"))
        for name, ends in magnitudes.items()
    )


def chosen(
    options: tuple[Option, ...], draws: Draws, index: Any, strength: Any, negative: Any
) -> Choice:
    """What is chosen, and its number; -1 or `len(options)` means identity.

    Args:
        options: to choose from.
        draws: of the policy.
        index: int64 [batch].
        strength: float64 [batch], 0 to 1.
        negative: bool [batch], for signed options.
    """
    # -1 and the place after the last option mean identity.
    weakest = draws.take([*(one.weakest for one in options), 0.0], index)
    strongest = draws.take([*(one.strongest for one in options), 0.0], index)
    change = draws.times(strongest - weakest, strength)
    for rounding, rounded in (("nearest", draws.whole), ("down", draws.truncated)):
        taken = draws.take([*(one.rounding == rounding for one in options), False], index)
        change = draws.where(taken, rounded(change), change)
    signed = draws.take([*(one.signed for one in options), False], index)
    value = weakest + draws.where(signed & negative, -change, change)
    return Choice(draws.where(index == len(options), -1, index), value)


def name_chosen(
    options: tuple[Option, ...], draws: Draws, choice: Choice, number: int | str, of: str = ""
) -> None:
    """Logs what is chosen, as `op`, and its number, as `value`; NaN for ops that take none.

    Args:
        options: it is chosen from.
        draws: the log.
        choice: what is chosen.
        number: after these names.
        of: before them.
    """
    index, value = choice
    draws.name(f"{of}op{number}", draws.take([*(one.name for one in options), IDENTITY], index))
    numbered = draws.take([*(one.weakest != one.strongest for one in options), False], index)
    draws.name(f"{of}value{number}", draws.where(numbered, value, float("nan")))


def half(draws: Draws, slot: int) -> Any:
    return draws.chance(slot, 0.5)
