"""NumPy batches for PyTorch, JAX and loops of one's own, without TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.splits import AbstractSplit

from cifar10_aug.builders import (
    cifar10_aug_dataset_builder,
    cifar10_aug_sample_dataset_builder,
    cifar100_aug_dataset_builder,
)
from cifar10_aug.builders.augmented import AugmentedBuilder
from cifar10_aug.builders.online import Online
from cifar10_aug.builders.published import PublishedBuilder
from cifar10_aug.data import prepared, slices
from cifar10_aug.errors import RecipeError, SourceError
from cifar10_aug.pipelines import loading
from cifar10_aug.pipelines.blocks import Order
from cifar10_aug.recipes.recipe import Config, Recipe

_BUILDERS: dict[str, type[AugmentedBuilder]] = {
    one.Builder.name: one.Builder
    for one in (
        cifar10_aug_dataset_builder,
        cifar100_aug_dataset_builder,
        cifar10_aug_sample_dataset_builder,
    )
}
_PREPARING = {
    "cifar10_aug": "prepare",
    "cifar100_aug": "prepare --dataset cifar100",
    "cifar10_aug_sample": "prepare --sample",
}


class Loader(loading.EpochLoader):
    """Augmented batches as NumPy arrays: `for images, labels in loader`.

    Pixels, labels and their order are those of `tfds.load` with the same arguments. Each iteration
    is the next epoch; one that no batch is read from counts as nothing. Threads make a few
    thousand images ahead; an error of theirs is raised in place of the batch that it belongs to.

    Images are uint8 [batch, 32, 32, 3], or float32 after `rescale`, `normalize` and functions that
    return floats; labels are int64 [batch], or float32 [batch, classes] if the recipe mixes or
    smooths them. No array is used again, so they may be kept and changed; an array that is kept
    keeps the memory of a few thousand images, so copy single batches that are kept for long.

        >>> import cifar10_aug
        >>> loader = cifar10_aug.Loader("flip", dataset="cifar10_aug_sample", batch_size=100)
        >>> images, labels = next(iter(loader))
        >>> images.shape, labels.dtype
        ((100, 32, 32, 3), dtype('int64'))

    Attributes:
        seed: what all draws and the order are keyed by.
    """

    def __init__(
        self,
        recipe: str | Recipe,
        *,
        dataset: str = "cifar10_aug",
        split: Any = "train",
        batch_size: int,
        shuffle: bool = False,
        seed: int | None = 0,
        drop_last: bool = False,
        layout: str = "nhwc",
        workers: int | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        source: str | os.PathLike[str] | None = None,
        start_epoch: int = 0,
        shard: tuple[int, int] = (0, 1),
        augment_splits: Sequence[str] = ("train",),
    ):
        """Reads the prepared images into memory.

        Args:
            recipe: a recipe's name, or a `Recipe`.
            dataset: "cifar10_aug", "cifar100_aug" or "cifar10_aug_sample".
            split: as in `tfds.load`: a name, slices, sums.
            batch_size: examples in a batch.
            shuffle: visits the examples in a new random order each epoch.
            seed: 0 to 2**64 - 1; None draws a fresh one, to be read from `loader.seed`.
            drop_last: leaves out the last batch of an epoch if it is smaller.
            layout: "nhwc", or "nchw" for images [batch, 3, 32, 32], contiguous.
            workers: threads that make batches, and workers that run registered functions; None is
                one for each core. The number changes no pixel.
            data_dir: the folder where images are prepared; TFDS's own by default.
            source: what the images must have been prepared from, if it matters.
            start_epoch: the number of the first epoch, if anything in the split is augmented.
            shard: (i, n) is every n-th example from the i-th on; partners come from all of them.
            augment_splits: the splits or slices that are augmented, as in `builder_kwargs`.

        Raises:
            RecipeError: if there is no such recipe, or the name is that of frozen epochs.
            SourceError: if the images are not prepared, damaged, or others than the source's.
            ValueError: if another argument is wrong.
        """
        # Here, so that importing the package does not import the engine.
        from cifar10_aug.engines.numba.buffers import Buffers
        from cifar10_aug.pipelines import eager_examples, stored_batches

        size = _positive("batch_size", batch_size)
        threads = joblib.cpu_count() if workers is None else _positive("workers", workers)
        if layout not in loading.LAYOUTS:
            raise ValueError(f"layout is {layout!r}; give {' or '.join(loading.LAYOUTS)}")
        if not isinstance(split, (str, AbstractSplit)):
            raise ValueError(f"split is {split!r}; give one, such as 'train' or 'train[:90%]'")
        kwargs = {} if source is None else {"source": source}
        builder = _builder(
            _name(recipe, dataset),
            dataset,
            data_dir,
            seed=seed,
            n_jobs=threads,
            start_epoch=start_epoch,
            augment_splits=augment_splits,
            **kwargs,
        )
        self.seed = builder.seed
        online, splits = builder._epochs, builder.info.splits
        assert isinstance(online, Online), "frozen configs are refused"
        augmentation = online.augmentation
        prepared.check_files(builder.info)
        named = slices.named(split, splits, _shard(shard), augmentation.augment_splits)
        super().__init__(
            loading.Batches(
                eager_examples.of(
                    named, splits, augmentation, Buffers(), stored_batches.without_tensorflow
                ),
                Order(shuffle, self.seed),
                size,
                drop_last=drop_last,
                layout=layout,
                workers=threads,
            ),
            start_epoch if augmentation.concerns(named) else 0,
            {
                "dataset": dataset,
                "recipe": augmentation.recipe.name,
                "split": str(split),
                "batch_size": size,
                "shuffle": bool(shuffle),
                "seed": self.seed,
            },
        )


def _name(recipe: Any, dataset: str) -> str:
    """A recipe's name; raises a `RecipeError` if it is one of frozen epochs."""
    config = Config(recipe) if isinstance(recipe, Recipe) else Config.parse(recipe)
    if config.copies:
        raise RecipeError(
            f"{config} is frozen, and a Loader makes epochs while they are read; give "
            f"{config.recipe.name!r}, or read what is frozen with "
            f'tfds.data_source("{dataset}/{config}")'
        )
    return config.recipe.name


