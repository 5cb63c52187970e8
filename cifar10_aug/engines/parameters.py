"""The log of what a recipe draws, for people to read and to replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cifar10_aug import draws
from cifar10_aug.engines.eager import Engine, checked, keys_of
from cifar10_aug.engines.where import Where

if TYPE_CHECKING:
    from cifar10_aug.recipe import Recipe


def of(
    recipe: Recipe, ids: Any, *, seed: int, epoch: int, height: int, width: int
) -> dict[str, np.ndarray]:
    """What `Recipe.parameters` returns; see there."""
    seed = checked("seed", seed, draws.SEED_LIMIT)
    epoch = checked("epoch", epoch, draws.EPOCH_LIMIT)
    ids = np.atleast_1d(np.asarray(ids))
    keys = keys_of(ids, len(ids))
    engine = Engine(recipe, seed, height, width, where=Where(n_jobs=1))
    found = {}
    for step, named in engine.drawn(keys, epoch):
        for name, values in named.items():
            array = np.broadcast_to(np.asarray(values), keys.shape).copy()
            found[f"{step.position}.{step.op.name}.{name}"] = array
    return found
