"""Lays versions of images over each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.kernels.pass_arguments import Scratch
from cifar10_aug.engines.numba.maps import fixed_point
from cifar10_aug.engines.numba.methods import UNMOVED
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.numba.turns import TURN
from cifar10_aug.engines.stages import Mixture, Pass, Stage
from cifar10_aug.ops.base import AffineOp
from cifar10_aug.ops.compound import WeightedSumOp

_Through = Callable[[tuple[Stage, ...], Batch], Batch]


def lay(stage: Mixture, batch: Batch, through: _Through) -> None:
    """Makes packed images sums of versions of them, in place.

    Args:
        stage: the versions, and what weighs them.
        batch: the images.
        through: what returns a batch after some stages.
    """
    from cifar10_aug.engines.numba.kernels import blends

    source, weights = batch.source, _weights(stage, batch)
    maps = [_resizing(branch, batch) for branch in stage.branches]
    if all(found is not None for found in maps):
        _lay_resized(np.array([UNMOVED, *maps]), weights, source)
        return
    versions = source.packed, *_versions(stage, batch, through)
    with TURN.left():
        blends.lay(versions, weights, source.packed)


def _lay_resized(maps: np.ndarray, weights: np.ndarray, source: Source) -> None:
    """Lays resized images over themselves: int64 [1 + versions, 6], the image itself first."""
    from cifar10_aug.engines.numba.kernels import blends
    from cifar10_aug.engines.numba.kernels.render import slack

    (xx, _, x0, _, yy, y0), size = maps.T, (source.height, source.width)
    columns, rows = _places(xx, x0, source.width), _places(yy, y0, source.height)
    kept = (maps == UNMOVED).all(axis=1)
    same = np.append(False, (maps[1:] == maps[:-1]).all(axis=1))
    scratch = Scratch.of(source.height * source.width, slack(source.width))
    with TURN.left():
        blends.lay_resized(columns, rows, kept, same, weights, size, scratch, source.pixels)


def _versions(stage: Mixture, batch: Batch, through: _Through) -> Iterator[np.ndarray]:
    """What the branches make of a batch: uint32 [batch, pixels] each."""
    op, count = stage.step.op, len(stage.branches)
    assert isinstance(op, WeightedSumOp)
    if op.branch_slots is None:
        for branch in stage.branches:
            yield through(branch, batch).source.packed
        return
    # At once, since what is worked out for a batch costs much the same for a larger one.
    several = dataclasses.replace(
        batch,
        rows=np.tile(batch.rows, count),
        keys=np.tile(batch.keys, count),
        drawn=batch.drawn.of_branches(stage.step, op.branch_slots, count),
    )
    yield from np.split(through(stage.branches[0], several).source.packed, count)


def _weights(stage: Mixture, batch: Batch) -> np.ndarray:
    """Of each image and its versions: float32 [1 + versions, batch]."""
    op, mask = stage.step.op, batch.drawn.mask(stage.step)
    assert isinstance(op, WeightedSumOp)
    made = np.empty((1 + len(stage.branches), len(batch)), np.float32)
    for i, weight in enumerate(op.weights(batch.drawn.draws(stage.step))):
        made[i] = weight if mask is None else np.where(mask, weight, float(i == 0))
    return made


def _resizing(branch: tuple[Stage, ...], batch: Batch) -> np.ndarray | None:
    """The map of a branch that only resizes, all images alike: int64 [6], 16.16 fixed point."""
    match branch:
        case (Pass(warps=(warp,), strokes=()),) if warp.border.mode == "nearest":
            height, width = batch.source.height, batch.source.width
            (step, *more), op = warp.steps, warp.steps[0].op
            if more or step.chosen_by or not isinstance(op, AffineOp):
                return None
            affine = op.affine(batch.drawn.draws(step), height, width)
            if (
                all(isinstance(entry, float | int) for entry in affine)
                and affine.xy == affine.yx == 0
            ):
                return fixed_point(np.array(affine, np.float64)[:, None], height, width)[:, 0]
    return None


def _places(steps: np.ndarray, shifts: np.ndarray, size: int) -> np.ndarray:
    """Where maps read an axis with the nearest border: int64 [maps, size], 16.16 fixed point."""
    places = steps[:, None] * np.arange(size) + shifts[:, None]
    return np.ascontiguousarray(np.clip(places, 0, (size - 1) << FRACTION))
