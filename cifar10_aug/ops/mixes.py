"""Mixing examples with others of the same slice, and their labels likewise."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.ops.base import Boxes
from cifar10_aug.ops.compound import Mixing, SampleMixOp
from cifar10_aug.ops.fields import Interval, IntervalField, NumberField, option
from cifar10_aug.rng.draws import Draws

_ALPHA = NumberField(
    1, unit="of Beta(alpha, alpha)", about="small is little mixing", low=0.01, high=100
)


@dataclasses.dataclass(frozen=True)
class MixUp(SampleMixOp):
    """Blends two examples and their labels (Zhang et al., arXiv:1710.09412); labels are float32.

    An example keeps a share lambda of itself, drawn from Beta(alpha, alpha).
    """

    name: ClassVar[str] = "mixup"
    slots: ClassVar[int] = 5

    alpha: float = option(_ALPHA)

    def mixing(self, draws: Draws, height: int, width: int) -> Mixing:
        share = draws.name("lambda", draws.beta(1, self.alpha))
        return Mixing(Boxes(0, 0, height, width), share)


@dataclasses.dataclass(frozen=True)
class CutMix(SampleMixOp):
    """Pastes a rectangle of another example (Yun et al., arXiv:1905.04899); labels are float32.

    The rectangle has the image's shape and a share 1 - lambda of its area, lambda from
    Beta(alpha, alpha); its centre lies anywhere, and it is cut off at the border. Labels follow the
    area that is left.
    """

    name: ClassVar[str] = "cutmix"
    slots: ClassVar[int] = 8

    alpha: float = option(_ALPHA)
    p: float = option(NumberField(0.5, unit="probability", about="how often"), kw_only=True)

    def mixing(self, draws: Draws, height: int, width: int) -> Mixing:
        applied = draws.chance(1, self.p)
        side = draws.sqrt(1.0 - draws.name("lambda", draws.beta(2, self.alpha)))
        tall = draws.whole(draws.truncated(draws.truncated(height * side) / 2))
        wide = draws.whole(draws.truncated(draws.truncated(width * side) / 2))
        y, x = draws.integers(6, 0, height - 1), draws.integers(7, 0, width - 1)
        top, left = draws.maximum(y - tall, 0), draws.maximum(x - wide, 0)
        bottom = draws.where(applied, draws.minimum(y + tall, height), top)
        right = draws.where(applied, draws.minimum(x + wide, width), left)
        return Mixing(Boxes(top, left, bottom, right).named(draws), 0.0)


@dataclasses.dataclass(frozen=True)
class ResizeMix(SampleMixOp):
    """Pastes the whole of another example, made smaller (Qin et al., arXiv:2012.11101).

    Its sides are a share tau of the image's; its centre lies anywhere, and where that would put it
    outside, it is squeezed into what lies inside, by the nearest pixel, as in OpenMixup. Labels
    follow the area that is left.
    """

    name: ClassVar[str] = "resizemix"
    slots: ClassVar[int] = 4

    tau: Interval = option(
        IntervalField((0.1, 0.8), unit="fraction of the sides", about="the size of the partner")
    )

    def mixing(self, draws: Draws, height: int, width: int) -> Mixing:
        tau = draws.name("tau", draws.uniform(1, *self.tau))
        sides = []
        for slot, side in ((2, height), (3, width)):
            half = draws.whole(draws.truncated(draws.truncated(side * tau) / 2))
            centre = draws.integers(slot, 0, side - 1)
            sides.append((draws.maximum(centre - half, 0), draws.minimum(centre + half, side)))
        (top, bottom), (left, right) = sides
        return Mixing(Boxes(top, left, bottom, right).named(draws), 0.0, shrunk=True)
