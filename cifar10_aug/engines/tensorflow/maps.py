"""Where the pixels of a pass are read: coordinates through the maps of its warps.

Coordinates are 16.16 fixed-point integers, as in the compiled loop (`kernels.render`).
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import xla_tracing
from cifar10_aug.engines.fixed_point import FARTHEST, FRACTION, ONE, WIDEST_STEP
from cifar10_aug.engines.stages import Pass, Warp
from cifar10_aug.engines.tensorflow import borders, fields
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.pixels import column, crossed, read
from cifar10_aug.engines.tensorflow.tensor_draws import numbers, plus, times, typed, where
from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.base import (
    UNMOVED,
    AffineOp,
    Border,
    Displacement,
    ElasticOp,
    Perspective,
    PerspectiveOp,
)

_HALF = 1 << (FRACTION - 1)
_IDENTITY = Affine(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

# Of a warp: an affine map's two rows, a perspective's eight, or a displacement.
Entries = list[tf.Tensor] | Displacement


def entries(warp: Warp, batch: Batch) -> Entries:
    """What examples draw for a warp, [batch] each."""
    op = warp.steps[0].op
    if isinstance(op, AffineOp):
        return _matrix(warp, batch)
    return (
        _perspective(warp, batch) if isinstance(op, PerspectiveOp) else _displacement(warp, batch)
    )


def places(made: Pass, batch: Batch, drawn: list[Entries]) -> borders.Places:
    """Follows an output pixel through a pass's maps, the recipe's last one first.

    Args:
        made: the pass.
        batch: of which the pixels, keys and size count.
        drawn: `entries` of each warp for these examples.
    """
    at: borders.Places | None = None
    for warp, entry in zip(reversed(made.warps), reversed(drawn), strict=True):
        op = warp.steps[0].op
        if isinstance(op, AffineOp):
            x, y = _spread(entry, warp.border, batch) if at is None else _moved(entry, at)
        else:
            at = at or _unmoved(batch)
            if isinstance(op, PerspectiveOp):
                x, y = _tilted(entry, batch, at)
            else:
                x, y = _displaced(warp, entry, batch, at)
        at = borders.brought_back(warp.border, batch, x, y, () if at is None else at.outside)
    assert at is not None, "a pass with warps"
    return at


def aligned(made: Pass, batch: Batch) -> tuple[tf.Tensor, tf.Tensor, int | None]:
    """Follows whole pixels through a pass whose one map keeps rows and columns.

    Returns:
        Which row each row shows and which column each column, int32 [batch, height] and
        [batch, width], or [1, …] if examples are alike; the number after the last where a constant
        border shows. And that border's packed level; None if it never shows.
    """
    (warp,) = made.warps
    xx, _, x0, _, yy, y0 = _product(warp, batch)
    border = warp.border
    rows, columns = (
        xla_tracing.kept(_line(*line, border.mode))
        for line in ((yy, y0, batch.height), (xx, x0, batch.width))
    )
    return rows, columns, borders.level(border, batch) if border.mode == "constant" else None


def _line(by: Any, start: Any, size: int, mode: str) -> tf.Tensor:
    """Which row or column each one shows, `size` in a constant border: int32 [batch or 1, n]."""
    by, start = (tf.reshape(typed(number, tf.int32), [-1, 1]) for number in (by, start))
    at = by * np.arange(size, dtype=np.int32) + start
    if mode == "constant":
        return tf.where((at < 0) | (at >= size), size, at)
    fixed = tf.bitwise.left_shift(tf.cast(at, tf.int64), FRACTION)
    return tf.bitwise.right_shift(borders.narrow(borders.folded(fixed, size, mode)), FRACTION)


def _grid(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """The columns and rows of all pixels, int32 [height * width]."""
    y, x = np.divmod(np.arange(batch.height * batch.width, dtype=np.int32), np.int32(batch.width))
    return x, y


def _unmoved(batch: Batch) -> borders.Places:
    shape = [batch.count, batch.height * batch.width]
    x, y = (tf.broadcast_to(tf.constant(axis << FRACTION), shape) for axis in _grid(batch))
    return borders.Places(x, y)


def _product(warp: Warp, batch: Batch) -> Affine:
    """An affine warp's one map: float64 [batch], or numbers that all examples have."""
    product: Affine | None = None
    for step in warp.steps:
        assert isinstance(step.op, AffineOp)
        mask, drawn = batch.drawn.taken(step)
        drawn_map = step.op.affine(drawn, batch.height, batch.width)
        pairs = zip(drawn_map, _IDENTITY, strict=True)
        step_map = Affine(*(_unless_masked(mask, *pair) for pair in pairs))
        product = step_map if product is None else step_map.after(product)
    assert product is not None
    return product


def _unless_masked(mask: tf.Tensor | None, entry: Any, unmoved: float) -> Any:
    """An entry of a map; of numbers that are the same for all, there is nothing to compute."""
    if not isinstance(entry, tf.Tensor) and (mask is None or entry == unmoved):
        return float(entry)
    return numbers(entry) if mask is None else where(mask, entry, unmoved)


