"""Which recipes run as a graph."""

from __future__ import annotations

from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.stages import Mixture, Process, PythonCalls, Stage
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.base import ImageOp


def check(plan: Plan, instead: str) -> None:
    """Raises a `RecipeError` that names the first op that does not run as a graph.

    Args:
        plan: of the recipe to check.
        instead: what the user can do.
    """
    for name, why in _obstacles(plan.stages):
        raise RecipeError(f"{name} in {plan.name} does not run as a graph, since {why}; {instead}")


def runs(plan: Plan) -> bool:
    """Whether a plan's recipe runs as a graph."""
    return not _obstacles(plan.stages)


def _obstacles(stages: tuple[Stage, ...]) -> list[tuple[str, str]]:
    found = []
    for stage in stages:
        if isinstance(stage, PythonCalls):
            found.append((stage.steps[0].op.name, "it is a Python function"))
        elif isinstance(stage, Process):
            assert isinstance(stage.step.op, ImageOp)
            if stage.step.op.needs_codec:
                found.append((stage.step.op.name, "TensorFlow has nothing that does the same"))
        elif isinstance(stage, Mixture):
            for branch in stage.branches:
                found += _obstacles(branch)
    return found
