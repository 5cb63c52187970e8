"""The range of numbers in which pixels are returned."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from cifar10_aug.ops.base import ValueRangeOp

if TYPE_CHECKING:
    from cifar10_aug.data.spec import DatasetSpec


@dataclasses.dataclass(frozen=True)
class Rescale(ValueRangeOp):
    """Returns float32 from 0 to 1."""

    name: ClassVar[str] = "rescale"

    def scale_and_offset(self, dataset: DatasetSpec) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return (1 / 255,) * 3, (0.0,) * 3


@dataclasses.dataclass(frozen=True)
class Normalize(ValueRangeOp):
    """Returns float32 of mean 0 and deviation 1, by the dataset's own mean and deviation."""

    name: ClassVar[str] = "normalize"

    def scale_and_offset(self, dataset: DatasetSpec) -> tuple[tuple[float, ...], tuple[float, ...]]:
        scale = tuple(1 / (255 * std) for std in dataset.std)
        offset = tuple(-mean / std for mean, std in zip(dataset.mean, dataset.std, strict=True))
        return scale, offset
