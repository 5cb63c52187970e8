"""Runs a pass: from the parameters of its ops to pixels."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.fixed_point import FARTHEST, ONE, WIDEST_STEP
from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    AFFINE,
    ALIGNED,
    BORDERS,
    DISPLACE,
    EDGE,
    FIELD,
    GENERAL,
    NEAR,
    PERSPECTIVE,
    PLANES,
    TILT,
    UNPACKED,
    Keys,
    Output,
    Scratch,
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
    from cifar10_aug.engines.numba.kernels.render import render, slack
    from cifar10_aug.engines.numba.kernels.separate import ADDRESSES, need

    source, epoch, seed = batch.source, np.uint64(batch.epoch), np.uint64(batch.seed)
    warps, (strokes, codes) = _warps(made, batch), strokes_of(made.strokes, batch)
    writer = PLANES[kind] if target.channels_first else kind
    need(writer, *codes, *_needed(warps), *([UNPACKED] if source.stored else []))
    scratch = Scratch.of(source.height * source.width, slack(source.width))
    for part, out in target.parts():
        if not len(out):
            continue
        images = source.images(batch.rows[part])
        output = Output(writer, scale, offset, out.reshape(len(out), -1).view(np.uint8))
        keys = Keys(batch.keys[part], epoch, seed)
        asked = images, warps.of(part), strokes.of(part), keys, output, scratch, ADDRESSES
        if not render(*asked):
            need(GENERAL)
            render(*asked)


def _needed(warps: Warps) -> list[int]:
    """The functions that maps need; that a matrix is too large for NEAR is seen later."""
    kinds = warps.kinds.tolist()
    if not kinds:
        return []
    maps = [number for kind, number in ((PERSPECTIVE, TILT), (FIELD, DISPLACE)) if kind in kinds]
    return [warps.quick, *maps]


def _quick(made: Pass, kinds: list[int]) -> int:
    """What is tried to resample an image."""
    if made.pixel_aligned:
        return ALIGNED
    if kinds == [AFFINE] and made.warps[0].border.mode == "nearest":
        return NEAR
    return GENERAL


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
        _quick(made, kinds),
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
    for row, size in ((0, width), (3, height)):
        xx, xy, x0 = matrix[row : row + 3]
        drawn_in = WIDEST_STEP / np.maximum(np.abs(xx) + np.abs(xy), WIDEST_STEP)
        centre = (size - 1) / 2
        matrix[row] = xx * drawn_in
        matrix[row + 1] = xy * drawn_in
        x0 = np.where(drawn_in < 1.0, centre + (x0 - centre) * drawn_in, x0)
        matrix[row + 2] = np.clip(x0, -FARTHEST, FARTHEST)
    return np.rint(matrix * ONE).astype(np.int64).T


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
