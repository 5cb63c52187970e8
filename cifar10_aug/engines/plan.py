"""From the ops of a recipe to the stages an engine goes through.

A pass reads each image once: it resamples along neighbouring geometric ops, then paints. Only a
geometric op after a pixelwise one starts a new pass. Within a pass, affine ops with the same border
multiply into one map; where borders or kinds differ, coordinates go from one map to the next, so
there still is one resampling. Between passes, processes recolour images in place, examples are
mixed, and functions of the user's run.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cifar10_aug.engines.stages import (
    Mix,
    Mixture,
    Pass,
    PlannedOp,
    Process,
    PythonCalls,
    Stage,
    Warp,
)
from cifar10_aug.ops.base import (
    AffineOp,
    Border,
    GeometricOp,
    ImageOp,
    Op,
    PixelwiseOp,
    PythonOp,
    ValueRangeOp,
)
from cifar10_aug.ops.compound import ChoiceOp, SampleMixOp, SequenceOp, WeightedSumOp

if TYPE_CHECKING:
    from cifar10_aug.data.spec import DatasetSpec

NEAREST = Border("nearest")


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """A recipe as engines take it: a list of ops, for the images of one dataset.

    Attributes:
        name: of the recipe, for errors.
        ops: in order.
        dataset: whose mean and deviation ops use.
    """

    name: str
    ops: tuple[Op, ...]
    dataset: DatasetSpec

    @functools.cached_property
    def stages(self) -> tuple[Stage, ...]:
        """What runs, in order; a pass first, and a pass or Python calls last."""
        return _stages(self.ops)

    @property
    def mixes(self) -> bool:
        """Whether examples are mixed, so that labels are shares of classes."""
        return any(isinstance(op, SampleMixOp) for op in self.ops)

    @property
    def runs_python(self) -> bool:
        """Whether a function of the user's is part of it."""
        return any(isinstance(op, PythonOp) for op in self.ops)

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


def _stages(ops: tuple[Op, ...]) -> tuple[Stage, ...]:
    planner = _Planner()
    for position, op in enumerate(ops):
        for step in _steps(PlannedOp(position, op, 0, op.slots, op.every_epoch)):
            planner.add(step)
    planner.close()
    hands_out = isinstance(planner.stages[-1], Pass) or (
        isinstance(planner.stages[-1], PythonCalls)
        and not any(isinstance(op, ValueRangeOp) for op in ops)
    )
    return (*planner.stages, *(() if hands_out else (Pass((), ()),)))


class _Planner:
    """Stages so far, and what the next pass will do."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._geometric: list[PlannedOp] = []
        self._strokes: list[tuple[PlannedOp, ...]] = []

    def add(self, step: PlannedOp) -> None:
        op = step.op
        if isinstance(op, ChoiceOp):
            self._add_choices(step, op)
        elif isinstance(op, GeometricOp):
            self._add_geometric(step)
        elif isinstance(op, ImageOp):
            self._add_stage(Process(step))
        elif isinstance(op, PixelwiseOp):
            self._strokes.append((step,))
        elif isinstance(op, WeightedSumOp):
            self._add_stage(Mixture(step, tuple(_branch(step, part) for part in op.branches)))
        elif isinstance(op, SampleMixOp):
            self._add_stage(Mix(step))
        elif isinstance(op, PythonOp):
            self._add_python(step)
        else:
            # Value-range ops take effect when the last pass hands its pixels out.
            assert isinstance(op, ValueRangeOp), op

    def _add_geometric(self, step: PlannedOp) -> None:
        if self._strokes:
            self.close()
        self._geometric.append(step)

    def _add_stage(self, stage: Stage) -> None:
        self.close()
        self.stages.append(stage)

    def _add_python(self, step: PlannedOp) -> None:
        self.close()
        before = self.stages[-1]
        if isinstance(before, PythonCalls):
            self.stages[-1] = PythonCalls((*before.steps, step))
        else:
            self.stages.append(PythonCalls((step,)))

    def _add_choices(self, step: PlannedOp, op: ChoiceOp) -> None:
        """Each example does one of the choices, so their order does not matter."""
        choices = [
            dataclasses.replace(step, op=choice, chosen_by=step, number=number)
            for number, choice in enumerate(op.choices)
        ]
        for choice in choices:
            if isinstance(choice.op, GeometricOp):
                self._add_geometric(choice)
        painted = [choice for choice in choices if _is_painted(choice.op)]
        if painted:
            self._strokes.append(tuple(painted))
        for choice in choices:
            if isinstance(choice.op, ImageOp):
                self._add_stage(Process(choice))

    def close(self) -> None:
        """Makes a pass of what is left to do; in any case the first stage is one."""
        if self._geometric or self._strokes or not self.stages:
            self.stages.append(Pass(_warps(self._geometric), tuple(self._strokes)))
            self._geometric, self._strokes = [], []


def _is_painted(op: Op) -> bool:
    return isinstance(op, PixelwiseOp) and not isinstance(op, ImageOp)


def _branch(step: PlannedOp, part: Op) -> tuple[Stage, ...]:
    planner = _Planner()
    for one in _steps(dataclasses.replace(step, op=part)):
        planner.add(one)
    planner.close()
    return tuple(planner.stages)


def _steps(step: PlannedOp) -> Iterator[PlannedOp]:
    """The step, sequences spelled out."""
    op = step.op
    if not isinstance(op, SequenceOp):
        yield step
        return
    first = step.first_slot
    for part in op.parts:
        if op.shares_words:
            yield from _steps(dataclasses.replace(step, op=part))
        else:
            yield from _steps(
                dataclasses.replace(step, op=part, first_slot=first, slots=part.slots)
            )
            first += part.slots
    assert op.shares_words or first == step.first_slot + op.slots, op


def _warps(steps: list[PlannedOp]) -> tuple[Warp, ...]:
    warps: list[Warp] = []
    border: Border | None = None
    group: list[PlannedOp] = []

    def end_warp() -> None:
        nonlocal border, group
        if group:
            warps.append(Warp(border or NEAREST, tuple(group)))
        border, group = None, []

    for step in steps:
        assert isinstance(step.op, GeometricOp)
        alone = not isinstance(step.op, AffineOp)
        theirs = step.op.border
        if alone or (border is not None and theirs is not None and theirs != border):
            end_warp()
        border = border or theirs
        group.append(step)
        if alone:
            end_warp()
    end_warp()
    return tuple(warps)