def _builder(
    recipe: str, dataset: str, data_dir: str | os.PathLike[str] | None, **kwargs: Any
) -> AugmentedBuilder:
    """The builder of a dataset, whose images are prepared."""
    if dataset not in _BUILDERS:
        raise ValueError(f"dataset is {dataset!r}; give {', '.join(_BUILDERS)}")
    if "source" in kwargs and not issubclass(_BUILDERS[dataset], PublishedBuilder):
        raise ValueError(f"{dataset} is drawn by the code; leave source out")
    if "://" in os.fspath(data_dir or tfds.core.constants.DATA_DIR):
        raise SourceError(
            f"data_dir is {os.fspath(data_dir or tfds.core.constants.DATA_DIR)!r}, and a Loader "
            "reads files of this machine only; copy the folder, or use tfds.load"
        )
    builder = _BUILDERS[dataset](config=recipe, data_dir=data_dir, **kwargs)
    if not builder.is_prepared():
        place = "" if data_dir is None else f" --data-dir {os.fspath(data_dir)}"
        raise SourceError(
            f"{dataset}: no images are prepared in {builder.data_dir_root}, and TFDS needs "
            "TensorFlow to write them, which a Loader does without; prepare them once: "
            f"cifar10-aug {_PREPARING[dataset]}{place}"
        )
    builder.require_prepared()
    return builder


def _positive(what: str, value: Any) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{what} is {value!r}; give a positive whole number")
    return int(value)


def _shard(shard: Any) -> slices.Shard | None:
    try:
        index, count = shard
        if not 0 <= index < count or (int(index), int(count)) != (index, count):
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"shard is {shard!r}; give (i, n), the i-th of n, such as (0, 2) and (1, 2)"
        ) from None
    return None if count == 1 else slices.Shard(int(index), int(count))
