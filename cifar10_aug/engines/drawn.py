"""What the ops of a recipe have drawn for a batch of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cifar10_aug.engines.stages import ALWAYS, GATE_BLOCK, GATE_SLOTS, Gate, PlannedOp
from cifar10_aug.ops.base import Op
from cifar10_aug.ops.compound import Choice, ChoiceOp, OneOf, flattened
from cifar10_aug.rng.draws import POSITION_SHIFT, Draws, GivenDraws


class Words(NamedTuple):
    """Random words that follow each other in one place of a recipe.

    Attributes:
        position: in the recipe.
        block: the first of the position's blocks.
        every_epoch: whether they are drawn anew each epoch.
    """

    position: int
    block: int
    every_epoch: bool

    @property
    def counter(self) -> int:
        """The last word of the Philox counter for the first block."""
        return (self.position << POSITION_SHIFT) + self.block


def words_of(ops: Sequence[Op]) -> dict[Words, int]:
    """All random words that an example draws for a recipe, and how many of each."""
    found: dict[Words, int] = {}
    for position, op in enumerate(ops):
        for one in flattened([op]):
            own = Words(position, 0, one.every_epoch)
            found[own] = max(one.slots, found.get(own, 0))
        if isinstance(op, OneOf) or op.coin < 1.0:
            found[Words(position, GATE_BLOCK, True)] = GATE_SLOTS
    return {words: slots for words, slots in found.items() if slots}


class Drawn:
    """The draws of a batch, op by op.

    Attributes:
        epoch: whose they are.
    """

    def __init__(self, words: Any, firsts: Mapping[Words, int], epoch: Any):
        """Takes words [all slots, batch], and the first row of each place's."""
        self._words, self._firsts, self.epoch = words, firsts, epoch
        self._chosen: dict[int, tuple[Draws, Choice]] = {}
        self._masks: dict[tuple[int, Gate], Any] = {}
        self._sorted: dict[int, tuple[Any, Any, list[int]]] = {}

    def draws(self, step: PlannedOp) -> Draws:
        """The step's draws for the whole batch, whichever examples do it."""
        return self._of(Words(step.position, 0, step.every_epoch), step.first_slot, step.slots)

    def _of(self, words: Words, first_slot: int, slots: int) -> Draws:
        return self._drawing(self._rows(words, first_slot, slots))

    def _rows(self, words: Words, first_slot: int, slots: int) -> Any:
        first = self._firsts.get(words, 0) + first_slot
        return self._words[first : first + slots]

    def _drawing(self, words: Any) -> Draws:
        return Draws(words, self.epoch)

    def mask(self, step: PlannedOp) -> Any:
        """The examples whose coin or choice lets the step be done: bool [batch]; None for all."""
        if step.gate == ALWAYS:
            return None
        key = step.position, step.gate
        if key not in self._masks:
            self._masks[key] = step.gate.mask(self.gate_draws(step))
        return self._masks[key]

    def gate_draws(self, step: PlannedOp) -> Draws:
        """What `Gate` decides with."""
        return self._of(Words(step.position, GATE_BLOCK, True), 0, GATE_SLOTS)

    def choice(self, step: PlannedOp) -> tuple[Draws, Choice]:
        """The draws of a step that chooses, and its choice."""
        if id(step) not in self._chosen:
            assert isinstance(step.op, ChoiceOp), step
            drawn = self.draws(step)
            self._chosen[id(step)] = drawn, step.op.choose(drawn)
        return self._chosen[id(step)]

    def taken(self, step: PlannedOp) -> tuple[Any, Draws]:
        """The rows that a step applies to, int64 [n] or None for all, and their draws."""
        mask = self.mask(step)
        if step.chosen_by is None:
            if mask is None:
                return None, self.draws(step)
            rows = np.flatnonzero(mask)
            words = Words(step.position, 0, step.every_epoch)
            return rows, self._drawing(self._rows(words, step.first_slot, step.slots)[:, rows])
        order, values, ends = self._in_order(step.chosen_by)
        part = slice(ends[step.number], ends[step.number + 1])
        rows, value = order[part], values[part]
        if mask is not None:
            kept = mask[rows]
            rows, value = rows[kept], value[kept]
        return rows, GivenDraws(value, self.epoch)

    def order(self, step: PlannedOp) -> Any:
        """The rows sorted by what they have chosen of a step's choices, first none: int64."""
        return self._in_order(step)[0]

    def together(self, step: PlannedOp, number: int) -> tuple[slice, Draws]:
        """Which of `order` have chosen one of a step's choices, and their draws."""
        _, values, ends = self._in_order(step)
        part = slice(ends[number], ends[number + 1])
        return part, GivenDraws(values[part], self.epoch)

    def _in_order(self, step: PlannedOp) -> tuple[Any, Any, list[int]]:
        """The rows sorted by what they have chosen, their numbers, and where each choice begins."""
        if id(step) not in self._sorted:
            assert isinstance(step.op, ChoiceOp), step
            _, choice = self.choice(step)
            # Sorted once: looking for each choice among all rows takes longer. -1 comes first.
            index = choice.index.astype(np.int8)
            order = np.argsort(index, kind="stable")
            ends = np.cumsum(np.bincount(index + np.int8(1), minlength=len(step.op.choices) + 1))
            self._sorted[id(step)] = order, choice.value[order], ends.tolist()
        return self._sorted[id(step)]
