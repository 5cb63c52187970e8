"""Runs a pass: from the parameters of its ops to pixels."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.fixed_point import FARTHEST, ONE, WIDEST_STEP
from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    AFFINE,
    BORDERS,
    EDGE,
    FIELD,
    PERSPECTIVE,
    Keys,
    Output,
    Warps,
)
from cifar10_aug.engines.numba.pixelwise import strokes_of
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.engines.stages import Pass, Warp
from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.base import UNMOVED, AffineOp, Border, ElasticOp, PerspectiveOp


def run(
    made: Pass,
    batch: Batch,
    kind: int,
    scale: np.ndarray,
    offset: np.ndarray,
    target: Target,
) -> None:
    """Reads a batch and writes what the pass makes of it.

    Args:
        made: the pass.
        batch: the images, and what they have drawn.
        kind: PACKED, LEVELS, FLOATS or FRACTIONS; see `pass_arguments`.
        scale, offset: float32 [3], for FLOATS.
        target: arrays of the kind's dtype, together as long as the batch.
    """
    from cifar10_aug.engines.numba.kernels.render import render

    source, epoch, seed = batch.source, np.uint64(batch.epoch), np.uint64(batch.seed)
    warps, strokes = _warps(made, batch), strokes_of(made.strokes, batch)
    for part, out in target.parts():
        images = source.images(batch.rows[part])
        pixels = out.reshape(len(out), out.size // max(len(out), 1))
        output = Output(kind, target.channels_first, scale, offset, pixels)
        keys = Keys(batch.keys[part], epoch, seed)
        render(images, warps.of(part), strokes.of(part), keys, output)


def _warps(made: Pass, batch: Batch) -> Warps:
    """A pass's maps, as the kernel reads them."""
    count, height, width = len(batch), batch.source.height, batch.source.width
    # An output pixel meets the recipe's last op first.
    warps = made.warps[::-1]
    kinds = [_kind(warp) for warp in warps]
    tilted = len(warps) if PERSPECTIVE in kinds else 0
    displaced = len(warps) if FIELD in kinds else 0
    matrices = np.zeros((count, len(warps), 6), np.int64)
    perspectives = np.zeros((count, tilted, 8), np.float64)
    fields = np.zeros((count, displaced, 2, height * width), np.int32)
    for i, warp in enumerate(warps):
        if kinds[i] == AFFINE:
            matrices[:, i] = _matrix(warp, batch)
        elif kinds[i] == PERSPECTIVE:
            _write_perspective(warp, batch, perspectives[:, i])
        else:
            _write_field(warp, batch, fields, i)
    return Warps(
        np.array(kinds, np.int64),
        matrices,
        perspectives,
        fields,
        np.array([_border(warp.border) for warp in warps], np.int64),
        np.array([_level(warp.border, batch) for warp in warps], np.uint32),
        made.pixel_aligned,
    )


def _border(border: Border) -> int:
    return EDGE if border.mode == "constant" and border.reach else BORDERS[border.mode]


def _level(border: Border, batch: Batch) -> int:
    red, green, blue = border.colour(batch.dataset)
    return red + green * 256 + blue * 65536


def _kind(warp: Warp) -> int:
    kinds = {AffineOp: AFFINE, PerspectiveOp: PERSPECTIVE, ElasticOp: FIELD}
    return next(kind for of, kind in kinds.items() if isinstance(warp.steps[0].op, of))


def _matrix(warp: Warp, batch: Batch) -> np.ndarray:
    """An affine warp's one map, 16.16 fixed point, int64 [batch, 6]."""
    height, width = batch.source.height, batch.source.width
    product: Affine | None = None
    for step in warp.steps:
        assert isinstance(step.op, AffineOp)
        rows, drawn = batch.drawn.taken(step)
        step_map = step.op.affine(drawn, height, width)
        if rows is not None:
            step_map = _of_rows(step_map, rows, len(batch))
        product = step_map if product is None else step_map.after(product)
    assert product is not None
    matrix = np.empty((6, len(batch)), np.float64)
    for entry, values in enumerate(product):
        matrix[entry] = values
    return _fixed_point(matrix, height, width)


def _of_rows(made: Affine, rows: np.ndarray, count: int) -> Affine:
    """A map of some examples as one of all, which leaves the others where they are."""
    entries = []
    for values, unmoved in zip(made, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), strict=True):
        entry = np.full(count, unmoved)
        entry[rows] = values
        entries.append(entry)
    return Affine(*entries)


def _fixed_point(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """float64 [6, batch] as int64 [batch, 6]; too wide maps are drawn in about the centre."""
    axes = matrix.reshape(2, 3, matrix.shape[1])
    steps, shifts = axes[:, :2], axes[:, 2]
    widest = np.abs(steps).sum(axis=1)
    if widest.max(initial=0.0) > WIDEST_STEP:
        drawn_in = WIDEST_STEP / np.maximum(widest, WIDEST_STEP)
        centres = np.array([[width - 1], [height - 1]]) / 2
        steps *= drawn_in[:, None]
        drawn = centres + (shifts - centres) * drawn_in
        np.copyto(shifts, drawn, where=drawn_in < 1.0)
    np.minimum(np.maximum(shifts, -FARTHEST, out=shifts), FARTHEST, out=shifts)
    matrix *= ONE
    return np.rint(matrix, out=matrix).astype(np.int64).T


def _write_perspective(warp: Warp, batch: Batch, out: np.ndarray) -> None:
    (step,) = warp.steps
    assert isinstance(step.op, PerspectiveOp)
    rows, drawn = batch.drawn.taken(step)
    out[:] = UNMOVED
    entries = step.op.perspective(drawn, batch.source.height, batch.source.width)
    for i, values in enumerate(entries):
        out[slice(None) if rows is None else rows, i] = values


def _write_field(warp: Warp, batch: Batch, out: np.ndarray, place: int) -> None:
    from cifar10_aug.engines.numba.kernels import fields

    (step,) = warp.steps
    assert isinstance(step.op, ElasticOp)
    wanted = step.op.displacement(batch.drawn.draws(step))
    sigma = np.array(np.broadcast_to(wanted.sigma, len(batch)), np.float64)
    alpha = np.array(np.broadcast_to(wanted.alpha, len(batch)), np.float64)
    mask = batch.drawn.mask(step)
    if mask is not None:
        alpha[~mask] = 0.0
    canvas = batch.canvas(step)
    fields.smooth(canvas, gaussians.weights(sigma, wanted.widest), alpha, out, place)
