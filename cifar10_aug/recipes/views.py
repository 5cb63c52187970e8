"""Names of recipes that make several views of each example, such as weak and strong ones.

    views   := recipe [ "-v" COUNT ] | recipe { "--" recipe }

What a recipe is, `grammar` knows.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import Op
from cifar10_aug.ops.base import LabelOp
from cifar10_aug.ops.compound import SampleMixOp, flattened
from cifar10_aug.recipes import grammar
from cifar10_aug.recipes.grammar import quote, spelled
from cifar10_aug.rng.draws import MOST_VIEWS

_BETWEEN = "--"
# A function of the user's may be called v2, and be one of several: flip-or-v2.
_COUNTED = re.compile(r"(.*)(?<!-or)-v([0-9]{1,9})", re.DOTALL)


class View(NamedTuple):
    """What an image is made into.

    Attributes:
        name: the normalised spelling of the recipe.
        ops: of the recipe, presets spelled out.
    """

    name: str
    ops: tuple[Op, ...]


def parse(name: str) -> tuple[str, list[View]]:
    """The normalised spelling of a name, and its views, one if it is a recipe alone.

    Raises:
        RecipeError: naming what was wrong, what is allowed and the closest match.
    """
    grammar.check_text(name)
    if _BETWEEN in name:
        views = [_parse_one(text, name) for text in name.split(_BETWEEN)]
        spelling = _BETWEEN.join(view.name for view in views)
    elif counted := _COUNTED.fullmatch(name):
        count = int(counted[2])
        if count < 2:
            raise RecipeError(
                f"{quote(name)}: write -v2 or more, or for one view the recipe without -v{count}"
            )
        view = _view(counted[1], name)
        # One too many is as wrong as a billion.
        views, spelling = [view] * min(count, MOST_VIEWS + 1), f"{view.name}-v{count}"
    else:
        view = _view(name, name)
        return view.name, [view]
    _check(views, name)
    return spelling, views


def _parse_one(text: str, name: str) -> View:
    if not text:
        raise RecipeError(
            f"{quote(name)}: a recipe is missing before or after --; plain is the clean image"
        )
    if counted := _COUNTED.fullmatch(text):
        raise RecipeError(
            f"{quote(name)}: -v repeats a recipe that stands alone; between --, write each view "
            f"out, such as {quote(_BETWEEN.join([counted[1]] * 2))}"
        )
    return _view(text, name)


def _view(recipe: str, name: str) -> View:
    *early, _ = recipe.split("+")
    for token in early:
        if counted := _COUNTED.fullmatch(token):
            raise RecipeError(
                f"{quote(token)} in recipe {quote(name)}: -v{counted[2]} counts views of a whole "
                "recipe; put it at the end, after the last op"
            )
    return View(*grammar.parse(recipe, name))


def _check(views: list[View], name: str) -> None:
    if len(views) > MOST_VIEWS:
        raise RecipeError(
            f"{quote(name)} has too many views; an element holds all of them, {MOST_VIEWS} at most"
        )
    for op in flattened(op for view in views for op in view.ops):
        if isinstance(op, SampleMixOp):
            raise RecipeError(
                f"{quote(name)}: {op.name} mixes examples, and views are of one example; leave out "
                f"{op.name}, or ask for one view"
            )
    first, *others = views
    for view in others:
        ours, theirs = _shared(first), _shared(view)
        if ours != theirs:
            raise RecipeError(
                f"{quote(name)}: all views have one range of pixels and one label, and "
                f"{quote(first.name)} has {ours or 'nothing'} for them where {quote(view.name)} "
                f"has {theirs or 'nothing'}; give all views the same"
            )


def _shared(view: View) -> str:
    """The ops that set what all views of an example have in common."""
    ops = (op for op in view.ops if op.value_range or _smooths(op))
    return "+".join(sorted(map(spelled, ops)))


def _smooths(op: Op) -> bool:
    return any(isinstance(one, LabelOp) for one in flattened([op]))
