"""Which recipes run as a graph."""

from __future__ import annotations

from collections.abc import Iterator

from cifar10_aug.engines.plan import Plan
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.python_op import PythonOp


def check(plan: Plan, instead: str) -> None:
    """Raises a `RecipeError` that names the first op that does not run as a graph.

    Args:
        plan: of the recipe to check.
        instead: what the user can do.
    """
    for name in _functions(plan):
        raise RecipeError(
            f"{name} in {plan.name} does not run as a graph, since it is a Python function; "
            f"{instead}"
        )


def runs(plan: Plan) -> bool:
    """Whether a plan's recipe runs as a graph."""
    return not any(_functions(plan))


def _functions(plan: Plan) -> Iterator[str]:
    return (step.op.name for step in plan.steps if isinstance(step.op, PythonOp))
