"""The stages of a plan: what an engine does one after the other."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cifar10_aug.ops.base import AffineOp, Border, Op
from cifar10_aug.rng.draws import POSITION_SHIFT, Draws

# Noise counters start after the blocks that an op's own draws use.
_FIRST_NOISE_BLOCK = 256


# The block of words, of those of an op's position in the recipe, that decides whether it is done:
# after its own words, before its noise.
GATE_BLOCK = 255
GATE_SLOTS = 2


@dataclasses.dataclass(frozen=True)
class Gate:
    """What decides whether an op is done to an example.

    Attributes:
        p: how often; a coin that is not among the op's own words.
        number, of: which this is of how many ops, one of which is chosen.
    """

    p: float = 1.0
    number: int = 0
    of: int = 1

    def mask(self, draws: Draws) -> Any:
        """The examples that it lets pass: bool [batch].

        Args:
            draws: the words of `GATE_BLOCK`: the coin, and what is chosen.
        """
        tossed = draws.chance(0, self.p)
        return tossed if self.of == 1 else tossed & (self.chosen(draws) == self.number)

    def chosen(self, draws: Draws) -> Any:
        """Which of the ops each example does: int64 [batch]."""
        return draws.integers(1, 0, self.of - 1)


ALWAYS = Gate()


@dataclasses.dataclass(frozen=True)
class PlannedOp:
    """An op and where its random words are.

    Attributes:
        position: in the recipe, which is part of the key of the draws.
        op: the op, or a part of one.
        first_slot: the place of its first word among those of the position.
        slots: how many it sees.
        every_epoch: whether it draws anew each epoch, as the recipe's op says.
        chosen_by: the op that chooses whether this one is done; None if it always is.
        number: of this one among the choices.
        gate: what decides whether it is done at all.
    """

    position: int
    op: Op
    first_slot: int
    slots: int
    every_epoch: bool = True
    chosen_by: PlannedOp | None = None
    number: int = 0
    gate: Gate = ALWAYS

    @property
    def first_noise_block(self) -> np.uint64:
        """The last word of the Philox counter for its first block of noise."""
        position = np.uint64(self.position) << np.uint64(POSITION_SHIFT)
        return position + np.uint64(_FIRST_NOISE_BLOCK)


def one_of(steps: Sequence[PlannedOp]) -> bool:
    """Whether steps are choices of one op, so that each example does at most one of them."""
    by = steps[0].chosen_by
    return by is not None and all(step.chosen_by is by for step in steps)


@dataclasses.dataclass(frozen=True)
class Warp:
    """Geometric ops that make one map, in the recipe's order, and their common border.

    Either all of them are affine, or there is only one. Multiplying them hides nothing that doing
    them one by one would not: each example does at most one that can leave the image.
    """

    border: Border
    steps: tuple[PlannedOp, ...]

    @functools.cached_property
    def pixel_aligned(self) -> bool:
        """Whether its map takes pixel centres to pixel centres."""
        ops = (step.op for step in self.steps)
        return all(isinstance(op, AffineOp) and op.pixel_aligned for op in ops)


@dataclasses.dataclass(frozen=True)
class Pass:
    """One reading of the images.

    Attributes:
        warps: in the recipe's order; empty if the pass only copies.
        strokes: what is painted afterwards, in order; of the steps of one stroke, each example
            gets at most one.
        pixel_aligned: whether every map takes pixel centres to pixel centres.
    """

    warps: tuple[Warp, ...]
    strokes: tuple[tuple[PlannedOp, ...], ...]

    @property
    def pixel_aligned(self) -> bool:
        return len(self.warps) <= 1 and all(warp.pixel_aligned for warp in self.warps)

    @property
    def steps(self) -> tuple[PlannedOp, ...]:
        """All that it does, in order, as every stage has them."""
        warped = (step for warp in self.warps for step in warp.steps)
        return (*warped, *(step for stroke in self.strokes for step in stroke))


@dataclasses.dataclass(frozen=True)
class Process:
    """A process op, on separate images."""

    step: PlannedOp

    @property
    def steps(self) -> tuple[PlannedOp, ...]:
        return (self.step,)


@dataclasses.dataclass(frozen=True)
class Mixture:
    """A mixture op, and what makes each of its versions."""

    step: PlannedOp
    branches: tuple[tuple[Stage, ...], ...]

    @property
    def steps(self) -> tuple[PlannedOp, ...]:
        stages = (stage for branch in self.branches for stage in branch)
        return (self.step, *(step for stage in stages for step in stage.steps))


@dataclasses.dataclass(frozen=True)
class Mix:
    """Mix ops of which each example does at most one.

    Their partners, the same for all of them, are what the stages before it make of those.
    """

    steps: tuple[PlannedOp, ...]


@dataclasses.dataclass(frozen=True)
class PythonCalls:
    """Functions of the user's that follow each other, in the recipe's order."""

    steps: tuple[PlannedOp, ...]


@dataclasses.dataclass(frozen=True)
class Smoothing:
    """An op on labels, which leaves images alone."""

    step: PlannedOp

    @property
    def steps(self) -> tuple[PlannedOp, ...]:
        return (self.step,)


Stage = Pass | Process | Mixture | Mix | Smoothing | PythonCalls
