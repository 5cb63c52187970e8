"""Rectangles painted over the image."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from cifar10_aug.draws import Draws
from cifar10_aug.fields import ChoiceField, Interval, IntervalField, NumberField, option
from cifar10_aug.ops.kinds import Boxes, BoxOp, Noise
from cifar10_aug.ops.values import CIFAR10_MEAN


@dataclasses.dataclass(frozen=True)
class Erase(BoxOp):
    """Paints over a random rectangle (Zhong et al., "Random erasing", AAAI 2020).

    The paper draws area and aspect until the rectangle fits. Here the aspect is drawn from the
    part of its range that fits the area drawn, so the area keeps its distribution and no draw
    is thrown away; a rectangle that fits at no aspect is cut to the image.
    """

    name: ClassVar[str] = "erase"
    slots: ClassVar[int] = 6

    p: float = option(NumberField(0.5, unit="probability", about="how often"))
    area: Interval = option(
        IntervalField((0.02, 0.4), unit="fraction of the image", about="the rectangle's area")
    )
    aspect: Interval = option(
        IntervalField(
            (0.3, 3.3),
            unit="height / width",
            about="its shape, uniform in the logarithm",
            low=0.01,
            high=100,
        )
    )
    fill: str | float = option(
        ChoiceField(
            "random",
            words=("random", "noise", "mean"),
            number=NumberField(0, high=255, whole=True),
            unit="levels",
            about="one random level an image, a random level for every pixel and channel, "
            "the mean of CIFAR-10, or a level",
        )
    )

    def boxes(self, draws: Draws, height: int, width: int) -> Boxes:
        applied = draws.chance(0, self.p)
        # At least one pixel, so that an area of 0 still has an aspect.
        area = draws.maximum(draws.uniform(1, *self.area) * (height * width), 1.0)
        log_area = draws.logarithm(area)
        fits_width = log_area - 2.0 * draws.logarithm(float(width))
        fits_height = 2.0 * draws.logarithm(float(height)) - log_area
        low = draws.maximum(draws.logarithm(self.aspect[0]), fits_width)
        high = draws.minimum(draws.logarithm(self.aspect[1]), fits_height)
        aspect = draws.log_uniform(2, low, draws.maximum(low, high))
        tall = draws.minimum(draws.whole(draws.sqrt(area * aspect)), height)
        wide = draws.minimum(draws.whole(draws.sqrt(area / aspect)), width)
        tall, wide = draws.maximum(tall, 1), draws.maximum(wide, 1)
        top = draws.integers(3, 0, height - tall)
        left = draws.integers(4, 0, width - wide)
        return Boxes(
            top,
            left,
            draws.where(applied, top + tall, top),
            draws.where(applied, left + wide, left),
        )

    def fill_levels(self, draws: Draws) -> tuple[Any, Any, Any] | Noise:
        if self.fill == "noise":
            return Noise()
        if self.fill == "random":
            level = draws.integers(5, 0, 255)
            return level, level, level
        if self.fill == "mean":
            red, green, blue = (round(255 * mean) for mean in CIFAR10_MEAN)
            return red, green, blue
        return self.fill, self.fill, self.fill
