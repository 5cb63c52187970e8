"""What the ops of a recipe draw for a batch of examples, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines import drawn
from cifar10_aug.engines.drawn import Words, words_of
from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.engines.tensorflow.philox import philox
from cifar10_aug.engines.tensorflow.tensor_draws import GivenTensorDraws, TensorDraws, where
from cifar10_aug.ops.base import Op


class Drawing:
    """The random words of a recipe with one seed, for any batch and epoch."""

    def __init__(self, ops: Sequence[Op], seed: int):
        self.seed = seed
        self._firsts: dict[Words, int] = {}
        counters: list[int] = []
        every_epoch: list[bool] = []
        for words, slots in words_of(ops).items():
            self._firsts[words] = 4 * len(counters)
            blocks = -(-slots // 4)
            counters += [words.counter + block for block in range(blocks)]
            every_epoch += [words.every_epoch] * blocks
        self._counters = np.array(counters, np.int64)[:, None]
        self._every_epoch = np.array(every_epoch, np.int64)[:, None]

    def of(self, keys: tf.Tensor, epoch: tf.Tensor) -> Drawn:
        """What examples draw.

        Args:
            keys: int64 [batch], as `draws.example_keys` makes them.
            epoch: int64 [].
        """
        if not len(self._counters):
            return Drawn([], {}, epoch)
        words = philox(keys[None], epoch * self._every_epoch, self._counters, self.seed)
        count = len(self._counters)
        lanes = [tf.unstack(lane, count) for lane in words]
        rows = [lanes[lane][block] for block in range(count) for lane in range(4)]
        return Drawn(rows, self._firsts, epoch)


class Drawn(drawn.Drawn):
    """The draws of a batch, op by op; its words are int64 [batch] each."""

    def _drawing(self, words: Any) -> TensorDraws:
        return TensorDraws(words, self.epoch)

    def taken(self, step: PlannedOp) -> tuple[tf.Tensor | None, Any]:
        """The rows a step applies to, bool [batch] or None for all, and draws for the whole batch.

        Examples that do another step draw 0 where one chooses for them.
        """
        mask = self.mask(step)
        if step.chosen_by is None:
            return mask, self.draws(step)
        _, choice = self.choice(step.chosen_by)
        chosen = tf.equal(choice.index, step.number)
        chosen = chosen if mask is None else chosen & mask
        return chosen, GivenTensorDraws(where(chosen, choice.value, 0.0), self.epoch)
