"""What the ops of a recipe have drawn for a batch of examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.ops.compound import Choice, ChoiceOp
from cifar10_aug.rng.draws import Draws, GivenDraws


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
