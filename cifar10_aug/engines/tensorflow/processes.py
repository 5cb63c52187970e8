"""The processes that run as a graph, by the names that ops give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.engines.tensorflow import (
    blurs,
    colours,
    digital,
    filters,
    grid,
    intensity,
    noises,
    weather,
)
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.pixelwise import both, chosen
from cifar10_aug.engines.tensorflow.tensor_draws import numbers
from cifar10_aug.ops.base import ImageOp

PROCESSES: dict[str, Callable[..., tf.Tensor]] = {
    "contrast": intensity.contrast,
    "autocontrast": intensity.autocontrast,
    "equalize": intensity.equalize,
    "channelshift": intensity.channel_shift,
    "rgbshift": intensity.rgb_shift,
    "saturation": colours.saturate,
    "hue": colours.turn_hue,
    "channelshuffle": colours.shuffle_channels,
    "sharpness": filters.sharpen,
    "blur": filters.blur,
    "noise": noises.add_normal,
    "saltpepper": noises.whiten_or_blacken,
    "saltandpepper": noises.salt_and_pepper,
    "channelcontrast": intensity.channel_contrast,
    "value": colours.brighten,
    "fog": weather.fog,
    "frost": weather.frost,
    "photons": noises.count_photons,
    "defocus": blurs.defocus,
    "frostedglass": blurs.frost_glass,
    "motion": blurs.move,
    "snow": weather.snow,
    "gridmask": grid.mask_grid,
    "pixelate": digital.pixelate,
}


def processed(step: PlannedOp, batch: Batch) -> tf.Tensor:
    """The pixels of a batch after a process."""
    op = step.op
    assert isinstance(op, ImageOp), op
    mask, drawn = batch.drawn.taken(step)
    given = [_column(number, batch) for number in op.numbers(drawn)]
    made = PROCESSES[op.process](batch.canvas(step), *given)
    return chosen(both(mask, op.applied(drawn)), made, batch.pixels)


def _column(number: Any, batch: Batch) -> Any:
    """What examples draw as float64 [batch, 1]; a constant as it is."""
    return numbers(number)[:, None] if isinstance(number, tf.Tensor) else float(number)
