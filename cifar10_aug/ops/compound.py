"""The kinds of op that are made of other ops, or of other examples."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

from cifar10_aug.ops.base import Boxes, Op
from cifar10_aug.rng.draws import Draws


@dataclasses.dataclass(frozen=True)
class OneOf(Op):
    """Exactly one of some ops, all equally likely, for each example.

    All see the same words, since an example does only one of them.

    Attributes:
        ops: to choose from; none of them sets the range of pixels.
    """

    name: ClassVar[str] = "or"

    ops: tuple[Op, ...]

    @property
    def slots(self) -> int:  # type: ignore[override]
        return max(op.slots for op in self.ops)


def flattened(ops: Iterable[Op]) -> Iterator[Op]:
    """Ops, and those that are chosen among in place of the choice."""
    for op in ops:
        yield from op.ops if isinstance(op, OneOf) else (op,)


class SequenceOp(Op):
    """An op that does several others, one after the other.

    Attributes:
        shares_words: whether every part sees all of the op's words, counted from the first; else
            each part has its own, one after the other.
    """

    shares_words: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def parts(self) -> tuple[Op, ...]:
        """The others; if they have their own words, their slots add up to this op's."""


class Choice(NamedTuple):
    """What is chosen for each example.

    Attributes:
        index: int64 [batch], the number of the choice, or -1 for none.
        value: float64 [batch], the number that the chosen op would draw by itself.
    """

    index: Any
    value: Any


class ChoiceOp(Op):
    """An op that does at most one of several others to each example.

    It decides for them: the chosen op is applied, and the number it draws, if any, is given.
    """

    @property
    @abc.abstractmethod
    def choices(self) -> tuple[Op, ...]:
        """The others; those that move pixels are affine and have the same border."""

    @abc.abstractmethod
    def choose(self, draws: Draws) -> Choice:
        """Which is done, and how strongly."""


class FiniteChoiceOp(ChoiceOp):
    """A choice of few outcomes, each an op with its number, so that engines can tabulate them."""

    @property
    @abc.abstractmethod
    def outcomes(self) -> Choice:
        """All that can be drawn, among it doing nothing: NumPy arrays [outcomes]."""

    @abc.abstractmethod
    def outcome(self, draws: Draws) -> Any:
        """Which of them each example has drawn: int64 [batch]."""

    def choose(self, draws: Draws) -> Choice:
        outcome = self.outcome(draws)
        return Choice(*(draws.take(values, outcome) for values in self.outcomes))


class WeightedSumOp(Op):
    """An op that lays several versions of an image over each other."""

    @property
    def branch_slots(self) -> int | None:
        """How many of the op's words each branch has, one after the other, if all are alike.

        The first branch, with the words of another one, then makes what that one makes.
        """
        return None

    @property
    @abc.abstractmethod
    def branches(self) -> tuple[Op, ...]:
        """What makes each version; all see all of the op's words."""

    @abc.abstractmethod
    def weights(self, draws: Draws) -> tuple[Any, ...]:
        """Of the image itself and of each version: numbers or arrays [batch] that add up to 1."""


class Mixing(NamedTuple):
    """How much of its partner an example shows.

    Attributes:
        boxes: where.
        share: of the example's own image there, 0 to 1: float64 [batch].
        shrunk: whether the whole partner is resized into the box, by the nearest pixel; else the
            box shows the part of the partner in the same place. A bool, or bool [batch].
    """

    boxes: Boxes
    share: Any
    shrunk: Any = False


class SampleMixOp(Op):
    """An op that mixes each example and its label with those of another.

    The first of its words chooses the partner, evenly among the examples of the slice of the split
    that is read. Labels become shares of classes, float32 [10], on every split.
    """

    @abc.abstractmethod
    def mixing(self, draws: Draws, height: int, width: int) -> Mixing:
        """How examples and partners are mixed; labels follow the areas."""
