"""More or less colour, and other colours."""

from __future__ import annotations

import dataclasses
import itertools
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
    process: ClassVar[str] = "colours.saturate"

    factor: Interval = option(factor_field(0.4, "0 is grey, 2 twice as colourful"))

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("factor", draws.uniform(0, *self.factor)),)


@dataclasses.dataclass(frozen=True)
class Gray(ImageOp):
    """Takes the colour out, with probability p."""

    name: ClassVar[str] = "gray"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "colours.saturate"

    p: float = option(NumberField(0.2, unit="probability", about="how often"))

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
    process: ClassVar[str] = "colours.turn_hue"

    turn: Interval = option(_TURN)

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("turn", draws.uniform(0, *self.turn)),)

    def applied(self, draws: Draws) -> Any:
        """False if it never turns, as a part of colour jitter often does not."""
        return self.turn != (0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class RGBShift(ImageOp):
    """Adds a number to all levels of a channel, for each channel another (Albumentations)."""

    name: ClassVar[str] = "rgbshift"
    slots: ClassVar[int] = 3
    process: ClassVar[str] = "intensity.rgb_shift"

    shift: Interval = option(
        IntervalField((-20, 20), unit="levels", about="what is added", high=255, single=symmetric)
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return tuple(
            draws.name(channel, draws.uniform(slot, *self.shift))
            for slot, channel in enumerate(("red", "green", "blue"))
        )


_PERMUTATIONS = tuple(itertools.permutations(range(3)))


@dataclasses.dataclass(frozen=True)
class ChannelShuffle(ImageOp):
    """Puts the channels into one of their six orders, as torchvision and Albumentations do."""

    name: ClassVar[str] = "channelshuffle"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "colours.shuffle_channels"

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        """The channels of the input that red, green and blue show: 0, 1 and 2."""
        place = draws.integers(0, 0, len(_PERMUTATIONS) - 1)
        names = ["".join("rgb"[channel] for channel in order) for order in _PERMUTATIONS]
        draws.name("channels", draws.take(names, place))
        return tuple(
            draws.take([float(order[shown]) for order in _PERMUTATIONS], place)
            for shown in range(3)
        )


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
