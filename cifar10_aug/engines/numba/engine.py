"""The eager engine: NumPy turns draws into parameters, compiled loops turn those into pixels.

Functions of the user's run between the loops' passes, on arrays of plain levels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cifar10_aug.engines.numba import mixing, mixtures, passes
from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.drawing import Drawing, Drawn
from cifar10_aug.engines.numba.fusing import FusedStage, MixedPass, fused
from cifar10_aug.engines.numba.kernels.pass_arguments import FLOATS, FRACTIONS, LEVELS, PACKED
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.engines.numba.turns import TURN
from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.processes import process
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.engines.python.python_ops import Group
from cifar10_aug.engines.stages import (
    Mix,
    Mixture,
    Pass,
    PlannedOp,
    Process,
    PythonCalls,
    Smoothing,
    Stage,
)
from cifar10_aug.ops.base import ImageOp
from cifar10_aug.ops.python_op import PythonOp

_Stages = Sequence[FusedStage | Group]

# For images between two passes: a block of CIFAR's and their partners, or three versions of it, in
# two threads. All engines share it, since TensorFlow keeps what a pipeline refers to for ever.
_BETWEEN = Buffers(most_kept=4, largest=19 << 20)


class Engine:
    """A recipe made ready to run on images of one size with one seed.

    Calls may run at the same time in several threads.

    Attributes:
        plan: what it runs.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int,
        height: int,
        width: int,
        execution: Execution | None = None,
        buffers: Buffers | None = None,
        *,
        fractions: bool = False,
    ):
        """Takes the size of images, and where functions of the user's run (by default, anywhere).

        Engines can share the memory of what they make. With `fractions`, for plans that give uint8
        and end in a pass, they give float32, level / 255, instead.

        Raises:
            RegistrationError: if a function of the user's cannot run there.
        """
        self.plan = plan
        self._seed = seed
        self._height, self._width = height, width
        self._stages = list(self._staged(execution or Execution()))
        self._drawing = Drawing(plan.ops, seed)
        self._drawn = self._drawing.kept if plan.softens else self._drawing.of
        self._tables: dict[Any, Any] = {}
        self._range = plan.scale_and_offset or (np.ones(3, np.float32), np.zeros(3, np.float32))
        self._buffers = Buffers() if buffers is None else buffers
        self._kind = FLOATS if plan.dtype == "float32" else FRACTIONS if fractions else LEVELS

    def __call__(
        self,
        source: Source,
        rows: np.ndarray,
        keys: np.ndarray,
        epoch: int,
        partners: Partners | None = None,
    ) -> np.ndarray:
        """Augments the examples in `rows` of a source.

        Args:
            source: images of this engine's size.
            rows: int64 [batch].
            keys: uint64 [batch], each example's key, as `draws.example_keys` makes them.
            epoch: 0 to 2**32 - 1.
            partners: for recipes that mix examples.

        Returns:
            uint8 or float32 [batch, height, width, 3].

        Raises:
            PythonOpError: if a function of the user's fails.
        """
        if isinstance(self._stages[-1], Group):
            with TURN.lock:
                batch = self._batch(source, rows, keys, self._drawn(keys, epoch))
                _, images = self._through(self._stages, batch, partners)
            assert images is not None
            return images
        shape = len(rows), self._height, self._width, 3
        out = self._buffers.empty(shape, np.uint8 if self._kind == LEVELS else np.float32)
        self.write(source, rows, keys, epoch, partners, Target([out]))
        return out

    def write(
        self,
        source: Source,
        rows: np.ndarray,
        keys: np.ndarray,
        epoch: int,
        partners: Partners | None,
        target: Target,
    ) -> None:
        """Writes what a call returns; a copy only if the last op is a function of the user's.

        Args:
            source, rows, keys, epoch, partners: as for a call.
            target: arrays of the plan's dtype, together as long as the batch.

        Raises:
            PythonOpError: if a function of the user's fails.
        """
        *before, last = self._stages
        if isinstance(last, Group):
            target.write(self(source, rows, keys, epoch, partners))
            return
        with TURN.lock:
            batch = self._batch(source, rows, keys, self._drawn(keys, epoch))
            batch, images = self._through(before, batch, partners)
            if images is not None:
                batch = batch.moved(Source.of(images))
            if isinstance(last, MixedPass):
                self._mix(last, before, batch, partners, self._kind, target)
            else:
                assert isinstance(last, Pass), last
                passes.run(last, batch, self._kind, *self._range, target)

    def soft_labels(
        self, labels: np.ndarray, keys: np.ndarray, epoch: int, partners: Partners | None
    ) -> np.ndarray:
        """The labels of mixed examples, or smooth ones.

        Args:
            labels: their own, float32 [batch, classes].
            keys, epoch, partners: as for the images; the partners have labels.

        Returns:
            float32 [batch, classes].
        """
        stages = [stage for stage in self.plan.stages if isinstance(stage, (Mix, Smoothing))]
        size = self._height, self._width
        with TURN.lock:
            return mixing.labels(stages, self._drawn, size, labels, keys, epoch, partners)

    def _staged(self, execution: Execution) -> Iterator[FusedStage | Group]:
        """What runs one after the other; functions of the user's in groups."""
        for stage in fused(self.plan.stages):
            if not isinstance(stage, PythonCalls):
                yield stage
                continue
            for place, steps in itertools.groupby(
                stage.steps, lambda step: _place(execution, step)
            ):
                yield Group(self.plan.name, list(steps), place, execution, self._seed)

    def _batch(self, source: Source, rows: np.ndarray, keys: np.ndarray, drawn: Drawn) -> Batch:
        seed, dataset = self._seed, self.plan.dataset
        return Batch(source, rows, keys, drawn.epoch, seed, drawn, dataset, self._tables)

    def _shape(self, batch: Batch) -> tuple[int, ...]:
        return len(batch), self._height, self._width, 3

    def _through(
        self, stages: _Stages, batch: Batch, partners: Partners | None
    ) -> tuple[Batch, np.ndarray | None]:
        """A batch after some stages, and its images as an array if functions made them."""
        images: np.ndarray | None = None
        # What is given is somebody else's.
        owned = False
        for i, stage in enumerate(stages):
            if isinstance(stage, Group):
                if images is None:
                    images = self._buffers.empty(self._shape(batch), np.uint8)
                    batch.source.unpack(images)
                images = self._called(stage, batch, images)
                continue
            if images is not None:
                batch, images, owned = batch.moved(Source.of(images)), None, True
            if isinstance(stage, Pass):
                batch, owned = self._pass(stage, batch, in_place=owned), True
            elif isinstance(stage, Process):
                _process(stage.step, batch)
            elif isinstance(stage, Mixture):
                mixtures.lay(stage, batch, self._version)
            else:
                assert isinstance(stage, MixedPass), stage
                made = self._between(len(batch))
                packed = Target([made.packed])
                self._mix(stage, stages[:i], batch, partners, PACKED, packed)
                batch, owned = batch.moved(made), True
        return batch, images

    def _pass(self, made: Pass, batch: Batch, in_place: bool) -> Batch:
        """A pass between others, which changes images that an earlier stage has made in place."""
        if in_place:
            passes.run_in_place(made, batch)
            return batch
        target = self._between(len(batch))
        passes.run(made, batch, PACKED, *self._range, Target([target.packed]))
        return batch.moved(target)

    def _between(self, count: int) -> Source:
        return Source.empty(count, self._height, self._width, _BETWEEN)

    def _version(self, branch: tuple[Stage, ...], batch: Batch) -> Batch:
        return self._through(fused(branch), batch, None)[0]

    def _called(self, group: Group, batch: Batch, images: np.ndarray) -> np.ndarray:
        """What functions of the user's make of images, of those examples that do them."""
        mask = batch.drawn.mask(group.steps[0])
        if mask is None:
            out = self._buffers.empty(self._shape(batch), group.output)
            with TURN.left():
                group(images, out, batch.keys, batch.epoch)
            return out
        rows = np.flatnonzero(mask)
        if len(rows):
            out = np.empty((len(rows), *self._shape(batch)[1:]), group.output)
            with TURN.left():
                group(images[rows], out, batch.keys[rows], batch.epoch)
            images[rows] = out
        return images

    def _mix(
        self,
        stage: MixedPass,
        before: _Stages,
        batch: Batch,
        partners: Partners | None,
        kind: int,
        target: Target,
    ) -> None:
        """Writes a batch mixed with partners, which go through the stages before, too."""
        assert partners is not None, "a recipe that mixes is given partners"
        chosen = mixing.partners_drawn(batch.drawn.draws(stage.mix.steps[0]), partners)
        rows, keys = partners.rows[chosen], partners.keys[chosen]
        drawn = self._drawing.of(keys, batch.epoch)
        theirs = self._batch(partners.source, rows, keys, drawn)
        others, images = self._through(before, theirs, partners)
        if images is not None:
            others = others.moved(Source.of(images))
        mixed = mixing.mixed(stage.mix, batch.drawn, len(batch), (self._height, self._width))
        passes.run_mixed(stage.made, batch, others, mixed[0], kind, *self._range, target)


def _place(execution: Execution, step: PlannedOp) -> str:
    assert isinstance(step.op, PythonOp), step
    return execution.place(step.op)


def _process(step: PlannedOp, batch: Batch) -> None:
    assert isinstance(step.op, ImageOp)
    rows, drawn = batch.drawn.taken(step)
    rows = np.arange(len(batch)) if rows is None else rows
    given = [np.broadcast_to(values, len(rows)) for values in step.op.numbers(drawn)]
    numbers = np.array(given, np.float64).reshape(len(given), len(rows))
    applied = np.broadcast_to(step.op.applied(drawn), len(rows))
    if not applied.all():
        rows, numbers = rows[applied], np.ascontiguousarray(numbers[:, applied])
    if len(rows):
        run = process("numba.kernels", step.op.process)
        with TURN.left():
            run(batch.canvas(step), rows, numbers)
