"""A batch of examples on its way through the stages of a recipe."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.drawing import Drawn
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.stages import PlannedOp

if TYPE_CHECKING:
    from cifar10_aug.data.spec import DatasetSpec


@dataclasses.dataclass(frozen=True)
class Batch:
    """Examples, and what they have drawn.

    Attributes:
        source: where their images are.
        rows: int64 [batch], which images of the source.
        keys: uint64 [batch], see `draws.example_keys`.
        epoch: 0 to 2**32 - 1.
        seed: 0 to 2**64 - 1.
        drawn: by the recipe's ops.
        dataset: whose images they are.
    """

    source: Source
    rows: np.ndarray
    keys: np.ndarray
    epoch: int
    seed: int
    drawn: Drawn
    dataset: DatasetSpec

    def __len__(self) -> int:
        return len(self.rows)

    def moved(self, source: Source) -> Batch:
        """The same examples, their images now one after the other in `source`."""
        return dataclasses.replace(self, source=source, rows=np.arange(len(self)))

    def followed_by(self, other: Batch) -> Batch:
        """The examples of two batches of an epoch; the rows of the other's are of its source."""
        return dataclasses.replace(
            self,
            rows=np.concatenate([self.rows, other.rows]),
            keys=np.concatenate([self.keys, other.keys]),
            drawn=self.drawn.followed_by(other.drawn),
        )

    def canvas(self, step: PlannedOp) -> Canvas:
        """The images as a step's process sees them; their rows must be 0, 1, 2, …."""
        return Canvas(
            self.source.packed,
            self.source.height,
            self.source.width,
            self.keys,
            np.uint64(self.epoch if step.every_epoch else 0),
            np.uint64(self.seed),
            step.first_noise_block,
        )
