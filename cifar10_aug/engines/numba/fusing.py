"""Joins what recolours images one by one to the passes that read and write them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from cifar10_aug.engines.planner import exclude
from cifar10_aug.engines.processes import process
from cifar10_aug.engines.stages import Mixture, Pass, PlannedOp, Process, Smoothing, Stage
from cifar10_aug.ops.base import ImageOp, NumberedTableOp


def stroke_of(op: ImageOp | NumberedTableOp) -> int | None:
    """The number of the compiled stroke that does an op; None if that is a process."""
    number: int | None = getattr(process("numba.kernels", op.process), "number", None)
    return number


def fused(stages: Iterable[Stage]) -> Iterator[Stage]:
    """Stages that do the same in fewer passes over the images: processes as strokes of passes."""
    made: Pass | None = None
    for stage in stages:
        if isinstance(stage, Process) and _is_stroke(stage.step):
            stage = Pass((), ((stage.step,),))
        if isinstance(stage, Mixture):
            branches = tuple(tuple(fused(branch)) for branch in stage.branches)
            stage = dataclasses.replace(stage, branches=branches)
        if isinstance(stage, Smoothing):
            yield stage
        elif made and isinstance(stage, Pass) and not stage.warps:
            made = Pass(made.warps, _joined(made.strokes, stage.strokes))
        else:
            if made:
                yield made
            made = stage if isinstance(stage, Pass) else None
            if not made:
                yield stage
    if made:
        yield made


def _is_stroke(step: PlannedOp) -> bool:
    assert isinstance(step.op, ImageOp), step
    return stroke_of(step.op) is not None


_Strokes = tuple[tuple[PlannedOp, ...], ...]


def _joined(before: _Strokes, after: _Strokes) -> _Strokes:
    """Strokes one after the other; the first of those after may be a choice with the last."""
    if before and after and all(exclude(one, other) for one in before[-1] for other in after[0]):
        return (*before[:-1], (*before[-1], *after[0]), *after[1:])
    return (*before, *after)
