"""Sharper, softer, noisier, stored with losses."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from cifar10_aug.ops.base import ImageOp
from cifar10_aug.ops.fields import Interval, IntervalField, option
from cifar10_aug.ops.intensity import factor_field
from cifar10_aug.rng.draws import Draws


@dataclasses.dataclass(frozen=True)
class Sharpness(ImageOp):
    """Blends the image with a smoothed one or away from it, as Pillow's ImageEnhance.Sharpness."""

    name: ClassVar[str] = "sharpness"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "filters.sharpen"

    factor: Interval = option(factor_field(0.9, "0 is smooth, 2 sharper"))

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("factor", draws.uniform(0, *self.factor)),)


@dataclasses.dataclass(frozen=True)
class Blur(ImageOp):
    """Blurs with a Gaussian, reflected at the border; it is cut off at three deviations."""

    name: ClassVar[str] = "blur"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "filters.blur"

    sigma: Interval = option(
        IntervalField((0.1, 2.0), unit="pixels", about="the Gaussian's deviation", high=10)
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        # The greatest that can be drawn says how much room the weights need.
        return draws.name("sigma", draws.uniform(0, *self.sigma)), self.sigma[1]


@dataclasses.dataclass(frozen=True)
class GaussianNoise(ImageOp):
    """Adds independent normal noise to every pixel and channel."""

    name: ClassVar[str] = "noise"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "noises.add_normal"

    sigma: Interval = option(
        IntervalField((0, 10), unit="levels", about="the noise's deviation", high=255)
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("sigma", draws.uniform(0, *self.sigma)),)


@dataclasses.dataclass(frozen=True)
class SaltPepper(ImageOp):
    """Makes a share of the pixels black or white, as often one as the other.

    Each pixel by itself, all its channels at once; Albumentations' SaltAndPepper paints exactly the
    share, and draws how much of it is white.
    """

    name: ClassVar[str] = "saltpepper"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "noises.whiten_or_blacken"

    amount: Interval = option(
        IntervalField((0.01, 0.06), unit="fraction of the pixels", about="how many change")
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("amount", draws.uniform(0, *self.amount)),)


@dataclasses.dataclass(frozen=True)
class Jpeg(ImageOp):
    """What is left of an image that Pillow writes to a JPEG file and reads again."""

    name: ClassVar[str] = "jpeg"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "jpeg.round_trip"

    quality: Interval = option(
        IntervalField((50, 100), unit="", about="Pillow's", low=1, high=100, whole=True)
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        low, high = (int(end) for end in self.quality)
        return (draws.name("quality", draws.integers(0, low, high)),)
