"""Lighter, darker, harder, fewer levels: what happens to the levels of all channels alike."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from cifar10_aug.ops.base import ImageOp, NumberedTableOp
from cifar10_aug.ops.fields import (
    Interval,
    IntervalField,
    NumberField,
    around_one,
    option,
    symmetric,
)
from cifar10_aug.rng.draws import Draws


def factor_field(default: float, about: str) -> IntervalField:
    """A factor as Pillow's ImageEnhance takes it: 0 is nothing of it, 1 the image as it is."""
    return IntervalField(
        around_one(default), unit="factor", about=about, high=10, single=around_one
    )


@dataclasses.dataclass(frozen=True)
class Brightness(NumberedTableOp):
    """Multiplies all levels, as Pillow's ImageEnhance.Brightness does."""

    name: ClassVar[str] = "brightness"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "levels.scale"

    factor: Interval = option(factor_field(0.4, "0 is black, 2 twice as bright"))

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("factor", draws.uniform(0, *self.factor)),)

    def table(self, draws: Draws, levels: Any) -> Any:
        (factor,) = self.numbers(draws)
        return draws.times(levels, factor)


@dataclasses.dataclass(frozen=True)
class Gamma(NumberedTableOp):
    """Raises levels, as fractions of white, to a power: below 1 is lighter.

    To the level as torchvision's adjust_gamma: 255.999 * (level / 255) ** gamma, fractions cut off.
    """

    name: ClassVar[str] = "gamma"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "levels.raise_to_power"

    gamma: Interval = option(
        IntervalField(
            (0.8, 1.2),
            unit="power",
            about="1 is the image as it is",
            low=0.1,
            high=10,
            single=around_one,
        )
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("gamma", draws.uniform(0, *self.gamma)),)

    def table(self, draws: Draws, levels: Any) -> Any:
        (gamma,) = self.numbers(draws)
        # Black has no logarithm, and stays black.
        logarithm = draws.logarithm(draws.quotient(draws.maximum(levels, 1.0), 255.0))
        made = 255.999 * draws.exponential(draws.times(gamma, logarithm))
        return draws.where(levels < 1.0, 0.0, made)


@dataclasses.dataclass(frozen=True)
class Contrast(ImageOp):
    """Draws levels to the image's mean grey or away from it, as Pillow's ImageEnhance.Contrast."""

    name: ClassVar[str] = "contrast"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "intensity.contrast"

    factor: Interval = option(factor_field(0.4, "0 is grey, 2 twice the contrast"))

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("factor", draws.uniform(0, *self.factor)),)


@dataclasses.dataclass(frozen=True)
class ChannelShift(ImageOp):
    """Adds a number to all levels and keeps them in the image's range, as Keras does."""

    name: ClassVar[str] = "channelshift"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "intensity.channel_shift"

    range: Interval = option(
        IntervalField((-20, 20), unit="levels", about="what is added", high=255, single=symmetric)
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("range", draws.uniform(0, *self.range)),)


_HOW_OFTEN = NumberField(0.5, unit="probability", about="how often")


@dataclasses.dataclass(frozen=True)
class Invert(NumberedTableOp):
    """Makes a negative, with probability p."""

    name: ClassVar[str] = "invert"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "levels.invert"

    p: float = option(_HOW_OFTEN)

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return ()

    def table(self, draws: Draws, levels: Any) -> Any:
        return 255 - levels


@dataclasses.dataclass(frozen=True)
class Posterize(NumberedTableOp):
    """Keeps the upper bits of each level, with probability p, as Pillow's ImageOps.posterize."""

    name: ClassVar[str] = "posterize"
    slots: ClassVar[int] = 2
    process: ClassVar[str] = "levels.posterize"

    bits: Interval = option(
        IntervalField((4, 4), unit="bits", about="how many are kept", low=1, high=8, whole=True)
    )
    p: float = option(_HOW_OFTEN, kw_only=True)

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        low, high = (int(end) for end in self.bits)
        bits = draws.name("bits", draws.integers(1, low, high))
        return (draws.take([2.0 ** (8 - kept) for kept in range(9)], bits),)

    def table(self, draws: Draws, levels: Any) -> Any:
        (step,) = self.numbers(draws)
        return levels - levels % step


@dataclasses.dataclass(frozen=True)
class Solarize(NumberedTableOp):
    """Inverts levels from a threshold on, with probability p, as Pillow's ImageOps.solarize."""

    name: ClassVar[str] = "solarize"
    slots: ClassVar[int] = 2
    process: ClassVar[str] = "levels.solarize"

    threshold: Interval = option(
        IntervalField((128, 128), unit="levels", about="the first that is inverted", high=256)
    )
    p: float = option(_HOW_OFTEN, kw_only=True)

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (draws.name("threshold", draws.uniform(1, *self.threshold)),)

    def table(self, draws: Draws, levels: Any) -> Any:
        (threshold,) = self.numbers(draws)
        return draws.where(levels < threshold, levels, 255 - levels)


@dataclasses.dataclass(frozen=True)
class SolarizeAdd(NumberedTableOp):
    """Adds to levels below a threshold, as AutoAugment's authors and timm's solarize_add do."""

    name: ClassVar[str] = "solarizeadd"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "levels.solarize_add"

    addition: Interval = option(
        IntervalField((0, 110), unit="levels", about="what is added", high=255)
    )
    threshold: int = option(
        NumberField(
            128, unit="levels", about="the first that stays as it is", high=256, whole=True
        ),
        kw_only=True,
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return draws.name("addition", draws.uniform(0, *self.addition)), self.threshold

    def table(self, draws: Draws, levels: Any) -> Any:
        addition, threshold = self.numbers(draws)
        return draws.where(levels < threshold, levels + addition, levels)


@dataclasses.dataclass(frozen=True)
class _BySelf(ImageOp):
    """A process that needs no number, done with probability p."""

    slots: ClassVar[int] = 1

    p: float = option(_HOW_OFTEN)

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return ()


@dataclasses.dataclass(frozen=True)
class AutoContrast(_BySelf):
    """Stretches each channel to 0 to 255, with probability p, as Pillow's ImageOps.autocontrast."""

    name: ClassVar[str] = "autocontrast"
    process: ClassVar[str] = "intensity.autocontrast"


@dataclasses.dataclass(frozen=True)
class Equalize(_BySelf):
    """Makes all levels of a channel about as frequent, with probability p, as ImageOps.equalize."""

    name: ClassVar[str] = "equalize"
    process: ClassVar[str] = "intensity.equalize"
