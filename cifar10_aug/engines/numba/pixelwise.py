"""From the parameters of ops that paint or recolour to what the compiled loop reads."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.fusing import stroke_of
from cifar10_aug.engines.numba.kernels.pass_arguments import BOX, NOISY_BOX, NOTHING, TABLE, Strokes
from cifar10_aug.engines.stages import PlannedOp, one_of
from cifar10_aug.ops.base import BoxOp, ImageOp, LookupTableOp, Noise, NumberedTableOp, PixelwiseOp
from cifar10_aug.rng.draws import Draws

_LEVELS = np.arange(256.0)[:, None]

# Entries of tables that are made at once, so that they stay in the processor's cache.
_AT_ONCE = 1 << 15

# An index of all rows, as an array of some is one.
_ALL = slice(None)


def strokes_of(
    strokes: tuple[tuple[PlannedOp, ...], ...], batch: Batch
) -> tuple[Strokes, set[int]]:
    """The strokes of a pass, in order, with what a batch has drawn; and what codes they have."""
    count = len(strokes)
    tables = any(_has_table(type(step.op)) for steps in strokes for step in steps)
    made = _unpainted(batch, count, 256 if tables else 0)
    made.bases[:] = [steps[0].first_noise_block for steps in strokes]
    codes: set[int] = set()
    for i, steps in enumerate(strokes):
        if tables or not one_of(steps):
            for step in steps:
                rows, drawn = batch.drawn.taken(step)
                codes.add(_write(made, i, step.op, drawn, _ALL if rows is None else rows, batch))
            continue
        if batch.can_tabulate(steps):
            table = batch.tabulated(steps, functools.partial(_chosen, steps))
            outcome = batch.drawn.outcome(steps[0])
            made.codes[:, i] = np.take(table[0], outcome)
            made.numbers[:, i] = np.take(table[1], outcome, axis=0)
            codes |= table[2]
        else:
            made.codes[:, i], made.numbers[:, i], found = _chosen(steps, batch)
            codes |= found
    return made, codes - {NOTHING}


def _chosen(steps: tuple[PlannedOp, ...], batch: Batch) -> tuple[np.ndarray, np.ndarray, set[int]]:
    """Codes [batch] and numbers [batch, 5] of one op's choices, and all codes there are."""
    drawn, by = batch.drawn, steps[0].chosen_by
    assert by is not None
    # Those who have chosen the same lie together, and then go to their places at once.
    together = _unpainted(batch, 1, 0)
    found = set()
    for step in steps:
        part, its_draws = drawn.together(by, step.number)
        found.add(_write(together, 0, step.op, its_draws, part, batch))
    order, mask = drawn.order(by), drawn.mask(steps[0])
    codes, numbers = np.empty(len(batch), np.int64), np.empty((len(batch), 5))
    codes[order], numbers[order] = together.codes[:, 0], together.numbers[:, 0]
    if mask is not None:
        codes[~mask] = NOTHING
    return codes, numbers, found


def _unpainted(batch: Batch, strokes: int, entries: int) -> Strokes:
    return Strokes(
        codes=np.full((len(batch), strokes), NOTHING, np.int64),
        numbers=np.zeros((len(batch), strokes, 5), np.float64),
        tables=np.empty((len(batch), strokes, entries), np.uint8),
        bases=np.empty(strokes, np.uint64),
        keys=batch.keys,
        epoch=np.uint64(batch.epoch),
        seed=np.uint64(batch.seed),
    )


@functools.cache
def _has_table(kind: type) -> bool:
    return issubclass(kind, LookupTableOp) and not issubclass(kind, NumberedTableOp)


def _write(
    made: Strokes, i: int, op: object, drawn: Draws, rows: np.ndarray | slice, batch: Batch
) -> int:
    assert isinstance(op, PixelwiseOp), op
    applied = op.applied(drawn)
    if applied is False:
        return NOTHING
    numbers: tuple[Any, ...]
    if isinstance(op, BoxOp):
        numbers = op.boxes(drawn, batch.source.height, batch.source.width)
        fill = op.fill_levels(drawn, batch.dataset)
        if isinstance(fill, Noise):
            code = NOISY_BOX
        else:
            code = BOX
            red, green, blue = fill
            numbers = *numbers, red + green * 256 + blue * 65536
    elif isinstance(op, (ImageOp, NumberedTableOp)):
        code, numbers = stroke_of(op), op.numbers(drawn)
    else:
        assert isinstance(op, LookupTableOp), op
        code, numbers = TABLE, ()
        several = max(_AT_ONCE // max(len(batch), 1), 1)
        for first in range(0, 256, several):
            levels = slice(first, first + several)
            table = np.clip(op.table(drawn, _LEVELS[levels]), 0, 255).astype(np.uint8)
            made.tables[rows, i, levels] = table.T
    for place, values in enumerate(numbers):
        made.numbers[rows, i, place] = values
    made.codes[rows, i] = np.where(applied, code, NOTHING)
    return code
