"""Runs the processes of a graph."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from cifar10_aug.engines.processes import process
from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.chunks import in_chunks
from cifar10_aug.engines.tensorflow.pixelwise import both, chosen
from cifar10_aug.engines.tensorflow.tensor_draws import numbers
from cifar10_aug.ops.base import ImageOp


def processed(step: PlannedOp, batch: Batch) -> tf.Tensor:
    """The pixels of a batch after a process."""
    op = step.op
    assert isinstance(op, ImageOp), op
    mask, drawn = batch.drawn.taken(step)
    applied = op.applied(drawn)
    if applied is False:
        return batch.pixels
    mask = both(mask, applied)
    given = [_column(number, batch) for number in op.numbers(drawn)]
    canvas, made = batch.canvas(step), process("tensorflow", op.process)

    def run(pixels: tf.Tensor, keys: tf.Tensor, mask: Any, given: list[Any]) -> tf.Tensor:
        some = dataclasses.replace(canvas, pixels=pixels, keys=keys)
        return chosen(mask, made(some, *given), pixels)

    return in_chunks(run, batch.at_once, batch.pixels, batch.keys, mask, given)


def _column(number: Any, batch: Batch) -> Any:
    """What examples draw as float64 [batch, 1]; a constant as it is."""
    if not isinstance(number, tf.Tensor):
        return float(number)
    return tf.broadcast_to(numbers(number), [batch.count])[:, None]
