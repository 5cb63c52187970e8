"""The pipeline over a user's dataset of images: groups → engine → elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from cifar10_aug._compat import eager_context, plain_functions
from cifar10_aug.engines.python import cores
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.pipelines import blocks, eager, own_engines
from cifar10_aug.pipelines.elements import Elements
from cifar10_aug.pipelines.epochs import Epochs, of_length
from cifar10_aug.pipelines.finishing import tuned
from cifar10_aug.pipelines.options import OnlineOptions
from cifar10_aug.pipelines.own_engines import OwnEngine
from cifar10_aug.pipelines.own_groups import Bundles, Groups, Ids, Stacks
from cifar10_aug.recipes.recipe import Recipe


def augmented(
    own: Any, recipe: Recipe, seed: int, options: OnlineOptions, execution: Execution, ids: Ids
) -> tf.data.Dataset:
    """What `augment` applies to a dataset; see there."""
    what = f"augment({recipe.name!r})"
    if not isinstance(own, tf.data.Dataset):
        raise ValueError(
            f"{what} got a {type(own).__name__}; it is for a tf.data.Dataset: "
            "ds.apply(cifar10_aug.augment(…)). NumPy images go to "
            "cifar10_aug.Recipe.parse(…)(images)"
        )
    eager_context.check(what)
    elements = Elements.of(own.element_spec)
    _check(recipe, elements, ids)
    kind = Stacks if elements.static and not elements.batched else Bundles
    groups = kind(
        elements=elements,
        made=_made(elements, recipe),
        engine=_engine(recipe, elements, seed, options, execution),
        ids=ids,
        mixes=recipe.softens,
        views=len(recipe.views) or 1,
        python_workers=execution.jobs if recipe.runs_python else None,
    )
    why = (
        f"{what} counts epochs in the process that makes it, so its dataset cannot be sent to "
        "others (tf.data service) or saved. Distribute or save your own dataset, and apply augment "
        "to what comes back; with ids=, if that comes in another order. "
    )
    return _dataset(own, groups, options.start_epoch, why)


def _dataset(
    own: tf.data.Dataset, groups: Groups, start_epoch: int, why_here: str
) -> tf.data.Dataset:
    """Epoch → groups → augmented groups → elements."""
    grouped, here = groups.of(own), eager.in_this_process(why_here)
    calls = blocks.CALLS_OF_PYTHON if groups.fails else cores.count()

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        def augment(*group: Any) -> Any:
            with tf.control_dependencies([tf.identity(here)]):
                return groups.augmented(tf.identity(number), *group)

        return plain_functions.parallel_map(grouped, augment, calls).prefetch(1)

    epoch = tf.autograph.experimental.do_not_convert(epoch)
    ds = groups.separated(Epochs(start_epoch).each(epoch))
    length = own.cardinality().numpy()
    if length == tf.data.INFINITE_CARDINALITY:
        ds = ds.repeat()
    elif length >= 0:
        ds = of_length(ds, length)
    return ds.with_options(tuned(own.options(), sharded=False))


def _made(elements: Elements, recipe: Recipe) -> list[tf.TensorSpec]:
    """The specs of the tensors of augmented elements."""
    specs, image = elements.specs, elements.image_spec
    dtype = image.dtype if recipe.dtype == "uint8" else tf.float32
    *batch, height, width, _ = image.shape
    specs[elements.image] = tf.TensorSpec([*batch, *recipe.plan.shape(height, width)], dtype)
    if recipe.softens:
        assert elements.label is not None
        batch = [image.shape[0]] if elements.batched else []
        shape = [*batch, recipe.dataset.num_classes]
        specs[elements.label] = tf.TensorSpec(shape, tf.float32)
    return specs


def _engine(
    recipe: Recipe, elements: Elements, seed: int, options: OnlineOptions, execution: Execution
) -> OwnEngine:
    dtype = elements.image_spec.dtype
    if options.engine == "eager":
        return own_engines.Eager(recipe.plan, seed, execution, dtype, singly=not elements.batched)
    height, width = _size(elements)
    return own_engines.Graph(
        recipe.plan, seed, height, width, dtype, jit_compile=options.jit_compile
    )


def _check(recipe: Recipe, elements: Elements, ids: Ids) -> None:
    keys = list(elements.spec) if isinstance(elements.spec, Mapping) else []
    if isinstance(ids, str) and ids not in keys:
        has = f"dicts with {', '.join(map(str, keys))}; give one of these" if keys else "no dicts"
        raise ValueError(
            f"ids is {ids!r}, and elements are {has}; or give a function of the element, such as "
            "ids=lambda image, number: number"
        )
    if not recipe.softens:
        return
    if not elements.batched and (recipe.mixes or not elements.static):
        sizes = "single images" if recipe.mixes else "single images of several sizes"
        raise ValueError(
            f"{recipe} changes the labels of a batch, and the dataset has {sizes}; batch it "
            "before augment"
        )
    if elements.label is None:
        raise ValueError(
            f"{recipe} changes labels, and elements have none; give (image, label), or a dict with "
            "'image' and 'label'"
        )


def _size(elements: Elements) -> tuple[int, int]:
    """Height and width, which graphs are made for."""
    shape = elements.image_spec.shape
    height, width, channels = shape[-3:]
    if height is None or width is None or channels is None:
        raise ValueError(
            f"images are of shape {shape}, and engine='graph' has to know height, width and "
            "channels beforehand; resize them, or say what they are by tf.ensure_shape, in a map "
            "before augment, or leave engine='graph' out"
        )
    return height, width
