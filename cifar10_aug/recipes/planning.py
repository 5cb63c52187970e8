"""From the ops of a name to what engines run."""

from __future__ import annotations

from cifar10_aug.data.spec import CIFAR10
from cifar10_aug.engines.plan import Plan
from cifar10_aug.recipes import views

# What recipes run on where nobody names another dataset.
DEFAULT_DATASET = CIFAR10


def planned(name: str) -> Plan:
    """The plan of the recipe that `name` spells.

    Raises:
        RecipeError: if it spells none.
    """
    spelling, several = views.parse(name)
    plans = [Plan(*view, DEFAULT_DATASET) for view in several]
    return plans[0] if len(plans) == 1 else Plan.of_views(spelling, plans)
