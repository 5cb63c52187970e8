"""From the ops of a recipe to the stages an engine goes through.

A pass reads each image once: it resamples along neighbouring geometric ops, then paints. Only a
geometric op after a stroke starts a new pass. Within a pass, affine ops with the same border
multiply into one map; where borders or kinds differ, coordinates go from one map to the next, so
there still is one resampling. Between passes, processes recolour images in place, examples are
mixed, and functions of the user's run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from cifar10_aug.ops.base import (
    AffineOp,
    Border,
    GeometricOp,
    Op,
    ProcessOp,
    PythonOp,
    StrokeOp,
    ValueRangeOp,
)
from cifar10_aug.ops.compound import ChoiceOp, MixOp, MixtureOp, SequenceOp
from cifar10_aug.rng.draws import POSITION_SHIFT

NEAREST = Border("nearest")
# Noise counters start after the blocks that an op's own draws use.
_FIRST_NOISE_BLOCK = 256


@dataclasses.dataclass(frozen=True)
class Placed:
    """An op and where its random words are.

    Attributes:
        position: in the recipe, which is part of the key of the draws.
        op: the op, or a part of one.
        first_slot: the place of its first word among those of the position.
        slots: how many it sees.
        every_epoch: whether it draws anew each epoch, as the recipe's op says.
        chosen_by: the op that chooses whether this one is done; None if it always is.
        number: of this one among the choices.
    """

    position: int
    op: Op
    first_slot: int
    slots: int
    every_epoch: bool = True
    chosen_by: Placed | None = None
    number: int = 0

    @property
    def first_noise_block(self) -> np.uint64:
        """The last word of the Philox counter for its first block of noise."""
        position = np.uint64(self.position) << np.uint64(POSITION_SHIFT)
        return position + np.uint64(_FIRST_NOISE_BLOCK)


@dataclasses.dataclass(frozen=True)
class Leg:
    """Geometric ops that make one map, in the recipe's order, and their common border.

    Either all of them are affine, or there is only one.
    """

    border: Border
    steps: tuple[Placed, ...]


@dataclasses.dataclass(frozen=True)
class Pass:
    """One reading of the images.

    Attributes:
        legs: in the recipe's order; empty if the pass only copies.
        strokes: what is painted afterwards, in order; of the steps of one stroke, each example
            gets at most one.
        lattice: whether every map takes pixel centres to pixel centres.
    """

    legs: tuple[Leg, ...]
    strokes: tuple[tuple[Placed, ...], ...]

    @property
    def lattice(self) -> bool:
        return len(self.legs) <= 1 and all(
            isinstance(step.op, AffineOp) and step.op.lattice
            for leg in self.legs
            for step in leg.steps
        )


@dataclasses.dataclass(frozen=True)
class Process:
    """A process op, on separate images."""

    step: Placed


@dataclasses.dataclass(frozen=True)
class Mixture:
    """A mixture op, and what makes each of its versions."""

    step: Placed
    branches: tuple[tuple[Stage, ...], ...]


@dataclasses.dataclass(frozen=True)
class Mix:
    """A mix op, whose partners are what the stages before it make of them."""

    step: Placed


@dataclasses.dataclass(frozen=True)
class PythonCalls:
    """Functions of the user's that follow each other, in the recipe's order."""

    steps: tuple[Placed, ...]


Stage = Pass | Process | Mixture | Mix | PythonCalls


def plan(ops: tuple[Op, ...]) -> tuple[Stage, ...]:
    """The stages that run `ops`, in order; a pass first, and a pass or Python calls last."""
    planner = _Planner()
    for position, op in enumerate(ops):
        for step in _steps(Placed(position, op, 0, op.slots, op.every_epoch)):
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
        self._geometric: list[Placed] = []
        self._strokes: list[tuple[Placed, ...]] = []

    def add(self, step: Placed) -> None:
        op = step.op
        if isinstance(op, ChoiceOp):
            self._add_choices(step, op)
        elif isinstance(op, GeometricOp):
            self._add_geometric(step)
        elif isinstance(op, ProcessOp):
            self._add_stage(Process(step))
        elif isinstance(op, StrokeOp):
            self._strokes.append((step,))
        elif isinstance(op, MixtureOp):
            self._add_stage(Mixture(step, tuple(_branch(step, part) for part in op.branches)))
        elif isinstance(op, MixOp):
            self._add_stage(Mix(step))
        elif isinstance(op, PythonOp):
            self._add_python(step)
        else:
            # Value-range ops take effect when the last pass hands its pixels out.
            assert isinstance(op, ValueRangeOp), op

    def _add_geometric(self, step: Placed) -> None:
        if self._strokes:
            self.close()
        self._geometric.append(step)

    def _add_stage(self, stage: Stage) -> None:
        self.close()
        self.stages.append(stage)

    def _add_python(self, step: Placed) -> None:
        self.close()
        before = self.stages[-1]
        if isinstance(before, PythonCalls):
            self.stages[-1] = PythonCalls((*before.steps, step))
        else:
            self.stages.append(PythonCalls((step,)))

    def _add_choices(self, step: Placed, op: ChoiceOp) -> None:
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
            if isinstance(choice.op, ProcessOp):
                self._add_stage(Process(choice))

    def close(self) -> None:
        """Makes a pass of what is left to do; in any case the first stage is one."""
        if self._geometric or self._strokes or not self.stages:
            self.stages.append(Pass(_legs(self._geometric), tuple(self._strokes)))
            self._geometric, self._strokes = [], []


def _is_painted(op: Op) -> bool:
    return isinstance(op, StrokeOp) and not isinstance(op, ProcessOp)


def _branch(step: Placed, part: Op) -> tuple[Stage, ...]:
    planner = _Planner()
    for one in _steps(dataclasses.replace(step, op=part)):
        planner.add(one)
    planner.close()
    return tuple(planner.stages)


def _steps(step: Placed) -> Iterator[Placed]:
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


def _legs(steps: list[Placed]) -> tuple[Leg, ...]:
    legs: list[Leg] = []
    border: Border | None = None
    group: list[Placed] = []

    def end_leg() -> None:
        nonlocal border, group
        if group:
            legs.append(Leg(border or NEAREST, tuple(group)))
        border, group = None, []

    for step in steps:
        assert isinstance(step.op, GeometricOp)
        alone = not isinstance(step.op, AffineOp)
        theirs = step.op.border
        if alone or (border is not None and theirs is not None and theirs != border):
            end_leg()
        border = border or theirs
        group.append(step)
        if alone:
            end_leg()
    end_leg()
    return tuple(legs)
