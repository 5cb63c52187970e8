"""Runs the processes of a graph."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from cifar10_aug.engines.processes import process
from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.pixelwise import both, chosen
from cifar10_aug.engines.tensorflow.tensor_draws import numbers
from cifar10_aug.ops.base import ImageOp


def processed(step: PlannedOp, batch: Batch) -> tf.Tensor:
    """The pixels of a batch after a process."""
    op = step.op
    assert isinstance(op, ImageOp), op
    mask, drawn = batch.drawn.taken(step)
    given = [_column(number, batch) for number in op.numbers(drawn)]
    made = process("tensorflow", op.process)(batch.canvas(step), *given)
    return chosen(both(mask, op.applied(drawn)), made, batch.pixels)


def _column(number: Any, batch: Batch) -> Any:
    """What examples draw as float64 [batch, 1]; a constant as it is."""
    return numbers(number)[:, None] if isinstance(number, tf.Tensor) else float(number)
