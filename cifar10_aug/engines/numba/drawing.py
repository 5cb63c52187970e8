"""The random words of a recipe, drawn by the compiled loop."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from cifar10_aug.engines import drawn
from cifar10_aug.engines.drawn import Words, words_of
from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.ops.base import Op
from cifar10_aug.ops.compound import Choice, FiniteChoiceOp
from cifar10_aug.rng import elementary
from cifar10_aug.rng.draws import Draws

# So many words an example that more is compiled for what they become.
_MANY_WORDS = 8


def _polynomial(coefficients: tuple[float, ...], x: Any) -> np.ndarray:
    from cifar10_aug.engines.numba.kernels import series

    x = np.asarray(x, np.float64)
    made = np.empty(x.shape)
    series.horner(_array(coefficients), np.ravel(x), made.reshape(-1))
    return made


@functools.cache
def _array(coefficients: tuple[float, ...]) -> np.ndarray:
    return np.array(coefficients)


class CompiledDraws(Draws):
    """Draws whose power series are compiled loops, to the same bits."""

    functions: ClassVar[elementary.Functions] = elementary.NUMPY._replace(polynomial=_polynomial)


class FasterDraws(CompiledDraws):
    """Draws whose functions are compiled loops as a whole, which takes longer to compile."""

    def sine_cosine(self, degrees: Any) -> tuple[Any, Any]:
        from cifar10_aug.engines.numba.kernels import series

        degrees = np.asarray(degrees, np.float64)
        sine, cosine = np.empty((2, *degrees.shape))
        series.sine_cosine(degrees.reshape(-1), sine.reshape(-1), cosine.reshape(-1))
        return sine, cosine

    def exponential(self, x: Any) -> Any:
        from cifar10_aug.engines.numba.kernels import series

        x = np.asarray(x, np.float64)
        made = np.empty(x.shape)
        series.exponential(x.reshape(-1), made.reshape(-1), np.empty(x.size, np.uint64))
        return made

    def logarithm(self, x: Any) -> Any:
        if isinstance(x, int | float):
            return super().logarithm(x)
        from cifar10_aug.engines.numba.kernels import series

        bits = np.asarray(x, np.float64).reshape(-1).view(np.uint64)
        made = np.empty(bits.size)
        series.logarithm(bits, made, np.empty_like(bits))
        return made.reshape(np.shape(x))


class Drawn(drawn.Drawn):
    """The draws of a batch, op by op.

    Attributes:
        mixed: how it is mixed, by the stages' identities; see `mixing.mixed`.
    """

    def __init__(self, words: Any, firsts: Mapping[Words, int], epoch: Any):
        """See the base class."""
        super().__init__(words, firsts, epoch)
        self.mixed: dict[int, Any] = {}
        self._outcomes: dict[int, np.ndarray] = {}
        self._shared: dict[tuple[Words, int, int], dict[Any, Any]] = {}

    def _of(self, words: Words, first_slot: int, slots: int) -> Draws:
        made = super()._of(words, first_slot, slots)
        made.shared = self._shared.setdefault((words, first_slot, slots), made.shared)
        return made

    def _drawing(self, words: Any) -> Draws:
        kind = FasterDraws if len(self._words) >= _MANY_WORDS else CompiledDraws
        return kind(words, self.epoch)

    def outcome(self, step: PlannedOp) -> np.ndarray:
        """Which outcome of a `FiniteChoiceOp` each example has drawn: int64 [batch].

        Args:
            step: one of the choices; where its coin says no, the outcome is to do nothing.
        """
        by = step.chosen_by
        assert by is not None
        assert isinstance(by.op, FiniteChoiceOp), step
        if id(by) not in self._outcomes:
            made, mask = by.op.outcome(self.draws(by)), self.mask(step)
            if mask is not None:
                made = np.where(mask, made, np.flatnonzero(by.op.outcomes.index < 0)[0])
            self._outcomes[id(by)] = made
        return self._outcomes[id(by)]

    def followed_by(self, other: Drawn) -> Drawn:
        """What two batches of an epoch have drawn as one, the other's examples last."""
        words = np.concatenate([self._words, other._words], axis=1)
        return Drawn(words, self._firsts, self.epoch)

    def of_branches(self, step: PlannedOp, slots: int, count: int) -> Drawn:
        """What a step's branches have drawn as one, if they are alike; each has so many words."""
        words = Words(step.position, 0, step.every_epoch)
        own = self._rows(words, step.first_slot, slots * count)
        each = own.reshape(count, slots, -1).transpose(1, 0, 2).reshape(slots, -1)
        return Drawn(each, {words: -step.first_slot}, self.epoch)


class OfOutcomes(Drawn):
    """As if each example had drawn one of a choice's outcomes, in order."""

    def __init__(self) -> None:
        super().__init__(np.empty((0, 0), np.uint32), {}, 0)

    def mask(self, step: PlannedOp) -> None:
        return None

    def choice(self, step: PlannedOp) -> tuple[Draws, Choice]:
        assert isinstance(step.op, FiniteChoiceOp), step
        return self.draws(step), step.op.outcomes


class Drawing:
    """The random words of a recipe with one seed, for any batch and epoch."""

    def __init__(self, ops: Sequence[Op], seed: int):
        found = words_of(ops)
        self.seed = np.uint64(seed)
        self._counters = np.array([words.counter for words in found], np.uint64)
        self._latest = threading.local()
        self._slots = np.array(list(found.values()), np.int64)
        self._count = int(self._slots.sum())
        self._every_epoch = np.array([words.every_epoch for words in found], bool)
        self._firsts = dict(
            zip(found, (np.cumsum(self._slots) - self._slots).tolist(), strict=True)
        )

    def kept(self, keys: np.ndarray, epoch: int) -> Drawn:
        """As `of`, which each thread keeps until the next: labels are asked for after images."""
        latest: tuple[np.ndarray, Drawn] | None = getattr(self._latest, "made", None)
        if latest is None or latest[1].epoch != epoch or not np.array_equal(latest[0], keys):
            latest = self._latest.made = keys, self.of(keys, epoch)
        return latest[1]

    def of(self, keys: np.ndarray, epoch: int) -> Drawn:
        """What examples draw; their keys are uint64 [batch], see `draws.example_keys`."""
        if not len(self._slots):
            return Drawn(np.empty((0, len(keys)), np.uint32), {}, epoch)
        from cifar10_aug.engines.numba.kernels import philox

        epochs = np.where(self._every_epoch, np.uint64(epoch), np.uint64(0))
        words = np.empty((self._count + 3, len(keys)), np.uint32)
        draw = philox.draw_words if self._count < _MANY_WORDS else philox.draw_many_words
        draw(keys, epochs, self.seed, self._counters, self._slots, words)
        return Drawn(words[: self._count], self._firsts, epoch)
