"""Mirror images."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.draws import Draws
from cifar10_aug.fields import NumberField, option
from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.kinds import AffineOp


@dataclasses.dataclass(frozen=True)
class Flip(AffineOp):
    """Swaps left and right, with probability p."""

    name: ClassVar[str] = "flip"
    slots: ClassVar[int] = 1
    lattice: ClassVar[bool] = True
    border: ClassVar[None] = None

    p: float = option(NumberField(0.5, unit="probability", about="how often"))

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        flipped = draws.chance(0, self.p)
        sign = draws.where(flipped, -1.0, 1.0)
        return Affine(sign, 0.0, draws.where(flipped, width - 1.0, 0.0), 0.0, 1.0, 0.0)


@dataclasses.dataclass(frozen=True)
class FlipUpDown(AffineOp):
    """Swaps top and bottom, with probability p."""

    name: ClassVar[str] = "flipud"
    slots: ClassVar[int] = 1
    lattice: ClassVar[bool] = True
    border: ClassVar[None] = None

    p: float = option(NumberField(0.5, unit="probability", about="how often"))

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        flipped = draws.chance(0, self.p)
        sign = draws.where(flipped, -1.0, 1.0)
        return Affine(1.0, 0.0, 0.0, 0.0, sign, draws.where(flipped, height - 1.0, 0.0))
