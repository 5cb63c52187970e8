"""The columns of a contact sheet: epochs or steps of a recipe, and partners of mixed examples."""

from __future__ import annotations

import dataclasses
import itertools
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cifar10_aug.data.images import LabelledImages
from cifar10_aug.ops.policy_space import IDENTITY
from cifar10_aug.ops.values import Rescale
from cifar10_aug.recipes.grammar import spelled
from cifar10_aug.recipes.recipe import Recipe

# Of what is written under a picture, in characters.
_LONGEST_LINE = 30


class Column(NamedTuple):
    """One picture for each row of a sheet.

    Attributes:
        heading: the text above it.
        images: uint8 [n, height, width, 3].
        texts: what is written under each picture, [n].
        shown: bool [n], which rows have a picture.
    """

    heading: str
    images: np.ndarray
    texts: Sequence[str]
    shown: np.ndarray


@dataclasses.dataclass(frozen=True)
class Shown:
    """Examples, and how a recipe augments them.

    Attributes:
        recipe: what to show.
        pool: uint8 images [n, height, width, 3] and labels [n], examples 0, 1, 2, …, each other's
            partners.
        count: how many of them are shown.
        seed: of the draws.
        label_names: the classes of the labels.
        view: which of several views of the examples.
    """

    recipe: Recipe
    pool: LabelledImages
    count: int
    seed: int = 0
    label_names: Sequence[str] = ()
    view: int = 0

    @property
    def images(self) -> np.ndarray:
        """Those shown, uint8 [count, height, width, 3]."""
        return self.pool.images[: self.count]

    def originals(self) -> Column:
        """The images as they are."""
        return self._column("original", self.images, [""] * self.count)

    def epochs(self, count: int, explain: bool) -> Iterator[Column]:
        """What epochs 0, 1, 2, … show, each after the partners that it is mixed with."""
        last = len(self.recipe.ops)
        for epoch in range(count):
            log = self._log(epoch)
            for position in range(last):
                yield from self._partners(position, epoch, log)
            texts = explained(log, self.count) if explain else [""] * self.count
            yield self._column(f"epoch {epoch}", self.levels(epoch), texts)

    def steps(self) -> Iterator[Column]:
        """The images of epoch 0 after each op in turn, with what it has drawn."""
        log = self._log(epoch=0)
        for position, heading in enumerate(_headings(self.recipe)):
            if self.recipe.ops[position].value_range:
                continue
            yield from self._partners(position, 0, log)
            own = {key: log[key] for key in log if key.startswith(f"{position}.")}
            made = self._made(range(self.count), position + 1, 0)
            yield self._column(heading, made, explained(own, self.count))

    def levels(self, epoch: int) -> np.ndarray:
        """What an epoch shows: uint8 [n, height, width, 3]."""
        return self._made(range(self.count), len(self.recipe.ops), epoch)

    def _column(self, heading: str, images: np.ndarray, texts: list[str]) -> Column:
        return Column(heading, images, texts, np.ones(self.count, bool))

    def _made(self, numbers: Sequence[int] | np.ndarray, ops: int, epoch: int) -> np.ndarray:
        """Levels of some examples after the first ops of the recipe.

        Ops that set the range of numbers make no colours. One that is easily undone is put in their
        place, since an op's draws depend on its position.
        """
        kept = tuple(Rescale() if op.value_range else op for op in self.recipe.ops[:ops])
        recipe = dataclasses.replace(self.recipe, ops=kept)
        made = recipe(
            self.pool.images[np.asarray(numbers)],
            ids=numbers,
            seed=self.seed,
            epoch=epoch,
            view=self.view,
            partners=(self.pool.images, None, range(len(self.pool))) if recipe.mixes else None,
        )
        return made if made.dtype == np.uint8 else np.rint(made * 255).astype(np.uint8)

    def _log(self, epoch: int) -> dict[str, np.ndarray]:
        height, width = self.images.shape[1:3]
        return self.recipe.parameters(
            range(self.count),
            seed=self.seed,
            epoch=epoch,
            view=self.view,
            height=height,
            width=width,
            partners=range(len(self.pool)) if self.recipe.mixes else None,
        )

    def _partners(self, position: int, epoch: int, log: dict[str, np.ndarray]) -> Iterator[Column]:
        """The partners of an op that mixes, as the ops before it have made them."""
        by_op = _by_op(log)
        numbers = np.full(self.count, -1)
        for op, drawn in by_op.items():
            if "partner" in drawn and op.startswith(f"{position}."):
                mixed = [_is_mixed(op, by_op, i) for i in range(len(numbers))]
                numbers = np.where(mixed, drawn["partner"], numbers)
        if (numbers < 0).all():
            return
        shown = numbers >= 0
        some = np.where(shown, numbers, 0)
        made = self._made(some, position, epoch)
        names = [self.label_names[int(label)] for label in self.pool.labels[some]]
        texts = [f"#{n} {name}" if n >= 0 else "" for n, name in zip(numbers, names, strict=True)]
        yield Column("partner", made, texts, shown)


