"""Boxes painted on images, and tables that make other levels of levels."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import xla_tracing
from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.pixels import (
    as_levels,
    channels,
    column,
    crossed,
    joined,
    read,
    read_own,
)
from cifar10_aug.engines.tensorflow.tensor_draws import TensorDraws, typed
from cifar10_aug.ops.base import BoxOp, LookupTableOp, Noise, PixelwiseOp

_LEVELS = np.arange(256.0)[:, None]


def painted(steps: tuple[PlannedOp, ...], batch: Batch) -> tf.Tensor:
    """The pixels of a batch after one stroke, of whose steps each example does at most one."""
    pixels, tables = batch.pixels, None
    for step in steps:
        mask, drawn = batch.drawn.taken(step)
        op = step.op
        assert isinstance(op, PixelwiseOp), op
        mask = both(mask, op.applied(drawn))
        if isinstance(op, BoxOp):
            pixels = _boxed(op, step, drawn, mask, batch, pixels)
            continue
        assert isinstance(op, LookupTableOp), op
        table = as_levels(op.table(drawn, tf.constant(_LEVELS)))
        # Tables are fewer numbers to choose among than pixels.
        others = tf.constant(_LEVELS, tf.int32) if tables is None else tables
        tables = table if mask is None else tf.where(mask, table, others)
    return pixels if tables is None else _looked_up(tables, pixels)


def both(mask: Any, applied: Any) -> Any:
    """Examples that are in both masks, bool [batch]; None and True are all of them."""
    if mask is None:
        return None if applied is True else applied
    return mask if applied is True else mask & applied


def chosen(mask: Any, yes: tf.Tensor, no: tf.Tensor) -> tf.Tensor:
    """The pixels of examples in a mask from `yes`, others from `no`."""
    return yes if mask is None else tf.where(column(mask), yes, no)


def inside(boxes: Any, batch: Batch) -> tf.Tensor:
    """Which pixels lie in an example's box: bool [batch, height * width], or [1, …] if alike."""
    top, left, bottom, right = (tf.reshape(typed(side, tf.int64), [-1, 1]) for side in boxes)
    y, x = np.arange(batch.height), np.arange(batch.width)
    rows, columns = (y >= top) & (y < bottom), (x >= left) & (x < right)
    return crossed(operator.and_, rows, columns)


def _boxed(
    op: BoxOp, step: PlannedOp, drawn: TensorDraws, mask: Any, batch: Batch, pixels: tf.Tensor
) -> tf.Tensor:
    where = inside(op.boxes(drawn, batch.height, batch.width), batch)
    if mask is not None:
        where &= column(mask)
    fill = op.fill_levels(drawn, batch.dataset)
    if isinstance(fill, Noise):
        return tf.where(where, _noise(step, batch), pixels)
    return tf.where(where, tf.reshape(typed(joined(*fill), tf.int32), [-1, 1]), pixels)


def _noise(step: PlannedOp, batch: Batch) -> tf.Tensor:
    size = batch.height * batch.width
    words = batch.canvas(step).noise(np.arange(-(-size // 4)))
    levels = tf.bitwise.bitwise_and(tf.stack(words, -1), 0xFFFFFF)
    return tf.cast(tf.reshape(levels, [batch.count, -1])[:, :size], tf.int32)


def _looked_up(tables: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """Replaces levels by tables of all examples, int32 [256, batch], or by one, [256, 1]."""
    if tables.shape[1] == 1:
        return joined(*(read(tables[:, 0], channel) for channel in channels(pixels)))
    levels = xla_tracing.kept(tf.transpose(tables))
    return joined(*(read_own(levels, channel) for channel in channels(pixels)))
