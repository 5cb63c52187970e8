"""The maps of a pass, as the kernel reads them: from the parameters of geometric ops."""

from __future__ import annotations

import importlib
from typing import NamedTuple

import numpy as np

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.fixed_point import FARTHEST, ONE, WIDEST_STEP
from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    AFFINE,
    ALIGNED,
    BLEND,
    BORDERS,
    CHAINED,
    CONSTANT,
    DISPLACE,
    EDGE,
    FIELD,
    FOLD,
    GENERAL,
    IDENTITY,
    NEAR,
    NEAREST,
    OUTSIDE,
    PERSPECTIVE,
    REFLECTED,
    SLANTED,
    STACKED,
    TILT,
    TILTED,
    Warps,
)
from cifar10_aug.engines.numba.methods import methods
from cifar10_aug.engines.stages import Pass, Warp, one_of
from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.base import UNMOVED, AffineOp, Border, ElasticOp, PerspectiveOp

# The affine map that leaves an image as it is.
_STAYING = Affine(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_ALL = slice(None)
# Where ways are that few recipes need.
_MODULES = {"chains": {CHAINED, STACKED}, "slants": {SLANTED}}


def needed(ways: set[int], warps: Warps) -> set[int]:
    """The functions that some ways to resample images need."""
    found = ways - {IDENTITY}
    for module, ways_there in _MODULES.items():
        if found & ways_there:
            importlib.import_module(f"cifar10_aug.engines.numba.kernels.{module}")
    if STACKED in found:
        found.add(ALIGNED)
    if ALIGNED in found and not {CONSTANT, EDGE}.issuperset(warps.borders.tolist()):
        found.add(FOLD)
    if found & {NEAR, REFLECTED, TILTED, CHAINED, GENERAL}:
        found.add(BLEND)
    if NEAR in found and (warps.borders != NEAREST).any():
        found.add(OUTSIDE)
    if REFLECTED in found:
        found.add(GENERAL)
    if GENERAL in found:
        kinds = warps.kinds.tolist()
        of_kinds = ((PERSPECTIVE, TILT), (FIELD, DISPLACE))
        found.update(number for kind, number in of_kinds if kind in kinds)
    return found


def warps(made: Pass, batch: Batch, displaced: int) -> Warps:
    """A pass's maps, as the kernel reads them, with room for the fields of `displaced` examples."""
    if len(made.warps) == 1 and batch.can_tabulate(made.warps[0].steps):
        (warp,) = made.warps
        table: Warps = batch.tabulated(warp.steps, lambda outcomes: _warps(made, outcomes, 0))
        return table.of(batch.drawn.outcome(warp.steps[0]))
    return _warps(made, batch, displaced)


def _warps(made: Pass, batch: Batch, displaced: int) -> Warps:
    count, height, width = len(batch), batch.source.height, batch.source.width
    # An output pixel meets the recipe's last op first.
    met = made.warps[::-1]
    kinds = [_kind(warp) for warp in met]
    tilted = len(met) if PERSPECTIVE in kinds else 0
    entries = np.zeros((len(met), 6, count), np.int64)
    perspectives = np.zeros((count, tilted, 8), np.float64)
    for i, warp in enumerate(met):
        if kinds[i] == AFFINE:
            entries[i] = _entries(warp, batch)
        elif kinds[i] == PERSPECTIVE:
            _write_perspective(warp, batch, perspectives[:, i])
    return Warps(
        np.array(kinds, np.int64),
        np.ascontiguousarray(entries.transpose(2, 0, 1)),
        perspectives,
        np.empty((displaced, len(met) if displaced else 0, 2, height * width), np.int32),
        np.array([_border(warp.border) for warp in met], np.int64),
        np.array([_level(warp.border, batch) for warp in met], np.uint32),
        *methods(met, entries, (height, width)),
    )


def _border(border: Border) -> int:
    return EDGE if border.mode == "constant" and border.reach else BORDERS[border.mode]


def _level(border: Border, batch: Batch) -> int:
    red, green, blue = border.colour(batch.dataset)
    return red + green * 256 + blue * 65536


def _kind(warp: Warp) -> int:
    kinds = {AffineOp: AFFINE, PerspectiveOp: PERSPECTIVE, ElasticOp: FIELD}
    return next(kind for of, kind in kinds.items() if isinstance(warp.steps[0].op, of))


def _entries(warp: Warp, batch: Batch) -> np.ndarray:
    """An affine warp's one map, 16.16 fixed point, int64 [6, batch]."""
    if batch.can_tabulate(warp.steps):
        table = batch.tabulated(warp.steps, lambda outcomes: _entries(warp, outcomes))
        return np.take(table, batch.drawn.outcome(warp.steps[0]), axis=1)
    height, width = batch.source.height, batch.source.width
    matrix = np.empty((6, len(batch)), np.float64)
    product: Affine | None = None
    written, alone = False, one_of(warp.steps)
    for step in warp.steps:
        assert isinstance(step.op, AffineOp)
        rows, drawn = batch.drawn.taken(step)
        made = step.op.affine(drawn, height, width)
        if rows is None:
            product, written = made if product is None else made.after(product), False
            continue
        if not written:
            # Others go where the maps so far take them.
            _write(product or _STAYING, matrix)
            product, written = Affine(*matrix), True
        _write(made if alone else made.after(Affine(*matrix[:, rows])), matrix, rows)
    assert product is not None
    if not written:
        _write(product, matrix)
    return fixed_point(matrix, height, width)


def _write(made: Affine, matrix: np.ndarray, rows: np.ndarray | slice = _ALL) -> None:
    for entry, values in enumerate(made):
        matrix[entry, rows] = values


def fixed_point(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """float64 [6, batch] as int64; too wide maps are drawn in about the centre."""
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
    return np.rint(matrix, out=matrix).astype(np.int64)


def _write_perspective(warp: Warp, batch: Batch, out: np.ndarray) -> None:
    (step,) = warp.steps
    assert isinstance(step.op, PerspectiveOp)
    rows, drawn = batch.drawn.taken(step)
    out[:] = UNMOVED
    entries = step.op.perspective(drawn, batch.source.height, batch.source.width)
    for i, values in enumerate(entries):
        out[slice(None) if rows is None else rows, i] = values


class Field(NamedTuple):
    """How a warp displaces the pixels of a batch.

    Attributes:
        canvas: keys the noise.
        weights: float64 [batch, radius + 1], of the Gaussian that makes it smooth.
        alphas: float64 [batch], in pixels.
    """

    canvas: Canvas
    weights: np.ndarray
    alphas: np.ndarray

    def write(self, rows: slice | np.ndarray, out: np.ndarray, place: int) -> None:
        """Writes the displacements of some examples to the first of `out`; see `fields.smooth`."""
        from cifar10_aug.engines.numba.kernels.fields import smooth

        canvas = self.canvas._replace(keys=self.canvas.keys[rows])
        smooth(canvas, self.weights[rows], self.alphas[rows], out, place)


def fields(made: Pass, batch: Batch) -> dict[int, Field]:
    """The fields of a pass, by the places of their warps among the kernel's."""
    found = {}
    for place, warp in enumerate(made.warps[::-1]):
        step = warp.steps[0]
        if not isinstance(step.op, ElasticOp):
            continue
        wanted = step.op.displacement(batch.drawn.draws(step))
        sigma = np.array(np.broadcast_to(wanted.sigma, len(batch)), np.float64)
        alpha = np.array(np.broadcast_to(wanted.alpha, len(batch)), np.float64)
        mask = batch.drawn.mask(step)
        if mask is not None:
            alpha[~mask] = 0.0
        weights = gaussians.weights(sigma, wanted.widest)
        found[place] = Field(batch.canvas(step), weights, alpha)
    return found