def one_below_the_other(of_views: Sequence[Sequence[Column]]) -> list[Column]:
    """The columns of several views of the same examples, with a row for each view."""
    blank = np.zeros_like(of_views[0][0].images)
    none = Column("", blank, [""] * len(blank), np.zeros(len(blank), bool))
    return [
        Column(
            " / ".join(dict.fromkeys(one.heading for one in columns if one.heading)),
            np.stack([one.images for one in columns], axis=1).reshape(-1, *blank.shape[1:]),
            [text for texts in zip(*(one.texts for one in columns), strict=True) for text in texts],
            np.stack([one.shown for one in columns], axis=1).ravel(),
        )
        for columns in itertools.zip_longest(*of_views, fillvalue=none)
    ]


def _headings(recipe: Recipe) -> Iterator[str]:
    """Each op as the recipe's name spells it, or as its preset does."""
    for token in recipe.name.split("+"):
        ops = Recipe.parse(token).ops
        yield from [token] if len(ops) == 1 else map(spelled, ops)


def explained(log: dict[str, np.ndarray], count: int) -> list[str]:
    """For each example a line an op: its name, and the names and values of what it has drawn."""
    by_op = _by_op(log)
    return [
        "\n".join(
            line
            for op, drawn in by_op.items()
            if _is_done(op, by_op, i)
            for line in textwrap.wrap(
                _line(op.split(".", 1)[1], {name: values[i] for name, values in drawn.items()}),
                _LONGEST_LINE,
                subsequent_indent="  ",
            )
        )
        for i in range(count)
    ]


def _by_op(log: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """What each op has drawn, by the op's position and name, then by parameter."""
    by_op: dict[str, dict[str, np.ndarray]] = {}
    for key, values in log.items():
        op, name = key.rsplit(".", 1)
        by_op.setdefault(op, {})[name] = values
    return by_op


def _is_done(op: str, by_op: dict[str, dict[str, np.ndarray]], i: int) -> bool:
    """Whether it is what an example does, where it is one of several."""
    position, name = op.split(".", 1)
    choice = by_op.get(f"{position}.or")
    return choice is None or name == "or" or name.split(".")[0] == choice["op"][i]


def _is_mixed(op: str, by_op: dict[str, dict[str, np.ndarray]], i: int) -> bool:
    """Whether an op that mixes shows something of its partner."""
    drawn = by_op[op]
    applied = "applied" not in drawn or bool(drawn["applied"][i])
    empty = "top" in drawn and bool(
        drawn["top"][i] >= drawn["bottom"][i] or drawn["left"][i] >= drawn["right"][i]
    )
    return applied and not empty and _is_done(op, by_op, i)


def _line(op: str, drawn: dict[str, Any]) -> str:
    shown = [f"{name} {text}" for name, value in drawn.items() if (text := _shown(value))]
    return f"{op}: {', '.join(shown)}" if shown else op


def _shown(value: Any) -> str:
    if isinstance(value, np.bool_):
        return "yes" if value else "no"
    if isinstance(value, str):
        return "" if value == IDENTITY else str(value)
    if isinstance(value, np.integer):
        return str(value)
    # NaN is a number that an op does not take.
    return "" if np.isnan(value) else f"{value:.2f}"
