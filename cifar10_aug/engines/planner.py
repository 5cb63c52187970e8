"""From the ops of a recipe to the stages that an engine goes through.

A pass reads each image once: it resamples along neighbouring geometric ops, then paints. Only a
geometric op after a pixelwise one starts a new pass. Within a pass, coordinates go from one map to
the next, each with its border, so that what one op has pushed out of the image does not come back,
and there still is one resampling. Maps between which nothing can be hidden multiply into one.
Between passes, processes recolour images in place, examples are mixed, and functions of the user's
run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from cifar10_aug.engines.stages import (
    ALWAYS,
    Gate,
    Mix,
    Mixture,
    Pass,
    PlannedOp,
    Process,
    PythonCalls,
    Smoothing,
    Stage,
    Warp,
)
from cifar10_aug.ops.base import (
    AffineOp,
    Border,
    GeometricOp,
    ImageOp,
    LabelOp,
    Op,
    PixelwiseOp,
    ValueRangeOp,
)
from cifar10_aug.ops.compound import ChoiceOp, OneOf, SampleMixOp, SequenceOp, WeightedSumOp
from cifar10_aug.ops.python_op import PythonOp

NEAREST = Border("nearest")


def stages(ops: tuple[Op, ...]) -> tuple[Stage, ...]:
    """What runs, in order; a pass first, and a pass or Python calls last."""
    planner = _Planner()
    for position, op in enumerate(ops):
        planner.add_any_of(_alternatives(position, op))
    planner.close()
    written = isinstance(planner.stages[-1], Pass) or (
        isinstance(planner.stages[-1], PythonCalls)
        and not any(isinstance(op, ValueRangeOp) for op in ops)
    )
    return (*planner.stages, *(() if written else (Pass((), ()),)))


def _alternatives(position: int, op: Op) -> list[list[PlannedOp]]:
    """What is done in a place of the recipe: of several sequences, each example does one."""
    ops = op.ops if isinstance(op, OneOf) else (op,)
    return [
        list(
            _steps(
                PlannedOp(
                    position,
                    one,
                    0,
                    one.slots,
                    one.every_epoch,
                    gate=Gate(one.coin, number, len(ops)),
                )
            )
        )
        for number, one in enumerate(ops)
    ]


class _Planner:
    """Stages so far, and what the next pass will do."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._geometric: list[PlannedOp] = []
        self._strokes: list[tuple[PlannedOp, ...]] = []

    def add_any_of(self, alternatives: list[list[PlannedOp]]) -> None:
        """Adds sequences of which each example does at most one, so that their order is free.

        Mix ops come first, since partners are what the ops before the place have made. What one
        pass can do comes next, and lies side by side.
        """
        single = [steps[0] for steps in alternatives if len(steps) == 1]
        if mixes := [step for step in single if isinstance(step.op, SampleMixOp)]:
            self._add_stage(Mix(tuple(mixes)))
        for step in single:
            if isinstance(step.op, GeometricOp):
                self._add_geometric(step)
        if painted := [step for step in single if _is_painted(step.op)]:
            self._strokes.append(tuple(painted))
        for steps in alternatives:
            for step in steps:
                kinds = (SampleMixOp, GeometricOp, ValueRangeOp)
                if len(steps) > 1 or not (isinstance(step.op, kinds) or _is_painted(step.op)):
                    self._add(step)

    def _add(self, step: PlannedOp) -> None:
        op = step.op
        if isinstance(op, ChoiceOp):
            self.add_any_of(
                [
                    [dataclasses.replace(step, op=choice, chosen_by=step, number=number)]
                    for number, choice in enumerate(op.choices)
                ]
            )
        elif isinstance(op, ImageOp):
            self._add_stage(Process(step))
        elif isinstance(op, WeightedSumOp):
            self._add_stage(Mixture(step, tuple(_branch(step, part) for part in op.branches)))
        elif isinstance(op, LabelOp):
            self.stages.append(Smoothing(step))
        elif isinstance(op, PythonOp):
            self._add_python(step)
        else:
            # Part of a sequence.
            self.add_any_of([[step]])

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
        if isinstance(before, PythonCalls) and before.steps[0].gate == step.gate == ALWAYS:
            self.stages[-1] = PythonCalls((*before.steps, step))
        else:
            self.stages.append(PythonCalls((step,)))

    def close(self) -> None:
        """Makes a pass of what is left to do; in any case the first stage is one."""
        if self._geometric or self._strokes or not any(map(_makes_images, self.stages)):
            self.stages.append(Pass(_warps(self._geometric), tuple(self._strokes)))
            self._geometric, self._strokes = [], []


def _makes_images(stage: Stage) -> bool:
    return not isinstance(stage, Smoothing)


def _is_painted(op: Op) -> bool:
    return isinstance(op, PixelwiseOp) and not isinstance(op, ImageOp)


def _branch(step: PlannedOp, part: Op) -> tuple[Stage, ...]:
    planner = _Planner()
    # Whether the op is done at all is a matter of the weights.
    planner.add_any_of([list(_steps(dataclasses.replace(step, op=part, gate=ALWAYS)))])
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
    """Geometric steps, those together that multiply into one map."""
    groups: list[list[PlannedOp]] = []
    for step in steps:
        if groups and all(_multiply(earlier, step) for earlier in groups[-1]):
            groups[-1].append(step)
        else:
            groups.append([step])
    return tuple(Warp(_border(group) or NEAREST, tuple(group)) for group in groups)


def _border(steps: list[PlannedOp]) -> Border | None:
    borders = (step.op.border for step in steps if isinstance(step.op, GeometricOp))
    return next((border for border in borders if border is not None), None)


def _multiply(earlier: PlannedOp, later: PlannedOp) -> bool:
    """Whether two maps can be one, without the border between them.

    So it is if one of them takes the image onto itself, or if no example does both.
    """
    first, second = earlier.op, later.op
    if not isinstance(first, AffineOp) or not isinstance(second, AffineOp):
        return False
    if first.border is None or second.border is None:
        return True
    return first.border == second.border and exclude(earlier, later)


def exclude(one: PlannedOp, other: PlannedOp) -> bool:
    """Whether no example does both of two ops."""
    chosen = one.chosen_by is not None and one.chosen_by is other.chosen_by
    places = one.position == other.position and one.gate.of > 1
    return chosen or (places and one.gate.number != other.gate.number)
