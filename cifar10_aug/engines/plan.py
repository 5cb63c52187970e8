"""From the ops of a recipe to the passes an engine makes over the pixels.

A pass reads each image once: it resamples by the product of neighbouring affine ops, then paints
and recolours. Only an affine op behind such a stroke starts a new pass, and a function of the
user's, which stands between two passes. Within a pass, affine ops with the same border multiply
into one map; where borders differ, coordinates go from one map to the next, so there still is one
resampling.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from cifar10_aug.ops.kinds import AffineOp, Border, Op, PythonOp, SequenceOp, StrokeOp, ValueRangeOp

NEAREST = Border("nearest")


@dataclasses.dataclass(frozen=True)
class Placed:
    """An op and where its random words are.

    Attributes:
        position: in the recipe, which is part of the key of the draws.
        op: the op, or a part of one.
        first_slot: the place of its first word among those of the position.
    """

    position: int
    op: Op
    first_slot: int = 0


@dataclasses.dataclass(frozen=True)
class Leg:
    """Affine ops that multiply into one map, in the recipe's order, and their common border."""

    border: Border
    steps: tuple[Placed, ...]


@dataclasses.dataclass(frozen=True)
class Pass:
    """One reading of the images.

    Attributes:
        legs: in the recipe's order; empty if the pass only copies.
        strokes: what is painted and recoloured afterwards, in order.
        lattice: whether every map takes pixel centres to pixel centres.
    """

    legs: tuple[Leg, ...]
    strokes: tuple[Placed, ...]

    @property
    def lattice(self) -> bool:
        return len(self.legs) <= 1 and all(
            isinstance(step.op, AffineOp) and step.op.lattice
            for leg in self.legs
            for step in leg.steps
        )


@dataclasses.dataclass(frozen=True)
class PythonCalls:
    """Functions of the user's that follow each other, in the recipe's order."""

    steps: tuple[Placed, ...]


def plan(ops: tuple[Op, ...]) -> tuple[Pass | PythonCalls, ...]:
    """What does `ops`, one after the other; always a pass first."""
    stages: list[Pass | PythonCalls] = []
    affine: list[Placed] = []
    strokes: list[Placed] = []
    for step in _placed(ops):
        op = step.op
        if isinstance(op, PythonOp):
            before = stages[-1] if stages and not affine and not strokes else None
            if isinstance(before, PythonCalls):
                stages[-1] = PythonCalls((*before.steps, step))
                continue
            stages += [Pass(_legs(affine), tuple(strokes)), PythonCalls((step,))]
            affine, strokes = [], []
        elif isinstance(op, AffineOp):
            if strokes:
                stages.append(Pass(_legs(affine), tuple(strokes)))
                affine, strokes = [], []
            affine.append(step)
        elif isinstance(op, StrokeOp):
            strokes.append(step)
        else:
            # Value-range ops take effect when the last pass hands its pixels out.
            assert isinstance(op, ValueRangeOp), op
    only_python_is_left = stages and isinstance(stages[-1], PythonCalls) and not affine + strokes
    if not only_python_is_left or any(isinstance(op, ValueRangeOp) for op in ops):
        stages.append(Pass(_legs(affine), tuple(strokes)))
    return tuple(stages)


def _placed(ops: tuple[Op, ...]) -> Iterator[Placed]:
    """The ops, sequences spelled out."""
    for position, op in enumerate(ops):
        if not isinstance(op, SequenceOp):
            yield Placed(position, op)
            continue
        first_slot = 0
        for part in op.parts:
            yield Placed(position, part, first_slot)
            first_slot += part.slots
        assert first_slot == op.slots, op


def _legs(steps: list[Placed]) -> tuple[Leg, ...]:
    legs: list[Leg] = []
    border: Border | None = None
    group: list[Placed] = []
    for step in steps:
        assert isinstance(step.op, AffineOp)
        theirs = step.op.border
        if border is not None and theirs is not None and theirs != border:
            legs.append(Leg(border, tuple(group)))
            border, group = None, []
        border = border or theirs
        group.append(step)
    if group:
        legs.append(Leg(border or NEAREST, tuple(group)))
    return tuple(legs)