def _matrix(warp: Warp, batch: Batch) -> list[tf.Tensor]:
    """An affine warp's one map, by rows, two of int64 [batch, 3]; see `passes`."""
    entries = [
        entry if isinstance(entry, tf.Tensor) else tf.fill([batch.count], numbers(entry))
        for entry in _product(warp, batch)
    ]
    # Both rows at once: [2, batch].
    xx, xy, x0 = (tf.stack(pair) for pair in zip(entries[:3], entries[3:], strict=True))
    drawn_in = WIDEST_STEP / tf.maximum(tf.abs(xx) + tf.abs(xy), WIDEST_STEP)
    centre = np.array([[batch.width - 1], [batch.height - 1]]) / 2
    x0 = tf.where(drawn_in < 1.0, centre + times(x0 - centre, drawn_in), x0)
    x0 = tf.clip_by_value(x0, -FARTHEST, FARTHEST)
    both = tf.stack([xx * drawn_in, xy * drawn_in, x0], 2)
    return tf.unstack(xla_tracing.kept(tf.cast(tf.round(both * ONE), tf.int64)))


def _spread(matrix: list[tf.Tensor], border: Border, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    """What a map makes of pixel centres; less whole periods if the border has some."""
    if not borders.period(2, border.mode) and not xla_tracing.compiled():
        # One op for each, exact below 2**53.
        grid = np.stack([*_grid(batch), np.ones(batch.height * batch.width)]) / borders.A_STEP
        x, y = (numbers(row) @ grid for row in matrix)
        return x, y
    columns, rows = np.arange(batch.width), np.arange(batch.height)

    def along(row: tf.Tensor, size: int) -> tf.Tensor:
        by_x, by_y, start = tf.split(row, 3, 1)
        begin, line = by_y * rows + start, by_x * columns
        if period := borders.period(size, border.mode):
            # Few numbers to divide, and small ones to add.
            small = (tf.math.floormod(one, period) - period // 2 for one in (begin, line))
            begin, line = (tf.cast(one, tf.int32) for one in small)
        return crossed(operator.add, begin, line)

    return along(matrix[0], batch.width), along(matrix[1], batch.height)


def _moved(matrix: list[tf.Tensor], at: borders.Places) -> tuple[tf.Tensor, tf.Tensor]:
    (m0, m1, m2), (m3, m4, m5) = (tf.split(row, 3, 1) for row in matrix)
    x, y = tf.cast(borders.fixed(at.x), tf.int64), tf.cast(borders.fixed(at.y), tf.int64)
    right = tf.bitwise.right_shift
    return (
        right(m0 * x + m1 * y + _HALF, FRACTION) + m2,
        right(m3 * x + m4 * y + _HALF, FRACTION) + m5,
    )


def _perspective(warp: Warp, batch: Batch) -> list[tf.Tensor]:
    """Eight of float64 [batch]; see `ops.base.Perspective`."""
    (step,) = warp.steps
    assert isinstance(step.op, PerspectiveOp)
    mask, drawn = batch.drawn.taken(step)
    entries = step.op.perspective(drawn, batch.height, batch.width)
    if mask is not None:
        pairs = zip(entries, UNMOVED, strict=True)
        entries = Perspective(*(where(mask, *pair) for pair in pairs))
    return [tf.broadcast_to(numbers(entry), [batch.count]) for entry in entries]


def _tilted(
    entries: list[tf.Tensor], batch: Batch, at: borders.Places
) -> tuple[tf.Tensor, tf.Tensor]:
    h = [column(entry) for entry in entries]
    one = 1.0 / (1 << FRACTION)
    x, y = numbers(borders.fixed(at.x)) * one, numbers(borders.fixed(at.y)) * one
    depth = plus(times(h[6], x), h[7], y) + 1.0
    # What is at the horizon or beyond it lies farther than any border.
    seen = depth > 1e-6
    depth = tf.where(seen, float(1 << FRACTION) / tf.where(seen, depth, 1.0), 1e12)
    # As `render.horizon`.
    farthest = float(max(batch.height, batch.width, 1024) * 2**21)

    def fixed(value: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.floor(tf.clip_by_value(value, -farthest, farthest) + 0.5), tf.int64)

    return (
        fixed((plus(times(h[0], x), h[1], y) + h[2]) * depth),
        fixed((plus(times(h[3], x), h[4], y) + h[5]) * depth),
    )


def _displacement(warp: Warp, batch: Batch) -> Displacement:
    (step,) = warp.steps
    assert isinstance(step.op, ElasticOp)
    mask, drawn = batch.drawn.taken(step)
    alpha, sigma, widest = step.op.displacement(drawn)
    alpha = alpha if mask is None else where(mask, alpha, 0.0)
    alpha, sigma = (tf.broadcast_to(numbers(one), [batch.count]) for one in (alpha, sigma))
    return Displacement(alpha, sigma, widest)


def _displaced(
    warp: Warp, wanted: Displacement, batch: Batch, at: borders.Places
) -> tuple[tf.Tensor, tf.Tensor]:
    (step,) = warp.steps
    by_x, by_y = fields.smooth(batch.canvas(step), wanted)
    right, at_x, at_y = tf.bitwise.right_shift, borders.fixed(at.x), borders.fixed(at.y)
    x = tf.clip_by_value(right(at_x + _HALF, FRACTION), 0, batch.width - 1)
    y = tf.clip_by_value(right(at_y + _HALF, FRACTION), 0, batch.height - 1)
    pixel = batch.first_pixels + y * batch.width + x
    far_x, far_y = (read(tf.reshape(by, [-1]), pixel) for by in (by_x, by_y))
    return at_x + far_x, at_y + far_y
