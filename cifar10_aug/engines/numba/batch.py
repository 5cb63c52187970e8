"""A batch of examples on its way through the stages of a recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.drawing import Drawn, OfOutcomes
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.stages import PlannedOp, one_of
from cifar10_aug.ops.compound import FiniteChoiceOp

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
        tables: what has been worked out for the outcomes of choices, by their steps' identities;
            the engine's, which keeps the steps.
    """

    source: Source
    rows: np.ndarray
    keys: np.ndarray
    epoch: int
    seed: int
    drawn: Drawn
    dataset: DatasetSpec
    tables: dict[Any, Any]

    def __len__(self) -> int:
        return len(self.rows)

    def moved(self, source: Source) -> Batch:
        """The same examples, their images now one after the other in `source`."""
        return dataclasses.replace(self, source=source, rows=np.arange(len(self)))

    def can_tabulate(self, steps: tuple[PlannedOp, ...]) -> bool:
        """Whether steps are choices of one op with so few outcomes; else all is worked out."""
        by = steps[0].chosen_by
        finite = by is not None and isinstance(by.op, FiniteChoiceOp) and one_of(steps)
        return finite and not isinstance(self.drawn, OfOutcomes)

    def tabulated(self, steps: tuple[PlannedOp, ...], make: Callable[[Batch], Any]) -> Any:
        """What an op's choices ask for, by its outcomes; made once, as for a batch of these.

        Args:
            steps: all of one `FiniteChoiceOp`.
            make: from a batch in which each example has drawn one outcome, in order.
        """
        key = tuple(map(id, steps))
        if key not in self.tables:
            by = steps[0].chosen_by
            assert by is not None
            assert isinstance(by.op, FiniteChoiceOp), by
            each = np.arange(len(by.op.outcomes.index))
            of_outcomes = dataclasses.replace(
                self, rows=each, keys=each.astype(np.uint64), drawn=OfOutcomes()
            )
            self.tables[key] = make(of_outcomes)
        return self.tables[key]

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
