"""The range of numbers in which pixels are returned."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.ops.base import ValueRangeOp

# Mean and deviation of all pixels of the 50,000 training images, as fractions of 255.
CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2470, 0.2435, 0.2616)


@dataclasses.dataclass(frozen=True)
class Rescale(ValueRangeOp):
    """Hands out float32 from 0 to 1."""

    name: ClassVar[str] = "rescale"

    def scale_and_offset(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return (1 / 255,) * 3, (0.0,) * 3


@dataclasses.dataclass(frozen=True)
class Normalize(ValueRangeOp):
    """Hands out float32 of mean 0 and deviation 1, by the mean and deviation of CIFAR-10."""

    name: ClassVar[str] = "normalize"

    def scale_and_offset(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        scale = tuple(1 / (255 * std) for std in CIFAR10_STD)
        offset = tuple(-mean / std for mean, std in zip(CIFAR10_MEAN, CIFAR10_STD, strict=True))
        return scale, offset
