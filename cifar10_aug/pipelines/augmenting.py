"""Recipes on a user's own `tf.data.Dataset` of images."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cifar10_aug.engines import arguments
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.errors import RecipeError
from cifar10_aug.pipelines.options import OnlineOptions
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws

if TYPE_CHECKING:
    import tensorflow as tf

_MOST_CLASSES = 2**16


def augment(
    recipe: str | Recipe,
    *,
    seed: int | None = 0,
    num_classes: int | None = None,
    engine: str = "eager",
    jit_compile: bool = False,
    n_jobs: int | None = None,
    backend: str | None = None,
    start_epoch: int = 0,
    ids: str | Callable[..., Any] | None = None,
) -> Callable[[tf.data.Dataset], tf.data.Dataset]:
    """What augments a dataset of one's own: `ds.apply(cifar10_aug.augment("rotate30+erase"))`.

    Elements of the dataset are an image, (image, label), (image, label, weight), or a dict with
    "image" (and "label", if the recipe changes labels, and whatever else, which passes). Images are
    single, [height, width, 3], or in batches, [batch, height, width, 3], as their static rank says,
    of any height and width, which may differ from element to element. They are uint8, or float32,
    float16, bfloat16 or float64 from 0 to 1, which are rounded to 256 levels first
    (levels of bfloat16 above 128 may be one off, since it has 8 bits). Shapes, structure and dtype
    stay; `rescale`, `normalize` and functions that return floats make float32. `normalize` and the
    fill "mean" use CIFAR-10's mean and deviation.

    What is drawn depends on the seed, on the epoch, and on an example's number: its place in the
    dataset, so `augment` comes before `shuffle`, or what `ids` gives. Each time that the dataset is
    read it makes the next epoch; whatever the dataset itself does anew each time, such as
    shuffling, it does. Up to 2,048 images are read ahead for each call into the engine.

        >>> import numpy as np
        >>> import tensorflow as tf
        >>> import cifar10_aug
        >>> ds = tf.data.Dataset.from_tensor_slices(np.zeros((10, 28, 28, 3), np.uint8))
        >>> ds = ds.apply(cifar10_aug.augment("rotate30", seed=7)).shuffle(10).batch(5)
        >>> ds.element_spec
        TensorSpec(shape=(None, 28, 28, 3), dtype=tf.uint8, name=None)

    Args:
        recipe: the name of a recipe, or a `Recipe`.
        seed: 0 to 2**64 - 1; None draws one.
        num_classes: of labels, for recipes that mix or smooth them. Their labels, classes from 0 on
            or shares [num_classes], become float32 [num_classes]. Mixing needs batches: partners
            come from the batch. Other recipes let labels pass.
        engine: "eager" (compiled loops, called from TensorFlow) or "graph" (TensorFlow alone, for
            images whose static shape says height and width).
        jit_compile: whether XLA compiles the graph.
        n_jobs: workers for the functions that users have registered; None is one for each core.
        backend: where those run, "loky" (processes) or "threading"; None is as registered.
        start_epoch: the number of the first epoch, 0 to 2**32 - 1.
        ids: a key of the elements, which are dicts, or a function that `Dataset.map` could call;
            it gives each example's number, an integer from 0 to 2**32 - 1.

    Returns:
        A function that takes a dataset and returns the augmented one. It raises a `ValueError` if
        the dataset's elements are none that can be augmented, and a `RuntimeError` inside a
        `tf.function`, where epochs could not be counted. Images or labels that are wrong are an
        error of TensorFlow's when they are read. An image that a registered function fails on is
        one, too; it costs its batch, or itself alone, if the user ignores it.

    Raises:
        RecipeError: if there is no such recipe, or the engine does not run it.
        RegistrationError: if a registered function does not run with such a backend.
        ValueError: if an argument is wrong.
    """
    options = OnlineOptions(engine, jit_compile, start_epoch)
    execution = Execution(n_jobs, backend)
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe)
    if options.engine == "graph":
        from cifar10_aug.engines.tensorflow import support

        support.check(recipe.plan, "leave engine='graph' out")
    if num_classes is not None:
        arguments.checked("num_classes", num_classes, _MOST_CLASSES)
        names = tuple(map(str, range(num_classes)))
        recipe = recipe.on(dataclasses.replace(recipe.dataset, class_names=names))
    elif recipe.softens:
        raise RecipeError(
            f"{recipe} changes labels, and nothing says how many classes they have; "
            "give num_classes"
        )
    seed = secrets.randbits(64) if seed is None else seed
    seed = arguments.checked("seed", seed, draws.SEED_LIMIT)
    if not (ids is None or isinstance(ids, str) or callable(ids)):
        raise ValueError(
            f"ids is {ids!r}; give a key of the elements, such as 'number', or a function of them"
        )

    def apply(dataset: tf.data.Dataset) -> tf.data.Dataset:
        from cifar10_aug.pipelines import own_images

        return own_images.augmented(dataset, recipe, seed, options, execution, ids)

    return apply
