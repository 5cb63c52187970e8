"""Squares at even distances, painted over the image."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

from cifar10_aug.ops.base import ImageOp
from cifar10_aug.ops.fields import Interval, IntervalField, NumberField, option
from cifar10_aug.rng.draws import Draws


@dataclasses.dataclass(frozen=True)
class GridMask(ImageOp):
    """Paints a grid of squares over the image (Chen et al., arXiv:2001.04086).

    Every d pixels, lines of ceil(d * ratio) pixels stay as they are, across and down, and what lies
    between them is painted. The grid begins anywhere; it is not turned, as the authors do not turn
    it on CIFAR-10, for which the defaults are.
    """

    name: ClassVar[str] = "gridmask"
    slots: ClassVar[int] = 3
    process: ClassVar[str] = "grid.mask_grid"

    unit: Interval = option(
        IntervalField((24, 32), unit="pixels", about="the distance d", low=2, high=4096, whole=True)
    )
    ratio: float = option(
        NumberField(0.4, unit="fraction of d", about="the width of the lines that stay")
    )
    fill: int = option(NumberField(0, unit="levels", about="the colour", high=255, whole=True))

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        unit = draws.name("unit", draws.integers(0, int(self.unit[0]), int(self.unit[1])))
        low, high = (int(end) for end in self.unit)
        kept = draws.take([math.ceil(d * self.ratio) for d in range(low, high + 1)], unit - low)
        top = draws.name("top", draws.integers(1, 0, unit - 1))
        left = draws.name("left", draws.integers(2, 0, unit - 1))
        return unit, kept, top, left, self.fill
