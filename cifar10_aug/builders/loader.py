"""NumPy batches for PyTorch, JAX and loops of one's own, without TensorFlow."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from cifar10_aug.builders import visiting
from cifar10_aug.builders.visiting import Asked
from cifar10_aug.data import slices
from cifar10_aug.engines.python import cores
from cifar10_aug.pipelines import loading, numpy_batches
from cifar10_aug.pipelines.map_dataset import MapDataset, Opening
from cifar10_aug.recipes.function_pickling import Carried
from cifar10_aug.recipes.recipe import Config, Recipe


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
        threads = cores.count() if workers is None else _positive("workers", workers)
        if layout not in numpy_batches.LAYOUTS:
            raise ValueError(f"layout is {layout!r}; give {' or '.join(numpy_batches.LAYOUTS)}")
        slices.check_one(split)
        config = Config(recipe) if isinstance(recipe, Recipe) else Config.parse(recipe)
        asked = Asked(
            config,
            dataset,
            visiting.local(dataset, data_dir, source),
            source,
            seed=seed,
            n_jobs=threads,
            start_epoch=start_epoch,
            augment_splits=augment_splits,
        )
        visited = asked.visited(split, _shard(shard), shuffle=bool(shuffle))
        self.seed = visited.seed
        super().__init__(
            numpy_batches.Batches(
                visited.examples,
                visited.order,
                size,
                drop_last=drop_last,
                layout=layout,
                workers=threads,
                reuse=reuse,
            ),
            0 if visited.begins_at_0 else start_epoch,
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
            "data_dir": visited.data_dir,
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
