"""Rectangles painted over the image."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from cifar10_aug.ops.base import Boxes, BoxOp, Noise, Op
from cifar10_aug.ops.compound import SequenceOp
from cifar10_aug.ops.fields import ChoiceField, Interval, IntervalField, NumberField, option
from cifar10_aug.rng.draws import Draws

if TYPE_CHECKING:
    from cifar10_aug.data.spec import DatasetSpec


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
            "the mean of the dataset, or a level",
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
        bottom = draws.where(applied, top + tall, top)
        right = draws.where(applied, left + wide, left)
        return Boxes(top, left, bottom, right).named(draws)

    def fill_levels(self, draws: Draws, dataset: DatasetSpec) -> tuple[Any, Any, Any] | Noise:
        if self.fill == "noise":
            return Noise()
        if self.fill == "random":
            level = draws.name("level", draws.integers(5, 0, 255))
            return level, level, level
        if self.fill == "mean":
            return dataset.mean_levels
        return self.fill, self.fill, self.fill


@dataclasses.dataclass(frozen=True)
class Cutout(SequenceOp):
    """Paints over a square with its centre anywhere (DeVries and Taylor, arXiv:1708.04552).

    As there, the square has 16 pixels a side on CIFAR-10, is cut off at the image's border, and
    is filled with what is 0 after normalising: the mean colour. There may be several; and they may
    lie wholly inside the image, as in airbench96 (Jordan, arXiv:2404.00498).
    """

    name: ClassVar[str] = "cutout"
    shares_words: ClassVar[bool] = True

    size: int = option(
        NumberField(16, unit="pixels", about="side of the square", low=1, high=4096, whole=True)
    )
    holes: int = option(
        NumberField(1, unit="squares", about="how many", low=1, high=16, whole=True)
    )
    inside: int = option(
        NumberField(
            0, about="1: wholly inside the image; 0: the centre lies anywhere", high=1, whole=True
        )
    )
    p: float = option(NumberField(1, unit="probability", about="how often"), kw_only=True)
    fill: str | float = option(
        ChoiceField(
            "mean",
            words=("mean",),
            number=NumberField(0, high=255, whole=True),
            unit="levels",
            about="the mean of the dataset, or a level",
        )
    )

    @property
    def slots(self) -> int:  # type: ignore[override]
        return 1 + 2 * self.holes

    @property
    def parts(self) -> tuple[Op, ...]:
        return tuple(_Hole(self, number) for number in range(self.holes))


@dataclasses.dataclass(frozen=True)
class _Hole(BoxOp):
    """One of Cutout's squares."""

    name: ClassVar[str] = "cutout"

    cutout: Cutout
    number: int

    def boxes(self, draws: Draws, height: int, width: int) -> Boxes:
        size = self.cutout.size
        applied = draws.chance(0, self.cutout.p)
        starts = []
        for axis, side in enumerate((height, width)):
            slot = 1 + 2 * self.number + axis
            if self.cutout.inside:
                starts.append(draws.integers(slot, 0, max(side - size, 0)))
            else:
                starts.append(draws.integers(slot, 0, side - 1) - size // 2)
        top, left = starts
        bottom = draws.minimum(top + size, height)
        right = draws.minimum(left + size, width)
        top, left = draws.maximum(top, 0), draws.maximum(left, 0)
        bottom = draws.where(applied, bottom, top)
        right = draws.where(applied, right, left)
        return Boxes(top, left, bottom, right).named(draws, self.number)

    def fill_levels(self, draws: Draws, dataset: DatasetSpec) -> tuple[Any, Any, Any] | Noise:
        fill = self.cutout.fill
        return (fill,) * 3 if fill != "mean" else dataset.mean_levels
