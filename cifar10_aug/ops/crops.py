"""Crops: they return images of the size they were given."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, NamedTuple

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.affine import Affine, translated
from cifar10_aug.ops.base import AffineOp, Border, Op
from cifar10_aug.ops.compound import SequenceOp
from cifar10_aug.ops.fields import ChoiceField, Interval, IntervalField, NumberField, option
from cifar10_aug.rng.draws import Draws

# The image size that scalecrop's field counts in.
_REFERENCE_SIZE = 32


@dataclasses.dataclass(frozen=True)
class Crop(AffineOp):
    """Pads every side, then crops the old size at a random place (He et al. 2015, 4 zeros)."""

    name: ClassVar[str] = "crop"
    slots: ClassVar[int] = 2
    pixel_aligned: ClassVar[bool] = True

    pad: int = option(
        NumberField(4, unit="pixels", about="padding on each side", low=0, high=64, whole=True)
    )
    fill_mode: str = option(
        ChoiceField(
            "constant",
            words=("constant", "nearest", "reflect"),
            about="the padding: a colour, the edge, or a reflection that does not repeat the edge",
        )
    )

    fill: str | int = option(
        ChoiceField(
            0,
            words=("mean",),
            number=NumberField(0, high=255, whole=True),
            unit="levels",
            about="the level of a constant padding, or the mean of the dataset",
        )
    )

    def __post_init__(self) -> None:
        if self.fill and self.fill_mode != "constant":
            raise RecipeError("crop: fill is for fill mode constant; leave one of them out")

    @property
    def border(self) -> Border:
        return Border("mirror" if self.fill_mode == "reflect" else self.fill_mode, self.fill)

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        down = draws.name("top", draws.integers(0, -self.pad, self.pad))
        right = draws.name("left", draws.integers(1, -self.pad, self.pad))
        return translated(right, down)


@dataclasses.dataclass(frozen=True)
class ScaleCrop(AffineOp):
    """Enlarges to a random size, then crops the old size at a random place."""

    name: ClassVar[str] = "scalecrop"
    slots: ClassVar[int] = 3
    # Half a pixel at most, where the crop touches the edge.
    border: ClassVar[Border] = Border("nearest")

    size: Interval = option(
        IntervalField(
            (38.0, 60.0),
            unit="pixels for a 32-pixel image",
            about="the size to crop from",
            low=_REFERENCE_SIZE,
            high=1024,
            whole=True,
        )
    )

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        size = draws.name("size", draws.integers(0, int(self.size[0]), int(self.size[1])))
        scaled_height = size * height // _REFERENCE_SIZE
        scaled_width = size * width // _REFERENCE_SIZE
        down = draws.name("top", draws.integers(1, 0, scaled_height - height))
        right = draws.name("left", draws.integers(2, 0, scaled_width - width))
        # Resizing keeps the outer edges of the pixels together, not their centres.
        shrink_y, shrink_x = height / scaled_height, width / scaled_width
        return Affine(
            shrink_x,
            0.0,
            draws.times(draws.real(right) + 0.5, shrink_x) - 0.5,
            0.0,
            shrink_y,
            draws.times(draws.real(down) + 0.5, shrink_y) - 0.5,
        )


class _Window(NamedTuple):
    """A part of an image in whole pixels; int64 [batch] each."""

    top: Any
    left: Any
    tall: Any
    wide: Any


_TRIES = 10


@dataclasses.dataclass(frozen=True)
class RandomResizedCrop(SequenceOp):
    """Shows a random part of the image in the image's size (Szegedy et al., arXiv:1409.4842).

    As torchvision's: area and aspect are drawn up to ten times, until the part fits, and otherwise
    it is the largest in the middle whose aspect is in range. It is enlarged bilinearly; pixels
    beside it are not seen.
    """

    name: ClassVar[str] = "rrc"
    slots: ClassVar[int] = 2 * _TRIES + 2
    shares_words: ClassVar[bool] = True

    area: Interval = option(
        IntervalField((0.08, 1.0), unit="fraction of the image", about="how much is shown")
    )
    aspect: Interval = option(
        IntervalField(
            (0.75, 1.3333333333),
            unit="width / height",
            about="its shape, uniform in the logarithm",
            low=0.01,
            high=100,
        )
    )

    @property
    def parts(self) -> tuple[Op, ...]:
        return _CutOut(self), _Enlarged(self)

    def window(self, draws: Draws, height: int, width: int) -> _Window:
        """Which part is shown, by its words; both of its parts ask."""
        asked = self, height, width
        if asked not in draws.shared:
            draws.shared[asked] = self._window(draws, height, width)
        made: _Window = draws.shared[asked]
        return made

    def _window(self, draws: Draws, height: int, width: int) -> _Window:
        low, high = self.aspect
        tall: Any = height
        wide: Any = width
        if width / height < low:
            tall = round(width / low)
        elif width / height > high:
            wide = round(height * high)
        # The first try that fits counts.
        areas, aspects = (slice(first, 2 * _TRIES, 2) for first in range(2))
        area = draws.uniform(areas, *self.area) * (height * width)
        aspect = draws.log_uniform(aspects, math.log(low), math.log(high))
        columns = draws.whole(draws.sqrt(area * aspect))
        lines = draws.whole(draws.sqrt(area / aspect))
        fits = (columns > 0) & (columns <= width) & (lines > 0) & (lines <= height)
        # Both sizes as one number, since each choice takes its time.
        sizes = lines * (width + 1) + columns
        size: Any = -1
        for place in reversed(range(_TRIES)):
            size = draws.where(fits[place], sizes[place], size)
        found = size >= 0
        size = draws.where(found, size, tall * (width + 1) + wide)
        tall, wide = size // (width + 1), size % (width + 1)
        top = draws.where(found, draws.integers(2 * _TRIES, 0, height - tall), (height - tall) // 2)
        left = draws.integers(2 * _TRIES + 1, 0, width - wide)
        left = draws.where(found, left, (width - wide) // 2)
        window = _Window(top, left, tall, wide)
        for name, values in zip(("top", "left", "height", "width"), window, strict=True):
            draws.name(name, values)
        return window


@dataclasses.dataclass(frozen=True)
class _CutOut(AffineOp):
    """Spreads the centres of a window's pixels evenly over the image, so that it ends with it."""

    name: ClassVar[str] = "rrc"
    slots: ClassVar[int] = RandomResizedCrop.slots
    border: ClassVar[Border] = Border("nearest")

    crop: RandomResizedCrop

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        top, left, tall, wide = self.crop.window(draws, height, width)
        down = draws.real(tall - 1) * (1 / max(height - 1, 1))
        right = draws.real(wide - 1) * (1 / max(width - 1, 1))
        return Affine(right, 0.0, draws.real(left), 0.0, down, draws.real(top))


@dataclasses.dataclass(frozen=True)
class _Enlarged(AffineOp):
    """From there to where resizing reads: the outer edges of pixels stay together."""

    name: ClassVar[str] = "rrc"
    slots: ClassVar[int] = RandomResizedCrop.slots
    border: ClassVar[Border] = Border("nearest")

    crop: RandomResizedCrop

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        _, _, tall, wide = self.crop.window(draws, height, width)

        def along(size: int, part: Any) -> tuple[Any, Any]:
            # A window of one pixel is that pixel everywhere.
            gaps = draws.maximum(draws.real(part - 1), 1.0)
            scale = draws.real(part) * (size - 1) / gaps * (1 / size)
            start = draws.times(draws.real(part) * (0.5 / size) - 0.5, (size - 1) / gaps)
            return scale, start

        (xx, x0), (yy, y0) = along(width, wide), along(height, tall)
        return Affine(xx, 0.0, x0, 0.0, yy, y0)
