"""NumPy batches for PyTorch, JAX and loops of one's own, without TensorFlow."""

from __future__ import annotations

import functools
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
from cifar10_aug.builders.frozen import Frozen
from cifar10_aug.builders.online import Online
from cifar10_aug.builders.published import PublishedBuilder
from cifar10_aug.data import prepared, slices
from cifar10_aug.errors import SourceError
from cifar10_aug.pipelines import loading, numpy_batches
from cifar10_aug.pipelines.blocks import Order
from cifar10_aug.pipelines.map_dataset import MapDataset, Opening
from cifar10_aug.recipes.function_pickling import Carried
from cifar10_aug.recipes.recipe import Config, Recipe

_BUILDERS: dict[str, type[AugmentedBuilder]] = {
    one.Builder.name: one.Builder
    for one in (
        cifar10_aug_dataset_builder,
        cifar100_aug_dataset_builder,
        cifar10_aug_sample_dataset_builder,
    )
}


class Loader(loading.EpochLoader):
    """Augmented batches as NumPy arrays: `for images, labels in loader`.

    Pixels, labels and their order are those of `tfds.load` with the same arguments. Each iteration
    is the next epoch; one that no batch is read from counts as nothing. Threads make a few
    thousand images ahead; an error of theirs is raised in place of the batch that it belongs to.

    Images are uint8 [batch, 32, 32, 3], of several views [batch, views, 32, 32, 3]; float32 after
    `rescale`, `normalize` and functions that return floats. Labels are int64 [batch], or float32
    [batch, classes] if the recipe mixes or smooths them. Batches are yours to keep and change,
    unless `reuse` says otherwise; a batch that is kept keeps its own memory only, or that of the
    512 images it was made with if it is smaller.

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
        reuse: bool = False,
    ):
        """Reads the images into memory; prepares them, as `tfds.load` does, if they are not.

        Args:
            recipe: a recipe's name, or a `Recipe`; or a name of frozen epochs, "standard-x5", of
                which each iteration reads all copies, one after the other, as `tfds.load` does.
            dataset: "cifar10_aug", "cifar100_aug" or "cifar10_aug_sample".
            split: as in `tfds.load`: a name, slices, sums.
            batch_size: examples in a batch.
            shuffle: visits the examples in a new random order each epoch.
            seed: 0 to 2**64 - 1; None draws a fresh one, to be read from `loader.seed`.
            drop_last: leaves out the last batch of an epoch if it is smaller.
            layout: "nhwc", or "nchw" for images [batch, 3, 32, 32] or [batch, views, 3, 32, 32],
                contiguous.
            workers: threads that make batches, and workers that run registered functions; None is
                one for each core. The number changes no pixel.
            data_dir: the folder where images are prepared; TFDS's own by default.
            source: what images are prepared from, or must have been; as in `builder_kwargs`.
            start_epoch: the number of the first epoch, if anything in the split is augmented.
            shard: (i, n) is every n-th example from the i-th on; partners come from all of them.
            augment_splits: the splits or slices that are augmented, as in `builder_kwargs`.
            reuse: writes images where earlier ones were, so that the loader's memory is the same
                whatever becomes of batches: images are valid until the next batch is asked for.

        Raises:
            RecipeError: if there is no such recipe.
            SourceError: if there are no images to prepare, or they are damaged, or others than the
                source's.
            ExportError: if frozen epochs are damaged, or cannot be written.
            ValueError: if another argument is wrong.
        """
        size = _positive("batch_size", batch_size)
        threads = joblib.cpu_count() if workers is None else _positive("workers", workers)
        if layout not in numpy_batches.LAYOUTS:
            raise ValueError(f"layout is {layout!r}; give {' or '.join(numpy_batches.LAYOUTS)}")
        if not isinstance(split, (str, AbstractSplit)):
            raise ValueError(f"split is {split!r}; give one, such as 'train' or 'train[:90%]'")
        config = Config(recipe) if isinstance(recipe, Recipe) else Config.parse(recipe)
        kwargs = {} if source is None else {"source": source}
        builder = _builder(
            str(config),
            dataset,
            data_dir,
            seed=seed,
            n_jobs=threads,
            start_epoch=start_epoch,
            augment_splits=augment_splits,
            **kwargs,
        )
        self.seed = builder.seed
        visit = _online if isinstance(builder._epochs, Online) else _frozen
        examples, order, begins_at_0 = visit(builder, split, _shard(shard), bool(shuffle))
        super().__init__(
            numpy_batches.Batches(
                examples,
                order,
                size,
                drop_last=drop_last,
                layout=layout,
                workers=threads,
                reuse=reuse,
            ),
            0 if begins_at_0 else start_epoch,
            {
                "dataset": dataset,
                "recipe": str(config),
                "split": str(split),
                "batch_size": size,
                "shuffle": bool(shuffle),
                "seed": self.seed,
            },
        )
        self._recipe = config.recipe
        self._arguments = {
            "recipe": str(config),
            "dataset": dataset,
            "split": split,
            "batch_size": size,
            "seed": self.seed,
            "layout": layout,
            "workers": workers,
            "data_dir": os.fspath(builder.data_dir_root),
            "source": source,
            "shard": shard,
            "augment_splits": augment_splits,
        }

    def as_map_dataset(self) -> MapDataset:
        """The examples by number, for `torch.utils.data.DataLoader` and its samplers and workers.

        Numbers count through the split, or the shard, in order. `set_epoch` chooses the epoch, at
        first the one that the loader would read next.
        """
        opening = functools.partial(_opening, self._recipe, self._arguments)
        return MapDataset(self._batches, self.epoch, opening)


def _opening(recipe: Recipe, arguments: dict[str, Any]) -> Opening:
    """How another process gets a map dataset.

    Raises:
        RegistrationError: if a function of the recipe cannot be sent there.
    """
    return _map_dataset, (Carried.by(recipe), arguments)


def _map_dataset(carried: Carried, arguments: dict[str, Any]) -> MapDataset:
    carried.register()
    return Loader(**arguments).as_map_dataset()


# What is visited and in what order, and whether epochs count from 0 whatever the user says.
_Visited = tuple[numpy_batches.Examples, numpy_batches.Order, bool]


def _online(
    builder: AugmentedBuilder, split: Any, shard: slices.Shard | None, shuffle: bool
) -> _Visited:
    # Here, so that importing the package does not import the engine.
    from cifar10_aug.engines.numba.buffers import Buffers
    from cifar10_aug.pipelines import eager_examples, stored_batches

    epochs, splits = builder._epochs, builder.info.splits
    assert isinstance(epochs, Online)
    augmentation = epochs.augmentation
    prepared.check_files(builder.info)
    named = slices.named(split, splits, shard, augmentation.augment_splits)
    examples = eager_examples.of(
        named, splits, augmentation, Buffers(), stored_batches.without_tensorflow
    )
    return examples, Order(shuffle, builder.seed), not augmentation.concerns(named)


def _frozen(
    builder: AugmentedBuilder, split: Any, shard: slices.Shard | None, shuffle: bool
) -> _Visited:
    from cifar10_aug.frozen.loading import FrozenExamples

    epochs = builder._epochs
    assert isinstance(epochs, Frozen)
    encoding = epochs.image_encoding(builder)
    examples = FrozenExamples(
        builder.info, encoding, split, shard, shuffle=shuffle, seed=builder.seed
    )
    return examples, examples.order, True


def _builder(
    recipe: str, dataset: str, data_dir: str | os.PathLike[str] | None, **kwargs: Any
) -> AugmentedBuilder:
    """The builder of a dataset, whose images are prepared if they were not."""
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
        builder.download_and_prepare()
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
