"""Epochs that are augmented while they are read, as TFDS hands them out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tensorflow_datasets as tfds

from cifar10_aug import draws, examples, pipeline
from cifar10_aug.engines import arguments, eager
from cifar10_aug.source.images import SHAPE

if TYPE_CHECKING:
    from cifar10_aug.builder import AugmentedBuilder


def dataset(
    builder: AugmentedBuilder,
    split: Any,
    batch_size: int | None,
    shuffle_files: bool,
    config: tfds.ReadConfig,
    *,
    as_supervised: bool,
) -> Any:
    """The augmented pipeline over one split; the arguments are those of `tfds.load`.

    Raises:
        SourceError: if the prepared images are damaged.
        ValueError: if an argument is wrong.
    """
    engine_of = functools.partial(_engine, builder)
    chosen = examples.select(
        split,
        builder.info.splits,
        engine_of,
        config.input_context,
        soft_labels=builder.recipe.mixes,
    )
    everything = batch_size == -1
    order_seed = builder.seed if config.shuffle_seed is None else config.shuffle_seed
    ds = pipeline.dataset(
        chosen,
        pipeline.Order(
            shuffle_files,
            arguments.checked("shuffle_seed", order_seed, draws.SEED_LIMIT),
            reshuffle=config.shuffle_reshuffle_each_iteration is not False,
        ),
        batch_size=len(chosen) if everything else batch_size,
        as_supervised=as_supervised,
        add_tfds_id=config.add_tfds_id,
        repeat=config.repeat_filenames and not everything,
        options=config.options,
        prefetch=not config.skip_prefetch,
        python_workers=builder.where.jobs if chosen.runs_python else None,
        name=builder.builder_config.name,
    )
    return ds.get_single_element() if everything else ds


def _engine(builder: AugmentedBuilder, split: str) -> eager.Engine:
    recipe = builder.recipe if split in builder.augment_splits else builder.recipe.clean
    return eager.Engine(recipe, builder.seed, *SHAPE[:2], where=builder.where)
