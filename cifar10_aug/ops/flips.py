"""Mirror images and quarter turns: the image onto itself."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.ops.affine import Affine, centred
from cifar10_aug.ops.base import AffineOp
from cifar10_aug.ops.fields import ChoiceField, NumberField, option
from cifar10_aug.rng.draws import Draws


@dataclasses.dataclass(frozen=True)
class Flip(AffineOp):
    """Swaps left and right, with probability p."""

    name: ClassVar[str] = "flip"
    slots: ClassVar[int] = 1
    pixel_aligned: ClassVar[bool] = True
    border: ClassVar[None] = None

    p: float = option(NumberField(0.5, unit="probability", about="how often"))

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        flipped = draws.name("flipped", draws.chance(0, self.p))
        sign = draws.where(flipped, -1.0, 1.0)
        return Affine(sign, 0.0, draws.where(flipped, width - 1.0, 0.0), 0.0, 1.0, 0.0)


@dataclasses.dataclass(frozen=True)
class FlipUpDown(AffineOp):
    """Swaps top and bottom, with probability p."""

    name: ClassVar[str] = "flipud"
    slots: ClassVar[int] = 1
    pixel_aligned: ClassVar[bool] = True
    border: ClassVar[None] = None

    p: float = option(NumberField(0.5, unit="probability", about="how often"))

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        flipped = draws.name("flipped", draws.chance(0, self.p))
        sign = draws.where(flipped, -1.0, 1.0)
        return Affine(1.0, 0.0, 0.0, 0.0, sign, draws.where(flipped, height - 1.0, 0.0))


@dataclasses.dataclass(frozen=True)
class AlternatingFlip(AffineOp):
    """Swaps left and right in every other epoch; a coin toss picks the first side.

    So two epochs always show both sides (Jordan, "94% on CIFAR-10 in 3.29 seconds", airbench,
    arXiv:2404.00498).
    """

    name: ClassVar[str] = "altflip"
    slots: ClassVar[int] = 1
    every_epoch: ClassVar[bool] = False
    counts_epochs: ClassVar[bool] = True
    pixel_aligned: ClassVar[bool] = True
    border: ClassVar[None] = None

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        flipped = draws.name("flipped", (draws.integers(0, 0, 1) + draws.epoch) % 2 == 1)
        sign = draws.where(flipped, -1.0, 1.0)
        return Affine(sign, 0.0, draws.where(flipped, width - 1.0, 0.0), 0.0, 1.0, 0.0)


@dataclasses.dataclass(frozen=True)
class QuarterTurn(AffineOp):
    """Turns anticlockwise by a multiple of 90 degrees; images that are not square, of 180.

    All multiples below 360 are equally likely, 0 among them, as in Albumentations' RandomRotate90.
    """

    # Recipes spell it rot90, after NumPy's and TensorFlow's function.
    name: ClassVar[str] = "rot"
    slots: ClassVar[int] = 1
    # It is not pixel_aligned, which goes along rows; turns swap rows and columns.
    border: ClassVar[None] = None

    degrees: str = option(
        ChoiceField(
            "90", words=("90", "180"), unit="degrees", about="which multiples; 180 is half turns"
        )
    )

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        turns = draws.integers(0, 0, 3)
        if height != width or self.degrees == "180":
            turns = turns - turns % 2
        draws.name("quarterturns", turns)
        sine, cosine = draws.sine_cosine(90.0 * draws.real(turns))
        return centred(cosine, -sine, sine, cosine, height, width)
