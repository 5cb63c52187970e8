"""From the ops of a name to what engines run."""

from __future__ import annotations

from cifar10_aug.data.spec import CIFAR10
from cifar10_aug.engines.plan import Plan
from cifar10_aug.recipes import grammar

# What recipes run on where nobody names another dataset.
DEFAULT_DATASET = CIFAR10


def planned(name: str) -> Plan:
    """The plan of the recipe that `name` spells.

    Raises:
        RecipeError: if it spells none.
    """
    return Plan(*grammar.parse(name), DEFAULT_DATASET)
