"""A recipe as engines take it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cifar10_aug.engines import planner
from cifar10_aug.engines.stages import PlannedOp, Stage
from cifar10_aug.ops.base import LabelOp, Op, ValueRangeOp
from cifar10_aug.ops.compound import SampleMixOp, flattened
from cifar10_aug.ops.python_op import PythonOp

if TYPE_CHECKING:
    from cifar10_aug.data.spec import DatasetSpec


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """A recipe as engines take it: a list of ops, for the images of one dataset.

    Attributes:
        name: of the recipe, for errors.
        ops: in order; of several views, those of each view.
        dataset: whose mean and deviation ops use.
        views: what each view of an example runs; empty if an example is one image.
    """

    name: str
    ops: tuple[Op, ...]
    dataset: DatasetSpec
    views: tuple[Plan, ...] = ()

    @staticmethod
    def of_views(name: str, plans: Sequence[Plan]) -> Plan:
        """Several views, each with its own plan."""
        ops = tuple(op for plan in plans for op in plan.ops)
        return Plan(name, ops, plans[0].dataset, tuple(plans))

    @functools.cached_property
    def stages(self) -> tuple[Stage, ...]:
        """What runs, in order; a pass first, and a pass or Python calls last."""
        if self.views:
            return tuple(stage for view in self.views for stage in view.stages)
        return planner.stages(self.ops)

    @property
    def steps(self) -> Iterator[PlannedOp]:
        """The ops of all stages, in order, those of branches after what they branch from."""
        return (step for stage in self.stages for step in stage.steps)

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """What comes out of an image: [height, width, 3] or [views, height, width, 3]."""
        image = (height, width, 3)
        return (len(self.views), *image) if self.views else image

    @property
    def alike(self) -> list[tuple[Plan, np.ndarray]]:
        """What views run, each plan once, with the numbers of the views that run it."""
        numbers: dict[tuple[Op, ...], list[int]] = {}
        for number, view in enumerate(self.views):
            numbers.setdefault(view.ops, []).append(number)
        # Errors name what the user has asked for.
        return [(Plan(self.name, ops, self.dataset), np.array(of)) for ops, of in numbers.items()]

    @property
    def mixes(self) -> bool:
        """Whether examples are mixed with others."""
        return any(isinstance(op, SampleMixOp) for op in flattened(self.ops))

    @property
    def softens(self) -> bool:
        """Whether labels are shares of classes, float32, on every split."""
        kinds = (SampleMixOp, LabelOp)
        return any(isinstance(op, kinds) for op in flattened(self.ops))

    @property
    def runs_python(self) -> bool:
        """Whether a function of the user's is part of it."""
        return any(isinstance(op, PythonOp) for op in flattened(self.ops))

    @property
    def dtype(self) -> str:
        """The dtype of what comes out: "uint8", or "float32" after an op that sets the range."""
        return "float32" if any(op.value_range for op in self.ops) else "uint8"

    @property
    def scale_and_offset(self) -> tuple[np.ndarray, np.ndarray] | None:
        """float32 [3] both: output = level * scale + offset; None where levels come out."""
        for op in self.ops:
            if isinstance(op, ValueRangeOp):
                scale, offset = op.scale_and_offset(self.dataset)
                return np.array(scale, np.float32), np.array(offset, np.float32)
        return None
