"""The range of numbers in which pixels are returned."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.base import ValueRangeOp
from cifar10_aug.ops.fields import ChoiceField, option

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
    """Returns float32 of mean 0 and deviation 1, by the dataset's own mean and deviation.

    Many published CIFAR-10 networks were trained with another deviation, which is less: the mean of
    the images' own ones, (0.2023, 0.1994, 0.2010). That is `stdwidespread`.
    """

    name: ClassVar[str] = "normalize"

    std: str = option(
        ChoiceField(
            "own",
            words=("own", "widespread"),
            about="the deviation: the dataset's own, or that of many published CIFAR-10 networks",
        )
    )

    def scale_and_offset(self, dataset: DatasetSpec) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """See the base class.

        Raises:
            RecipeError: if no other deviation is in wide use for the dataset.
        """
        std = dataset.std if self.std == "own" else dataset.widespread_std
        if std is None:
            raise RecipeError(
                f"normalize_stdwidespread is for CIFAR-10; no such deviation is known of "
                f"{dataset.title}; write normalize, which takes its own"
            )
        scale = tuple(1 / (255 * deviation) for deviation in std)
        offset = tuple(-mean / deviation for mean, deviation in zip(dataset.mean, std, strict=True))
        return scale, offset
