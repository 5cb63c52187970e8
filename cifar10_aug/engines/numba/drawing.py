"""What the ops of a recipe draw for a batch of examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.ops.base import Op
from cifar10_aug.ops.compound import Choice, ChoiceOp
from cifar10_aug.rng.draws import Draws, GivenDraws


class Drawing:
    """The random words of a recipe with one seed, for any batch and epoch."""

    def __init__(self, ops: tuple[Op, ...], seed: int):
        drawing = [(position, op) for position, op in enumerate(ops) if op.slots]
        self.seed = np.uint64(seed)
        self._positions = np.array([position for position, _ in drawing], np.int64)
        self._slots = np.array([op.slots for _, op in drawing], np.int64)
        self._every_epoch = np.array([op.every_epoch for _, op in drawing], bool)
        firsts = np.cumsum(self._slots) - self._slots
        self._firsts = dict(zip(self._positions.tolist(), firsts.tolist(), strict=True))

    def of(self, keys: np.ndarray, epoch: int) -> Drawn:
        """What examples draw; their keys are uint64 [batch], see `draws.example_keys`."""
        if not len(self._slots):
            return Drawn(np.empty((0, len(keys)), np.uint32), {}, epoch)
        from cifar10_aug.engines.numba.kernels import philox as words

        epochs = np.where(self._every_epoch, np.uint64(epoch), np.uint64(0))
        drawn = words.draw_words(keys, epochs, self.seed, self._positions, self._slots)
        return Drawn(drawn, self._firsts, epoch)


class Drawn:
    """The draws of a batch, op by op."""

    def __init__(self, words: Any, firsts: dict[int, int], epoch: Any):
        """Takes words [all slots, batch], and the first row of each position."""
        self._words, self._firsts, self._epoch = words, firsts, epoch
        self._chosen: dict[int, tuple[Draws, Choice]] = {}

    def draws(self, step: PlannedOp) -> Draws:
        """The step's draws for the whole batch, whichever examples do it."""
        first = self._firsts.get(step.position, 0) + step.first_slot
        return Draws(self._words[first : first + step.slots], self._epoch)

    def choice(self, step: PlannedOp) -> tuple[Draws, Choice]:
        """The draws of a step that chooses, and its choice."""
        if id(step) not in self._chosen:
            assert isinstance(step.op, ChoiceOp), step
            drawn = self.draws(step)
            self._chosen[id(step)] = drawn, step.op.choose(drawn)
        return self._chosen[id(step)]

    def taken(self, step: PlannedOp) -> tuple[Any, Draws]:
        """The rows that a step applies to, int64 [n] or None for all, and their draws."""
        if step.chosen_by is None:
            return None, self.draws(step)
        _, choice = self.choice(step.chosen_by)
        rows = np.flatnonzero(choice.index == step.number)
        return rows, GivenDraws(choice.value[rows], self._epoch)
