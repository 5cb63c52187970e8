"""Mixes examples, and their labels, with partners from the same slice of a split."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.labels import Partnered, labels_after
from cifar10_aug.engines.stages import Mix, PlannedOp, Smoothing
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.drawing import Drawing, Drawn
from cifar10_aug.engines.tensorflow.philox import lower, upper
from cifar10_aug.engines.tensorflow.pixels import channels, joined
from cifar10_aug.engines.tensorflow.pixelwise import inside
from cifar10_aug.engines.tensorflow.tensor_draws import divide, numbers, times, where
from cifar10_aug.ops.base import Boxes, LabelOp
from cifar10_aug.ops.compound import Mixing, SampleMixOp
from cifar10_aug.rng.draws import SPLIT_NUMBERS, Draws


@dataclasses.dataclass(frozen=True)
class Partners:
    """The examples that partners are drawn from, in the order of their keys.

    Only those that are drawn are looked up, since there may be a whole split of them.

    Attributes:
        count: how many there are, int64 [] or a number.
        rows: of some of them, 0 to count - 1, in the tables; int64 both.
        pixels: packed images by row, int32 [batch, height * width].
        keys: by row, int64 [batch], see `draws.example_keys`.
        labels: by row, float32 [batch, classes].
    """

    count: int | tf.Tensor
    rows: Callable[[tf.Tensor], tf.Tensor]
    pixels: Callable[[tf.Tensor], tf.Tensor]
    keys: Callable[[tf.Tensor], tf.Tensor]
    labels: Callable[[tf.Tensor], tf.Tensor]

    @staticmethod
    def of(pixels: tf.Tensor, keys: tf.Tensor, labels: tf.Tensor) -> Partners:
        """The partners among the examples of a batch, each once, however often it is there."""
        order = tf.argsort(keys, stable=True)
        ordered = tf.gather(keys, order)
        first = tf.concat([[True], ordered[1:] != ordered[:-1]], axis=0)
        # Those that are there again come last, where none is drawn.
        kept = tf.gather(order, tf.argsort(tf.cast(~first, tf.int32), stable=True))
        return Partners(
            count=tf.math.count_nonzero(first),
            rows=lambda places: tf.cast(tf.gather(kept, places), tf.int64),
            pixels=lambda rows: tf.gather(pixels, rows),
            keys=lambda rows: tf.gather(keys, rows),
            labels=lambda rows: tf.gather(labels, rows),
        )


def partners_drawn(drawn: Draws, partners: Partners) -> tf.Tensor:
    """The row of each example's partner: int64 [batch]."""
    rows = partners.rows(drawn.integers(0, 0, partners.count - 1))
    keys = partners.keys(rows)
    drawn.name("partner", lower(keys))
    drawn.name("partnersplit", drawn.take(list(SPLIT_NUMBERS), upper(keys)))
    return rows


def boxes_and_shares(mix: Mix, drawn: Drawn, size: tuple[int, int]) -> Mixing:
    """How examples and partners are mixed, whichever of the ops an example does."""
    made = Mixing(Boxes(0, 0, 0, 0), 0.0)
    for step in mix.steps:
        assert isinstance(step.op, SampleMixOp)
        mixing, mask = step.op.mixing(drawn.draws(step), *size), drawn.mask(step)
        if mask is None:
            return mixing
        sides = (where(mask, *pair) for pair in zip(mixing.boxes, made.boxes, strict=True))
        shrunk = (mask & mixing.shrunk) | made.shrunk
        made = Mixing(Boxes(*sides), where(mask, mixing.share, made.share), shrunk)
    return made


def mixed(mixing: Mixing, batch: Batch, others: tf.Tensor) -> tf.Tensor:
    """Shows others' pixels in a box of each image; rounds once."""
    if mixing.shrunk is not False:
        shrunk = tf.broadcast_to(mixing.shrunk, [batch.count])[:, None]
        others = tf.where(shrunk, _squeezed(mixing.boxes, batch, others), others)
    share = tf.round(numbers(mixing.share) * 65536.0)
    own = tf.broadcast_to(tf.cast(share, tf.int32), [batch.count])[:, None]
    made = []
    for mine, theirs in zip(channels(batch.pixels), channels(others), strict=True):
        total = mine * own + theirs * (65536 - own) + 32768
        made.append(tf.bitwise.right_shift(total, 16))
    return tf.where(inside(mixing.boxes, batch), joined(*made), batch.pixels)


def _squeezed(boxes: Boxes, batch: Batch, others: tf.Tensor) -> tf.Tensor:
    """The whole of each image where its box is, by the nearest pixel."""
    top, left, bottom, right = (tf.broadcast_to(side, [batch.count])[:, None] for side in boxes)

    def along(first: tf.Tensor, stop: tf.Tensor, size: int) -> tf.Tensor:
        places = tf.range(size, dtype=tf.int64)[None] - first
        # Empty boxes show nothing.
        there = places * size // tf.maximum(stop - first, 1)
        return tf.clip_by_value(there, 0, size - 1)

    y, x = along(top, bottom, batch.height), along(left, right, batch.width)
    pixel = y[:, :, None] * batch.width + x[:, None, :]
    return tf.gather(others, tf.reshape(pixel, [batch.count, -1]), batch_dims=1)


def smoothed(labels: tf.Tensor, step: PlannedOp, drawn: Drawn) -> tf.Tensor:
    """Labels, float32 [batch, classes], after an op on labels alone."""
    assert isinstance(step.op, LabelOp)
    kept, mask = np.float32(step.op.kept()), drawn.mask(step)
    rest = (np.float32(1) - kept) / np.float32(labels.shape[1])
    made = times(labels, kept) + rest
    return made if mask is None else tf.where(mask[:, None], made, labels)


def labels(
    stages: list[Mix | Smoothing],
    drawing: Drawing,
    size: tuple[int, int],
    own: tf.Tensor,
    keys: tf.Tensor,
    epoch: tf.Tensor,
    partners: Partners | None,
) -> tf.Tensor:
    """The labels of examples after some stages; arguments as in `numba.mixing.labels`."""

    def partner(stage: Mix, keys: tf.Tensor) -> Partnered:
        assert partners is not None, "a recipe that mixes is given partners"
        drawn = drawing.of(keys, epoch)
        chosen = partners_drawn(drawn.draws(stage.steps[0]), partners)
        share = _share(boxes_and_shares(stage, drawn, size), tf.shape(keys), size)
        return Partnered(share, partners.labels(chosen), partners.keys(chosen))

    def smooth(labels: tf.Tensor, step: PlannedOp, keys: tf.Tensor) -> tf.Tensor:
        return smoothed(labels, step, drawing.of(keys, epoch))

    return labels_after(stages, own, keys, smooth, partner, times)


def _share(mixing: Mixing, shape: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Of each example's own label, float32 [batch, 1]."""
    top, left, bottom, right = (tf.cast(side, tf.int64) for side in mixing.boxes)
    areas = numbers((bottom - top) * (right - left))
    own = 1.0 - divide((1.0 - numbers(mixing.share)) * areas, float(size[0] * size[1]))
    return tf.cast(tf.broadcast_to(own, shape), tf.float32)[:, None]
