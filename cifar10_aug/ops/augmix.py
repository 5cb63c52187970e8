"""AugMix: chains of random ops, laid over the image."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

from cifar10_aug.ops.base import Op
from cifar10_aug.ops.compound import Choice, SequenceOp, WeightedSumOp
from cifar10_aug.ops.fields import Interval, IntervalField, NumberField, option
from cifar10_aug.ops.policy_space import (
    CVAL,
    Option,
    PolicyOp,
    chosen,
    half,
    name_chosen,
    options_of,
)
from cifar10_aug.rng.draws import Draws

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
_AUGMIX_ROUNDING = {"posterize": "down", "rotate": "down", "solarize": "down"}


@dataclasses.dataclass(frozen=True)
class _ChainStep(PolicyOp):
    """An op of one of AugMix's chains, if the chain is that long."""

    name: ClassVar[str] = "augmix"
    slots: ClassVar[int] = 0

    severity: float
    depth: Interval
    cval: int
    chain: int
    step: int
    first_slot: int

    @functools.cached_property
    def options(self) -> tuple[Option, ...]:
        return options_of(_AUGMIX, self.cval, _AUGMIX_ROUNDING)

    def choose(self, draws: Draws) -> Choice:
        length = draws.integers(self.first_slot, *(int(end) for end in self.depth))
        slot = self.first_slot + 1 + 3 * (self.step - 1)
        options = self.options
        index = draws.integers(slot, 0, len(options) - 1)
        index = draws.where(length >= self.step, index, len(options))
        strength = draws.quotient(draws.uniform(slot + 1, 0.1, self.severity), 10.0)
        negative = half(draws, slot + 2)
        made = chosen(options, draws, index, strength, negative)
        name_chosen(options, draws, made, self.step, f"chain{self.chain}")
        return made


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
class AugMix(WeightedSumOp):
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
    cval: int = option(CVAL)

    @property
    def branch_slots(self) -> int:
        return 1 + 3 * int(self.depth[1])

    @property
    def slots(self) -> int:  # type: ignore[override]
        return self.width * (self.branch_slots + 1) + 1

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
                        chain * self.branch_slots,
                    )
                    for step in range(int(self.depth[1]))
                )
            )
            for chain in range(self.width)
        )

    def weights(self, draws: Draws) -> tuple[Any, ...]:
        after_chains = self.width * self.branch_slots
        # Dirichlet with all parameters 1: exponential variables, divided by their sum.
        drawn = [
            -draws.logarithm(draws.maximum(draws.unit(after_chains + chain), 2.0**-33))
            for chain in range(self.width)
        ]
        total = draws.maximum(sum(drawn), 2.0**-60)
        share = draws.name("share", draws.unit(after_chains + self.width))
        weights = [
            draws.name(f"weight{chain + 1}", share * one / total) for chain, one in enumerate(drawn)
        ]
        return 1.0 - share, *weights
