"""Epochs that are augmented while they are read, as TFDS hands them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cifar10_aug._compat import eager_context
from cifar10_aug.data import prepared, slices
from cifar10_aug.data.description import Description
from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.slices import Slice
from cifar10_aug.data.sources import official
from cifar10_aug.engines import arguments
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.pipelines import eager, eager_examples
from cifar10_aug.pipelines.blocks import Order, Reading, Start
from cifar10_aug.pipelines.finishing import Finish
from cifar10_aug.pipelines.options import Augmentation
from cifar10_aug.rng import draws

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

# TensorFlow never lets go of a Python function that a dataset has called, nor of what it refers to,
# even when the dataset is gone. So pipelines own no memory.
_BUFFERS = Buffers()


def dataset(
    info: Description,
    augmentation: Augmentation,
    split: Any,
    batch_size: int | None,
    shuffle_files: bool,
    config: tfds.ReadConfig,
    *,
    as_supervised: bool,
) -> Any:
    """The augmented pipeline over one split.

    Args:
        info: of the prepared images.
        augmentation: what is done to them.
        split, batch_size, shuffle_files, config, as_supervised: as in `tfds.load`.

    Raises:
        SourceError: if the prepared images are damaged.
        ValueError: if an argument is wrong.
        RuntimeError: inside a `tf.function` or `tf.Graph`.
    """
    eager_context.check(f"{info.name}/{augmentation.recipe}")
    prepared.check_files(info)
    named = slices.named(split, info.splits, config.input_context, augmentation.augment_splits)
    count = sum(len(one.numbers) for one in named)
    everything = batch_size == -1
    order_seed = augmentation.seed if config.shuffle_seed is None else config.shuffle_seed
    size = count if everything else batch_size
    reading = Reading(
        Order(
            shuffle_files,
            arguments.checked("shuffle_seed", order_seed, draws.SEED_LIMIT),
            reshuffle=config.shuffle_reshuffle_each_iteration is not False,
        ),
        _start(augmentation, named, count, size or 1),
        size,
        as_supervised,
        config.add_tfds_id,
    )
    context = config.input_context
    finish = Finish(
        repeat=config.repeat_filenames and not everything,
        options=config.options,
        prefetch=not config.skip_prefetch,
        known_length=config.assert_cardinality,
        sharded=context is not None and context.num_input_pipelines > 1,
    )
    make = _graph if augmentation.options.engine == "graph" else _eager
    ds = make(info, augmentation, named, reading, finish)
    return ds.get_single_element() if everything else ds


def _start(augmentation: Augmentation, named: list[Slice], count: int, size: int) -> Start:
    """Where to begin; only what is augmented differs from epoch to epoch."""
    if not augmentation.concerns(named):
        return Start()
    options, steps = augmentation.options, -(-count // size)
    if options.start_step >= steps:
        raise ValueError(
            f"start_step is {options.start_step}, and an epoch has {steps} batches; give the "
            "number of batches of start_epoch that are done, and whole epochs as start_epoch"
        )
    return Start(options.start_epoch, options.start_step)


def _eager(
    info: Description,
    augmentation: Augmentation,
    named: list[Slice],
    reading: Reading,
    finish: Finish,
) -> Any:
    from cifar10_aug.engines.tensorflow import support

    chosen = eager_examples.of(named, info.splits, augmentation, _BUFFERS)
    name = augmentation.recipe.name
    graph = support.runs(augmentation.recipe.plan)
    return eager.dataset(
        chosen,
        reading,
        finish,
        python_workers=augmentation.execution.jobs if chosen.runs_python else None,
        refusal=f"{name} is made by Python code in the process that loads it, so it cannot be sent "
        "to others (tf.data service) or saved. "
        f"{_GRAPH if graph else ''}Freeze it and load that: cifar10-aug export {name} --copies 5"
        f"{official.option(info.name)}, or tfds.load with the config {name}-x5. ",
    )


_GRAPH = "Load it with builder_kwargs={'engine': 'graph'}. Or: "


def _graph(
    info: Description,
    augmentation: Augmentation,
    named: list[Slice],
    reading: Reading,
    finish: Finish,
) -> Any:
    from cifar10_aug.engines.tensorflow import views
    from cifar10_aug.pipelines import distributing, graph
    from cifar10_aug.pipelines.graph_examples import GraphExamples, GraphPart

    parts = [
        GraphPart(
            one,
            info.splits[one.split],
            views.engine(augmentation.of(one.augmented).plan, augmentation.seed, *SHAPE[:2]),
            soft_labels=augmentation.recipe.softens,
            jit_compile=augmentation.options.jit_compile,
        )
        for one in named
    ]
    epochs = graph.GraphEpochs(GraphExamples(parts), reading)
    return distributing.remember(graph.dataset(epochs, finish), epochs, finish)
