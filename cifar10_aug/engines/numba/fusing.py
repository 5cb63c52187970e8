"""Joins what recolours images one by one to the passes that read and write them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from cifar10_aug.engines.numba.kernels.pass_arguments import NOTHING
from cifar10_aug.engines.planner import exclude
from cifar10_aug.engines.processes import process
from cifar10_aug.engines.stages import Mix, Pass, PlannedOp, Process, Smoothing, Stage
from cifar10_aug.ops.base import ImageOp, NumberedTableOp


def stroke_of(op: ImageOp | NumberedTableOp) -> int:
    """The number of the compiled stroke that does an op; NOTHING if that is a process."""
    number: int = getattr(process("numba.kernels", op.process), "number", NOTHING)
    return number


@dataclasses.dataclass(frozen=True)
class MixedPass:
    """A pass over images and over their partners, and how those are mixed."""

    made: Pass
    mix: Mix


FusedStage = Stage | MixedPass


def fused(stages: Iterable[Stage]) -> list[FusedStage]:
    """Stages that do the same to images in fewer passes over them.

    Processes of one image become strokes, and mixing is part of the pass before it. What labels
    become is left out.
    """
    found: list[FusedStage] = []
    made: Pass | None = None
    for stage in stages:
        if isinstance(stage, Process) and _is_stroke(stage.step):
            stage = Pass((), ((stage.step,),))
        if isinstance(stage, Smoothing):
            continue
        if isinstance(stage, Mix):
            found.append(MixedPass(made or Pass((), ()), stage))
            made = None
        elif made and isinstance(stage, Pass) and not stage.warps:
            made = Pass(made.warps, _joined(made.strokes, stage.strokes))
        else:
            found += [made] if made else []
            made = stage if isinstance(stage, Pass) else None
            found += [] if made else [stage]
    # A mixed pass can write what comes out, too.
    written = found and isinstance(found[-1], MixedPass) and made == Pass((), ())
    return found if made is None or written else [*found, made]


def _is_stroke(step: PlannedOp) -> bool:
    assert isinstance(step.op, ImageOp), step
    return stroke_of(step.op) != NOTHING


_Strokes = tuple[tuple[PlannedOp, ...], ...]


def _joined(before: _Strokes, after: _Strokes) -> _Strokes:
    """Strokes one after the other; the first of those after may be a choice with the last."""
    if before and after and all(exclude(one, other) for one in before[-1] for other in after[0]):
        return (*before[:-1], (*before[-1], *after[0]), *after[1:])
    return (*before, *after)
