"""A batch of examples on its way through the graph of a recipe."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.engines.tensorflow.drawing import Drawn
from cifar10_aug.engines.tensorflow.philox import philox
from cifar10_aug.engines.tensorflow.pixels import column
from cifar10_aug.rng.draws import CARRY_SHIFT, POSITION_SHIFT

if TYPE_CHECKING:
    from cifar10_aug.data.spec import DatasetSpec


@dataclasses.dataclass(frozen=True)
class Batch:
    """Examples, and what they have drawn.

    Attributes:
        pixels: int32 [batch, height * width], packed; see `pixels`.
        height, width: of each image.
        keys: int64 [batch], see `draws.example_keys`.
        epoch: int64 [].
        seed: 0 to 2**64 - 1.
        drawn: by the recipe's ops.
        dataset: whose images they are.
        at_once: whether all of them are worked on at once; see `chunks`.
    """

    pixels: tf.Tensor
    height: int
    width: int
    keys: tf.Tensor
    epoch: tf.Tensor
    seed: int
    drawn: Drawn
    dataset: DatasetSpec
    at_once: bool

    @property
    def count(self) -> int | tf.Tensor:
        """The number of examples; int32 [] if the graph does not know it."""
        known = self.keys.shape[0]
        return tf.shape(self.keys)[0] if known is None else known

    @property
    def first_pixels(self) -> tf.Tensor:
        """Where examples begin if all pixels are in one line, int32 [batch, 1]."""
        count, size = self.count, self.height * self.width
        if isinstance(count, int):
            return tf.constant(size * np.arange(count, dtype=np.int32)[:, None])
        return column(size * tf.range(count))

    def with_pixels(self, pixels: tf.Tensor) -> Batch:
        return dataclasses.replace(self, pixels=pixels)

    def canvas(self, step: PlannedOp) -> Canvas:
        """The images as a step's process sees them."""
        epoch = self.epoch if step.every_epoch else tf.zeros_like(self.epoch)
        first_block = int(step.first_noise_block)
        return Canvas(
            self.pixels, self.height, self.width, self.keys, epoch, self.seed, first_block
        )


@dataclasses.dataclass(frozen=True)
class Canvas:
    """What a process works on: packed images, and what keys its noise.

    Attributes:
        pixels, height, width, keys, epoch, seed: as in `Batch`.
        first_block: the Philox counter's last word for the first block of noise.
    """

    pixels: tf.Tensor
    height: int
    width: int
    keys: tf.Tensor
    epoch: tf.Tensor
    seed: int
    first_block: int

    def noise(self, blocks: np.ndarray) -> tuple[tf.Tensor, ...]:
        """Four random words for each block of each image's noise: int64 [batch, blocks] each."""
        position = self.first_block >> POSITION_SHIFT << POSITION_SHIFT
        counted = self.first_block - position + blocks.astype(np.int64)
        carried = counted >> POSITION_SHIFT
        keys = self.keys[:, None]
        if carried.any():
            keys += carried[None] << CARRY_SHIFT
        counters = position + (counted & ((1 << POSITION_SHIFT) - 1))
        return philox(keys, self.epoch, counters[None], self.seed)
