"""Slanting and moving along one axis, as policies such as AutoAugment do."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.ops.affine import Affine, translated
from cifar10_aug.ops.fields import Interval, IntervalField, option, symmetric
from cifar10_aug.ops.geometry import Resampled, Rotate
from cifar10_aug.rng.draws import Draws


def _slope(positive: str) -> IntervalField:
    about = f"the slope; positive moves {positive}"
    return IntervalField((-0.3, 0.3), unit="pixels a pixel", about=about, high=1, single=symmetric)


def _fraction(positive: str) -> IntervalField:
    about = f"how far; positive is {positive}"
    return IntervalField(
        (-0.3, 0.3), unit="fraction of the side", about=about, high=1, single=symmetric
    )


@dataclasses.dataclass(frozen=True)
class PillowRotate(Rotate):
    """As `Rotate`, but that the image ends where Pillow's and torchvision's do."""

    reach: ClassVar[float] = 0.5


@dataclasses.dataclass(frozen=True)
class ShearX(Resampled):
    """Moves rows sideways, the more the lower, as Pillow's (1, slope, 0, 0, 1, 0) does."""

    name: ClassVar[str] = "shearx"
    slots: ClassVar[int] = 1
    reach: ClassVar[float] = 0.5

    slope: Interval = option(_slope("lower rows left"))

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        slope = draws.name("slope", draws.uniform(0, *self.slope))
        # Pillow counts from the image's upper left corner, half a pixel from its first centre.
        return Affine(1.0, slope, 0.5 * slope, 0.0, 1.0, 0.0)


@dataclasses.dataclass(frozen=True)
class ShearY(Resampled):
    """Moves columns up or down, the more the further right, as (1, 0, 0, slope, 1, 0) does."""

    name: ClassVar[str] = "sheary"
    slots: ClassVar[int] = 1
    reach: ClassVar[float] = 0.5

    slope: Interval = option(_slope("columns on the right up"))

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        slope = draws.name("slope", draws.uniform(0, *self.slope))
        return Affine(1.0, 0.0, 0.0, slope, 1.0, 0.5 * slope)


@dataclasses.dataclass(frozen=True)
class TranslateX(Resampled):
    """Moves the image sideways by whole pixels."""

    name: ClassVar[str] = "translatex"
    slots: ClassVar[int] = 1
    reach: ClassVar[float] = 0.5
    pixel_aligned: ClassVar[bool] = True

    fraction: Interval = option(_fraction("left"))

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        fraction = draws.name("fraction", draws.uniform(0, *self.fraction))
        return translated(draws.truncated(fraction * width), 0.0)


@dataclasses.dataclass(frozen=True)
class TranslateXRel(TranslateX):
    """As `TranslateX`, but by fractions of pixels, too, as timm's translate_x_rel does."""

    pixel_aligned: ClassVar[bool] = False

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        return translated(draws.uniform(0, *self.fraction) * width, 0.0)


@dataclasses.dataclass(frozen=True)
class TranslateY(Resampled):
    """Moves the image up or down by whole pixels."""

    name: ClassVar[str] = "translatey"
    slots: ClassVar[int] = 1
    reach: ClassVar[float] = 0.5
    pixel_aligned: ClassVar[bool] = True

    fraction: Interval = option(_fraction("up"))

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        fraction = draws.name("fraction", draws.uniform(0, *self.fraction))
        return translated(0.0, draws.truncated(fraction * height))


@dataclasses.dataclass(frozen=True)
class TranslateYRel(TranslateY):
    """As `TranslateY`, but by fractions of pixels, too, as timm's translate_y_rel does."""

    pixel_aligned: ClassVar[bool] = False

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        return translated(0.0, draws.uniform(0, *self.fraction) * height)
