"""What the ops of a recipe draw for a batch of examples, as tensors."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from cifar10_aug.engines import drawn
from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.engines.tensorflow.philox import philox
from cifar10_aug.engines.tensorflow.tensor_draws import GivenTensorDraws, TensorDraws, where
from cifar10_aug.ops.base import Op
from cifar10_aug.rng.draws import POSITION_SHIFT


class Drawing:
    """The random words of a recipe with one seed, for any batch and epoch."""

    def __init__(self, ops: tuple[Op, ...], seed: int):
        self.seed = seed
        self._first_blocks: dict[int, int] = {}
        counters: list[int] = []
        every_epoch: list[bool] = []
        for position, op in enumerate(ops):
            self._first_blocks[position] = len(counters)
            blocks = -(-op.slots // 4)
            counters += [(position << POSITION_SHIFT) + block for block in range(blocks)]
            every_epoch += [op.every_epoch] * blocks
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
        lanes = [tf.unstack(tf.broadcast_to(lane, [count, tf.size(keys)]), count) for lane in words]
        rows = [lanes[lane][block] for block in range(count) for lane in range(4)]
        return Drawn(rows, {place: 4 * block for place, block in self._first_blocks.items()}, epoch)


class Drawn(drawn.Drawn):
    """The draws of a batch, op by op; its words are int64 [batch] each."""

    def draws(self, step: PlannedOp) -> TensorDraws:
        """The step's draws for the whole batch, whichever examples do it."""
        first = self._firsts.get(step.position, 0) + step.first_slot
        return TensorDraws(self._words[first : first + step.slots], self._epoch)

    def taken(self, step: PlannedOp) -> tuple[tf.Tensor | None, TensorDraws]:
        """The rows a step applies to, bool [batch] or None for all, and draws for the whole batch.

        Examples that do another step draw 0.
        """
        if step.chosen_by is None:
            return None, self.draws(step)
        _, choice = self.choice(step.chosen_by)
        mask = tf.equal(choice.index, step.number)
        return mask, GivenTensorDraws(where(mask, choice.value, 0.0), self._epoch)
