"""More or less colour, and other colours."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from cifar10_aug.ops.base import ImageOp, Op
from cifar10_aug.ops.compound import SequenceOp
from cifar10_aug.ops.fields import Interval, IntervalField, NumberField, option, symmetric
from cifar10_aug.ops.intensity import Brightness, Contrast, factor_field
from cifar10_aug.rng.draws import Draws


@dataclasses.dataclass(frozen=True)
class Saturation(ImageOp):
    """Blends the image with its grey, as Pillow's ImageEnhance.Color does."""

    name: ClassVar[str] = "saturation"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "saturation"

    factor: Interval = option(factor_field(0.4, "0 is grey, 2 twice as colourful"))

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("factor", draws.uniform(0, *self.factor)),)


@dataclasses.dataclass(frozen=True)
class Gray(ImageOp):
    """Takes the colour out, with probability p."""

    name: ClassVar[str] = "gray"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "saturation"

    p: float = option(NumberField(0.2, unit="probability", about="how often"))

    def applied(self, draws: Draws) -> Any:
        return draws.name("applied", draws.chance(0, self.p))

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (0.0,)


_TURN = IntervalField(
    (-0.1, 0.1), unit="of a full circle", about="how far the hue turns", high=0.5, single=symmetric
)


@dataclasses.dataclass(frozen=True)
class Hue(ImageOp):
    """Turns the hue of every pixel, in the HSV model, as torchvision's adjust_hue does."""

    name: ClassVar[str] = "hue"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "hue"

    turn: Interval = option(_TURN)

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("turn", draws.uniform(0, *self.turn)),)


@dataclasses.dataclass(frozen=True)
class ColorJitter(SequenceOp):
    """Changes brightness, contrast, saturation and hue, in this order.

    The fields mean what they mean for those ops. (torchvision's ColorJitter also draws the order.)
    """

    name: ClassVar[str] = "colorjitter"
    slots: ClassVar[int] = 4

    brightness: Interval = option(factor_field(0.4, "see brightness"))
    contrast: Interval = option(factor_field(0.4, "see contrast"))
    saturation: Interval = option(factor_field(0.4, "see saturation"))
    hue: Interval = option(_TURN)

    @property
    def parts(self) -> tuple[Op, ...]:
        return (
            Brightness(self.brightness),
            Contrast(self.contrast),
            Saturation(self.saturation),
            Hue(self.hue),
        )
