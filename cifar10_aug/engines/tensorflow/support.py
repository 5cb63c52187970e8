"""Which recipes run as a graph."""

from __future__ import annotations

from collections.abc import Iterator

from cifar10_aug.engines.plan import Plan
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.base import ImageOp, PythonOp


def check(plan: Plan, instead: str) -> None:
    """Raises a `RecipeError` that names the first op that does not run as a graph.

    Args:
        plan: of the recipe to check.
        instead: what the user can do.
    """
    for name, why in _obstacles(plan):
        raise RecipeError(f"{name} in {plan.name} does not run as a graph, since {why}; {instead}")


def runs(plan: Plan) -> bool:
    """Whether a plan's recipe runs as a graph."""
    return not any(_obstacles(plan))


def _obstacles(plan: Plan) -> Iterator[tuple[str, str]]:
    for step in plan.steps:
        if isinstance(step.op, PythonOp):
            yield step.op.name, "it is a Python function"
        elif isinstance(step.op, ImageOp) and step.op.needs_codec:
            yield step.op.name, "TensorFlow has nothing that does the same"
