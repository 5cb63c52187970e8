"""Checks what users hand to recipes: seeds, epochs, ids, images, labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cifar10_aug.rng import draws

if TYPE_CHECKING:
    from cifar10_aug.engines.plan import Plan

_LARGEST_SIDE = 8192


def checked(what: str, value: Any, limit: int) -> int:
    """`value` as an int, if it is one from 0 to limit - 1.

    Raises:
        ValueError: if it is not.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{what} is {value!r}; give a whole number from 0 to {limit - 1}")
    if not 0 <= value < limit:
        raise ValueError(f"{what} is {value}; give a whole number from 0 to {limit - 1}")
    return int(value)


def _array(what: str, value: Any) -> np.ndarray:
    """`value` as an array.

    Raises:
        ValueError: if it is a tensor of a graph.
    """
    try:
        return np.asarray(value)
    except (NotImplementedError, TypeError, ValueError) as error:
        # Lists of unequal lengths have no such method; tensors without values have, and it fails.
        if not isinstance(error, NotImplementedError) and not hasattr(value, "__array__"):
            raise
        raise ValueError(
            f"{what} have no values yet: they are tensors of a graph that is being built, as in "
            "Dataset.map or a Keras model, and a recipe takes NumPy arrays; let tfds.load augment "
            "while it reads, or make layer = recipe.layer() outside and call the layer there, or "
            "call the recipe inside tf.numpy_function"
        ) from error


def keys_of(ids: Any, count: int) -> np.ndarray:
    """The keys of examples, uint64 [count], by their numbers or names; see `Recipe.__call__`."""
    ids = _array("ids", ids)
    if ids.shape != (count,):
        raise ValueError(
            f"ids have shape {list(ids.shape)}; give one for each of the {count} images"
        )
    if not count:  # NumPy takes an empty list for floats.
        return np.empty(0, np.uint64)
    if ids.dtype.kind in "SUO":
        return np.array([_key_of(one) for one in ids.tolist()], np.uint64).reshape(count)
    if ids.dtype.kind not in "iu":
        raise ValueError(f"ids are {ids.dtype}; give integers, or names such as train_00042")
    for value in (ids.min(initial=0), ids.max(initial=0)):
        checked("an id", value, draws.EXAMPLE_LIMIT)
    return draws.example_keys(ids)


def _key_of(one: Any) -> np.uint64:
    if not isinstance(one, (str, bytes)):
        return np.uint64(draws.example_keys(checked("an id", one, draws.EXAMPLE_LIMIT)))
    text = one.decode("utf-8", "replace") if isinstance(one, bytes) else one
    match = re.fullmatch(r"(train|test)_([0-9]{1,10})", text)
    if match is None or int(match[2]) >= draws.EXAMPLE_LIMIT:
        raise ValueError(f"an id is {text!r}; give integers, or names such as train_00042")
    return np.uint64(draws.example_keys(int(match[2]), match[1]))


def checked_images(images: Any) -> np.ndarray:
    """uint8 images [batch, height, width, 3], or one without the batch dimension, as an array.

    Raises:
        ValueError: if they are none.
    """
    if isinstance(images, Mapping):
        for value in images.values():
            _array("images", value)
        raise ValueError(
            f"images are a dict with {', '.join(map(str, images))}; give what it has under image, "
            "such as recipe(batch['image'], batch['label'], ids=batch['id'])"
        )
    images = _array("images", images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[-1] != 3:
        raise ValueError(
            f"images are {images.dtype} of shape {list(images.shape)}; "
            "give uint8 of shape [batch, height, width, 3] or [height, width, 3]"
        )
    check_size(*images.shape[-3:-1])
    return images


def check_size(height: int, width: int) -> None:
    """Raises a `ValueError` if images are too large or empty."""
    if not 1 <= height <= _LARGEST_SIDE or not 1 <= width <= _LARGEST_SIDE:
        raise ValueError(
            f"images are {height} by {width} pixels; 1 to {_LARGEST_SIDE} a side are allowed"
        )


def chosen_view(view: Any, plan: Plan) -> tuple[Plan, np.uint64]:
    """What makes a view, or all of them if `view` is None, and what keys gain for it.

    Raises:
        ValueError: if there is no such view.
    """
    if view is None:
        return plan, np.uint64(0)
    number = checked("view", view, len(plan.views) or draws.MOST_VIEWS)
    if plan.mixes and number:
        raise ValueError(f"view is {view}, and {plan.name} mixes examples: leave view out")
    return plan.views[number] if plan.views else plan, np.uint64(draws.of_views(number))


def check_labels(labels: Any, count: int) -> None:
    """Raises a `ValueError` if there is not one label for each image."""
    shape = _array("labels", labels).shape
    given = shape[0] if shape else None
    if given != count:
        what = f"of type {type(labels).__name__}" if given is None else str(given)
        raise ValueError(f"labels are {what}; give one for each of the {count} images")


def shares_of_classes(labels: Any, count: int, num_classes: int) -> np.ndarray:
    """Labels as float32 [count, classes]; whole numbers mean one of `num_classes` each.

    Raises:
        ValueError: if they are neither.
    """
    labels = _array("labels", labels)
    if labels.shape == (0,):  # NumPy takes an empty list for floats.
        labels = labels.astype(np.int64)
    if labels.dtype.kind in "iu" and labels.shape == (count,):
        if count and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"labels go from {labels.min()} to {labels.max()}; give classes from 0 to "
                f"{num_classes - 1}, or shares of any number of classes, [batch, classes]"
            )
        return one_hot(labels.astype(np.int64), num_classes)
    if labels.dtype.kind == "f" and labels.ndim == 2 and len(labels) == count:
        return labels.astype(np.float32)
    raise ValueError(
        f"labels are {labels.dtype} of shape {list(labels.shape)}; give for each of the {count} "
        f"images a class from 0 to {num_classes - 1}, or floats of shape [{count}, classes]"
    )


def one_hot(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """int64 [n] as shares of classes: float32 [n, num_classes]."""
    return np.eye(num_classes, dtype=np.float32)[labels]
