"""The log of what a recipe draws, for people to read and to replay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cifar10_aug.engines.arguments import checked, chosen_view, keys_of
from cifar10_aug.engines.drawn import Drawn
from cifar10_aug.engines.numba import mixing
from cifar10_aug.engines.numba.drawing import Drawing
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.plan import Plan
from cifar10_aug.ops.base import (
    AffineOp,
    BoxOp,
    ElasticOp,
    ImageOp,
    LabelOp,
    LookupTableOp,
    PerspectiveOp,
)
from cifar10_aug.ops.compound import ChoiceOp, SampleMixOp, WeightedSumOp, flattened
from cifar10_aug.ops.python_op import PythonOp
from cifar10_aug.rng import draws
from cifar10_aug.rng.draws import Draws


def of(
    plan: Plan,
    ids: Any,
    *,
    seed: int,
    epoch: int,
    view: int | None,
    height: int,
    width: int,
    partners: Any,
) -> dict[str, np.ndarray]:
    """What `Recipe.parameters` returns; see there."""
    plan, of_view = chosen_view(view, plan)
    if plan.views:
        asked = {"seed": seed, "epoch": epoch, "height": height, "width": width}
        return {
            f"view{number}.{name}": values
            for number in range(len(plan.views))
            for name, values in of(plan, ids, view=number, partners=partners, **asked).items()
        }
    seed = checked("seed", seed, draws.SEED_LIMIT)
    epoch = checked("epoch", epoch, draws.EPOCH_LIMIT)
    keys = _keys(ids)
    among = keys if partners is None else _keys(partners)
    if plan.mixes and len(keys) and not len(among):
        raise ValueError("partners are empty; give the ids of at least one example")
    pool = Partners.of(Source.empty(0, height, width), np.arange(len(among)), among, None)

    def draw_partners(drawn: Draws) -> None:
        if len(keys):
            mixing.partners_drawn(drawn, pool)

    drawn = Drawing(plan.ops, seed).of(keys + of_view, epoch)
    return {
        name: np.broadcast_to(np.asarray(values), keys.shape).copy()
        for name, values in named(plan, drawn, height, width, draw_partners)
    }


def named(
    plan: Plan, drawn: Drawn, height: int, width: int, draw_partners: Callable[[Draws], object]
) -> Iterator[tuple[str, Any]]:
    """The parameters of all ops, by position, op and name, as a recipe's draws have them.

    Args:
        plan: of the recipe.
        drawn: what a batch has drawn, with either engine.
        height, width: of the images.
        draw_partners: draws and names the partners of a mix op.
    """
    seen: set[Any] = set()
    for step in plan.steps:
        step = step.chosen_by or step
        if id(step) in seen:
            continue
        choices = [one.name for one in flattened([plan.ops[step.position]])]
        names = _numbered(choices)
        # The recipe's op, of which the step may be a part; a coin is tossed for all of it.
        whole = f"{step.position}.{names[step.gate.number]}"
        label = f"{step.position}.{step.op.name}"
        if step.gate.of > 1:
            label = whole
            if step.op.name != choices[step.gate.number]:
                label += f".{step.op.name}"
        if step.gate.of > 1 and step.position not in seen:
            its_draws = drawn.gate_draws(step)
            yield f"{step.position}.or.op", its_draws.take(names, step.gate.chosen(its_draws))
        if step.gate.p < 1 and (step.position, step.gate) not in seen:
            yield f"{whole}.applied", drawn.mask(step)
        seen |= {id(step), step.position, (step.position, step.gate)}
        its_draws = drawn.draws(step)
        if isinstance(step.op, SampleMixOp):
            draw_partners(its_draws)
        _draw(step.op, its_draws, height, width, plan.dataset)
        for name, values in its_draws.named.items():
            yield f"{label}.{name}", values


def _numbered(names: list[str]) -> list[str]:
    """Names, with their places where two are alike."""
    return [f"{one}{place if names.count(one) > 1 else ''}" for place, one in enumerate(names, 1)]


def _keys(ids: Any) -> np.ndarray:
    ids = np.atleast_1d(np.asarray(ids))
    return keys_of(ids, len(ids))


def _draw(op: Any, drawn: Draws, height: int, width: int, dataset: Any) -> None:
    """Lets an op turn its words into parameters, which it names."""
    if isinstance(op, AffineOp):
        op.affine(drawn, height, width)
    elif isinstance(op, PerspectiveOp):
        op.perspective(drawn, height, width)
    elif isinstance(op, ElasticOp):
        op.displacement(drawn)
    elif isinstance(op, BoxOp):
        op.boxes(drawn, height, width)
        op.fill_levels(drawn, dataset)
    elif isinstance(op, LookupTableOp):
        op.table(drawn, np.zeros((1, 1)))
        op.applied(drawn)
    elif isinstance(op, ImageOp):
        op.numbers(drawn)
        op.applied(drawn)
    elif isinstance(op, ChoiceOp):
        op.choose(drawn)
    elif isinstance(op, WeightedSumOp):
        op.weights(drawn)
    elif isinstance(op, (PythonOp, LabelOp)):
        pass
    else:
        assert isinstance(op, SampleMixOp), op
        op.mixing(drawn, height, width)
