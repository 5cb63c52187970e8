"""Turning, moving, slanting and scaling, with the meanings of `keras.preprocessing.image`."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.affine import Affine, centred, translated
from cifar10_aug.ops.base import AffineOp, Border
from cifar10_aug.ops.fields import (
    ChoiceField,
    Interval,
    IntervalField,
    NumberField,
    around_one,
    option,
    symmetric,
)
from cifar10_aug.rng.draws import Draws


@dataclasses.dataclass(frozen=True)
class Resampled(AffineOp):
    """An affine op that interpolates and has the fields of Keras's `apply_affine_transform`."""

    fill_mode: str = option(
        ChoiceField(
            "nearest",
            words=("nearest", "constant", "reflect"),
            about="what lies outside the image, as in Keras",
        ),
        kw_only=True,
    )
    cval: int = option(
        NumberField(
            0, unit="levels", about="the level that fill mode constant shows", high=255, whole=True
        ),
        kw_only=True,
    )

    def __post_init__(self) -> None:
        if self.cval and self.fill_mode != "constant":
            raise RecipeError(
                f"{self.name}: cval is the level of fill mode constant; "
                "write fillmodeconstant as well, or leave cval out"
            )

    # How far beyond the outermost centres the image goes; see `Border`.
    reach: ClassVar[float] = 0.0

    @property
    def border(self) -> Border:
        return Border(self.fill_mode, self.cval, self.reach)


@dataclasses.dataclass(frozen=True)
class Rotate(Resampled):
    """Turns the image about its centre."""

    name: ClassVar[str] = "rotate"
    slots: ClassVar[int] = 1

    degrees: Interval = option(
        IntervalField(
            (-30.0, 30.0),
            unit="degrees",
            about="the angle; positive is anticlockwise",
            high=180,
            single=symmetric,
        )
    )

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        sine, cosine = draws.sine_cosine(draws.name("degrees", draws.uniform(0, *self.degrees)))
        return centred(cosine, -sine, sine, cosine, height, width)


@dataclasses.dataclass(frozen=True)
class Shift(Resampled):
    """Moves the image sideways and up or down, independently."""

    name: ClassVar[str] = "shift"
    slots: ClassVar[int] = 2
    exclusive: ClassVar = (("fraction", "width", "height"),)

    fraction: Interval = option(
        IntervalField(
            (-0.3, 0.3),
            unit="fraction of width and of height",
            about="how far, both ways; positive is left and up",
            high=1,
            single=symmetric,
        )
    )
    width: Interval | None = option(
        IntervalField(
            None,
            unit="fraction of width",
            about="how far sideways, in place of fraction; positive is left",
            high=1,
            single=symmetric,
        )
    )
    height: Interval | None = option(
        IntervalField(
            None,
            unit="fraction of height",
            about="how far up or down, in place of fraction; positive is up",
            high=1,
            single=symmetric,
        )
    )

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        down = draws.uniform(0, *(self.height or self.fraction))
        right = draws.uniform(1, *(self.width or self.fraction))
        down = draws.name("height", down) * height
        right = draws.name("width", right) * width
        return translated(right, down)


@dataclasses.dataclass(frozen=True)
class Shear(Resampled):
    """Slants the image about its centre."""

    name: ClassVar[str] = "shear"
    slots: ClassVar[int] = 1

    degrees: Interval = option(
        IntervalField(
            (-30.0, 30.0),
            unit="degrees",
            about="the angle; positive moves the lower half right and the upper half left",
            high=89,
            single=symmetric,
        )
    )

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        sine, cosine = draws.sine_cosine(draws.name("degrees", draws.uniform(0, *self.degrees)))
        return centred(1.0, -sine, 0.0, cosine, height, width)


@dataclasses.dataclass(frozen=True)
class Zoom(Resampled):
    """Scales the image about its centre; factors below 1 enlarge, as in Keras."""

    name: ClassVar[str] = "zoom"
    slots: ClassVar[int] = 2
    exclusive: ClassVar = (("factor", "isotropic"),)

    factor: Interval = option(
        IntervalField(
            (0.5, 1.5),
            unit="factor",
            about="a factor for each axis, independently (Keras's zoom_range)",
            low=0.1,
            high=10,
            single=around_one,
        )
    )
    isotropic: Interval | None = option(
        IntervalField(
            None,
            unit="factor",
            about="one factor for both axes, in place of factor",
            low=0.1,
            high=10,
            single=around_one,
        )
    )

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        if self.isotropic:
            vertical = horizontal = draws.uniform(0, *self.isotropic)
        else:
            vertical = draws.uniform(0, *self.factor)
            horizontal = draws.uniform(1, *self.factor)
        draws.name("vertical", vertical)
        draws.name("horizontal", horizontal)
        return centred(horizontal, 0.0, 0.0, vertical, height, width)
