"""Crops: they hand on images of the size they were given."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.ops.affine import Affine, translated
from cifar10_aug.ops.base import AffineOp, Border
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
            about="the padding: zeros, the edge, or a reflection that does not repeat the edge",
        )
    )

    @property
    def border(self) -> Border:
        return Border("mirror" if self.fill_mode == "reflect" else self.fill_mode)

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
