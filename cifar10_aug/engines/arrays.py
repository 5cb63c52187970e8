"""Runs a recipe on NumPy arrays."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cifar10_aug.engines.arguments import (
    check_labels,
    checked,
    checked_images,
    chosen_view,
    keys_of,
    shares_of_classes,
)
from cifar10_aug.engines.numba import views
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.numba.views import AnyEngine
from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.rng import draws


def augment(
    plan: Plan,
    images: Any,
    labels: Any,
    *,
    ids: Any,
    seed: int,
    epoch: int,
    view: int | None,
    partners: Any,
    execution: Execution,
) -> Any:
    """What `Recipe.__call__` does; see there."""
    images = checked_images(images)
    if images.ndim == 3:
        made = augment(
            plan,
            images[None],
            None if labels is None else [labels],
            ids=None if ids is None else [ids],
            seed=seed,
            epoch=epoch,
            view=view,
            partners=partners,
            execution=execution,
        )
        return made[0] if labels is None else (made[0][0], made[1][0])
    count, height, width, _ = images.shape
    seed = checked("seed", seed, draws.SEED_LIMIT)
    epoch = checked("epoch", epoch, draws.EPOCH_LIMIT)
    keys = keys_of(np.arange(count) if ids is None else ids, count)
    made_by, of_view = chosen_view(view, plan)
    if labels is not None:
        check_labels(labels, count)
    engine = _engine(made_by, seed, height, width, execution)
    source, rows, classes = Source.reading(images), np.arange(count), plan.dataset.num_classes
    if not plan.mixes:
        if partners is not None:
            raise ValueError(f"partners are for recipes that mix examples; {plan.name} does not")
        made = engine(source, rows, keys + of_view, epoch)
        if labels is None:
            return made
        if not plan.softens:
            return made, labels
        own = shares_of_classes(labels, count, classes)
        engine = _engine(plan, seed, height, width, execution)
        return made, engine.soft_labels(own, keys, epoch, None)
    shares = None if labels is None else shares_of_classes(labels, count, classes)
    if partners is None:
        pool = Partners.of(source, rows, keys, shares)
    else:
        pool = _pool(partners, images.shape[1:], shares, classes)
    made = engine(source, rows, keys, epoch, pool)
    if shares is None:
        return made
    return made, engine.soft_labels(shares, keys, epoch, pool)


def _engine(plan: Plan, seed: int, height: int, width: int, execution: Execution) -> AnyEngine:
    if plan.runs_python:
        return views.engine(plan, seed, height, width, execution)
    return _kept_engine(plan, seed, height, width)


@functools.lru_cache(maxsize=16)
def _kept_engine(plan: Plan, seed: int, height: int, width: int) -> AnyEngine:
    """Engines of the latest recipes, which cost more to make than some ops take.

    They keep no memory for results, which may be as large as the user's arrays.
    """
    return views.engine(plan, seed, height, width, buffers=Buffers(0))


def _pool(
    partners: Any, shape: tuple[int, ...], shares: np.ndarray | None, num_classes: int
) -> Partners:
    """Partners that the user gives: (images, labels, ids)."""
    try:
        given, labels, ids = partners
    except (TypeError, ValueError):
        raise ValueError(
            "partners are not (images, labels, ids); give the examples of the whole slice that "
            "partners are drawn from, labels None if none are asked for"
        ) from None
    images = checked_images(given)
    if images.shape[1:] != shape or not len(images):
        raise ValueError(
            f"partners' images are of shape {list(images.shape)}; give at least one of the "
            f"size of the others, {list(shape)}"
        )
    if (labels is None) != (shares is None):
        raise ValueError("give labels for the images and for partners, or for neither")
    classes = None if labels is None else shares_of_classes(labels, len(images), num_classes)
    if classes is not None and shares is not None and classes.shape[1] != shares.shape[1]:
        raise ValueError(
            f"partners have {classes.shape[1]} classes, the images {shares.shape[1]}; give as many"
        )
    keys = keys_of(ids, len(images))
    return Partners.of(Source.reading(images), np.arange(len(images)), keys, classes)
