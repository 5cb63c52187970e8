"""Runs a pass: from the parameters of its ops to pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cifar10_aug.engines.numba import maps
from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    IDENTITY,
    IN_PLACE,
    LEVELS,
    MIRRORED,
    MIXED,
    NOTHING,
    PACKED,
    PLANES,
    SCALED,
    UNPACKED,
    Images,
    Mixed,
    Output,
    Scratch,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.maps import Field
from cifar10_aug.engines.numba.methods import shortcuts
from cifar10_aug.engines.numba.pixelwise import strokes_of
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.engines.numba.turns import TURN
from cifar10_aug.engines.stages import Pass

# Of fields that are made at once.
_PIXELS_AT_ONCE = 2**17


def run(
    made: Pass, batch: Batch, kind: int, scale: np.ndarray, offset: np.ndarray, target: Target
) -> None:
    """Reads a batch and writes what the pass makes of it.

    Args:
        made: the pass.
        batch: the images, and what they have drawn.
        kind: PACKED, LEVELS, FLOATS or FRACTIONS; see `pass_arguments`.
        scale, offset: float32 [3], for FLOATS.
        target: arrays of the kind's dtype, together as long as the batch.
    """
    writer = PLANES[kind] if target.channels_first else kind
    arguments = _Arguments.of(made, batch, writer)
    for part, memory in _pieces(target, arguments.at_once):
        arguments.render(part, Output(writer, scale, offset, memory))


def run_mixed(
    made: Pass,
    batch: Batch,
    partners: Batch,
    mixed: Mixed,
    kind: int,
    scale: np.ndarray,
    offset: np.ndarray,
    target: Target,
) -> None:
    """As `run`, of images and of a partner of each, with which they are mixed before writing."""
    from cifar10_aug.engines.numba.kernels.mixes import mix_levels
    from cifar10_aug.engines.numba.kernels.separate import need

    writer = PLANES[kind] if target.channels_first else kind
    count, stored = len(batch), batch.source.stored and partners.source.stored
    if stored and writer == LEVELS and not made.steps and not mixed.shrunk.any():
        for part, memory in _pieces(target, max(count, 1)):
            images = batch.source.images(batch.rows[part])
            theirs, how = partners.source.images(partners.rows[part]), mixed.of(part)
            with TURN.left():
                mix_levels(images, theirs, how, memory)
        return
    arguments = _Arguments.of(made, batch.followed_by(partners), writer, copies=False)
    need(MIXED, *((UNPACKED,) if partners.source.stored else ()))
    for part, memory in _pieces(target, max(arguments.at_once // 2, 1)):
        theirs, how = partners.source.images(partners.rows[part]), mixed.of(part)
        rows = np.arange(part.start, part.stop)
        output = Output(writer, scale, offset, memory)
        arguments.render(rows, output, theirs, how, np.concatenate([rows, rows + count]))


def _pieces(target: Target, at_once: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Parts of a target of at most so many examples: which, and their memory, uint8 [n, bytes]."""
    for part, out in target.parts():
        for first in range(part.start, part.stop, at_once):
            stop = min(first + at_once, part.stop)
            memory = out[first - part.start : stop - part.start]
            yield slice(first, stop), memory.reshape(len(memory), -1).view(np.uint8)


def run_in_place(made: Pass, batch: Batch) -> None:
    """As `run`, on packed images that nobody else reads, of which the pass changes some."""
    arguments = _Arguments.of(made, batch, IN_PLACE)
    nothing = np.empty((0, 0), np.uint8)
    output = Output(IN_PLACE, np.ones(3, np.float32), np.zeros(3, np.float32), nothing)
    rows = arguments.changed
    for first in range(0, len(rows), arguments.at_once):
        arguments.render(rows[first : first + arguments.at_once], output)


class _Arguments(NamedTuple):
    """What the kernel is told of a pass over a batch.

    Attributes:
        batch: the images.
        warps, strokes: of all examples.
        fields: what fills in the warps' fields, by their places.
        at_once: how many examples fields are made for at a time. They take as much memory as
            images, and so stay in a cache.
        scratch: memory to work in.
    """

    batch: Batch
    warps: Warps
    strokes: Strokes
    fields: dict[int, Field]
    at_once: int
    scratch: Scratch

    @staticmethod
    def of(made: Pass, batch: Batch, writer: int, *, copies: bool = True) -> _Arguments:
        """Those of a batch; `copies` allows ways that go from stored levels to what is written."""
        from cifar10_aug.engines.numba.kernels.render import slack
        from cifar10_aug.engines.numba.kernels.separate import need

        (strokes, codes), fields = strokes_of(made.strokes, batch), maps.fields(made, batch)
        height, width, at_once = batch.source.height, batch.source.width, max(len(batch), 1)
        if fields:
            at_once = min(at_once, max(_PIXELS_AT_ONCE // (height * width), 1))
        warps = maps.warps(made, batch, at_once if fields else 0)
        if copies and batch.source.stored and writer == LEVELS:
            size = height, width
            found = shortcuts(warps.methods, warps.only, warps.matrices, strokes, size)
            warps = warps._replace(methods=found)
        ways = set(np.flatnonzero(np.bincount(warps.methods)).tolist())
        need(*codes, *maps.needed(ways, warps))
        if batch.source.stored and ways - {MIRRORED, SCALED}:
            need(UNPACKED)
        if writer not in (IN_PLACE, PACKED):
            need(writer)
        scratch = Scratch.of(height * width, slack(width))
        return _Arguments(batch, warps, strokes, fields, at_once, scratch)

    @property
    def changed(self) -> np.ndarray:
        """The examples that something is done to: int64 [n]."""
        painted = (self.strokes.codes != NOTHING).any(axis=1)
        return np.flatnonzero((self.warps.methods != IDENTITY) | painted)

    def render(
        self,
        rows: slice | np.ndarray,
        output: Output,
        partners: Images | None = None,
        mixed: Mixed | None = None,
        examples: np.ndarray | None = None,
    ) -> None:
        """Runs the kernel on some examples, at most `at_once`.

        Args:
            rows: which.
            output: for them.
            partners, mixed: with which they are mixed, and how.
            examples: the rows, and those of partners.
        """
        from cifar10_aug.engines.numba.kernels.render import render
        from cifar10_aug.engines.numba.kernels.separate import ADDRESSES

        batch, made = self.batch, rows if examples is None else examples
        images = batch.source.images(batch.rows[rows])
        warps, strokes = self.warps.of(made), self.strokes.of(made)
        with TURN.left():
            for place, field in self.fields.items():
                field.write(made, self.warps.fields, place)
            render(images, partners, mixed, warps, strokes, output, self.scratch, ADDRESSES)
