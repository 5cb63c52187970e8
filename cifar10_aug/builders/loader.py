"""NumPy batches for PyTorch, JAX and loops of one's own, without TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cifar10_aug.builders import paths
from cifar10_aug.data import prepared, slices
from cifar10_aug.data.description import Description
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.data.sources.official import PUBLISHED
from cifar10_aug.data.spec import SPECS
from cifar10_aug.engines.python import cores
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.errors import SourceError
from cifar10_aug.pipelines import loading, numpy_batches
from cifar10_aug.pipelines.blocks import Order
from cifar10_aug.pipelines.map_dataset import MapDataset, Opening
from cifar10_aug.pipelines.options import Augmentation, OnlineOptions
from cifar10_aug.recipes.function_pickling import Carried
from cifar10_aug.recipes.recipe import Config, Recipe

if TYPE_CHECKING:
    from cifar10_aug.builders.augmented import AugmentedBuilder

# TFDS and the builders, which take long to import, are for what is not prepared, for frozen epochs
# and for slices of splits.


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
        asked = _Asked(
            config,
            dataset,
            _local(dataset, data_dir, source),
            source,
            seed=seed,
            n_jobs=threads,
            start_epoch=start_epoch,
            augment_splits=augment_splits,
        )
        visit = _frozen if config.copies else _online
        visited = visit(asked, split, _shard(shard), bool(shuffle))
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


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What a user asks for, but for the split and its order; see `Loader`."""

    config: Config
    dataset: str
    data_dir: str | None
    source: str | os.PathLike[str] | None
    seed: int | None
    n_jobs: int
    start_epoch: int
    augment_splits: Sequence[str]

    def augmentation(self) -> Augmentation:
        """What is done to images.

        Raises:
            ValueError: if an argument is wrong.
        """
        return Augmentation.asked(
            self.config,
            SPECS[self.dataset],
            self.seed,
            slices.check(self.augment_splits),
            Execution(self.n_jobs),
            OnlineOptions(start_epoch=self.start_epoch),
        )

    def images(self) -> tuple[str, Description]:
        """Where images are prepared, in which data folder, once they are.

        Raises:
            SourceError: if there are none, or if they are damaged, or others than the source's.
        """
        root, folder = paths.folders(self.data_dir, self.dataset, PLAIN)
        paths.check_name(root)
        if not prepared.is_described(folder):
            builder = self.builder()
            return os.fspath(builder.data_dir_root), prepared.described(builder.data_dir)
        found, published = prepared.described(folder), PUBLISHED.get(self.dataset)
        if published and (path := paths.source(self.source, published)) is not None:
            from cifar10_aug.data.sources import choose

            choose.Source(path, None, published).check_prepared(folder, prepared.recorded(found))
        return root, found

    def builder(self) -> AugmentedBuilder:
        """The builder, once what it reads is prepared."""
        module = importlib.import_module(f"cifar10_aug.builders.{self.dataset}_dataset_builder")
        builder: AugmentedBuilder = module.Builder(
            config=str(self.config),
            data_dir=self.data_dir,
            seed=self.seed,
            n_jobs=self.n_jobs,
            start_epoch=self.start_epoch,
            augment_splits=self.augment_splits,
            **({} if self.source is None else {"source": self.source}),
        )
        if not builder.is_prepared():
            builder.download_and_prepare()
        builder.require_prepared()
        return builder


class _Visited(NamedTuple):
    """What is visited and in what order.

    Attributes:
        begins_at_0: whether epochs count from 0 whatever the user says.
        data_dir: the folder where it is prepared.
    """

    examples: numpy_batches.Examples
    order: numpy_batches.Order
    begins_at_0: bool
    seed: int
    data_dir: str


def _online(asked: _Asked, split: Any, shard: slices.Shard | None, shuffle: bool) -> _Visited:
    # Here, so that importing the package does not import the engine.
    from cifar10_aug.engines.numba.buffers import Buffers
    from cifar10_aug.pipelines import eager_examples, stored_batches

    augmentation = asked.augmentation()
    data_dir, info = asked.images()
    prepared.check_files(info)
    named = slices.named(split, info.splits, shard, augmentation.augment_splits)
    examples = eager_examples.of(
        named, info.splits, augmentation, Buffers(), stored_batches.without_tensorflow
    )
    order = Order(shuffle, augmentation.seed)
    at_0 = not augmentation.concerns(named)
    return _Visited(examples, order, at_0, augmentation.seed, data_dir)


def _frozen(asked: _Asked, split: Any, shard: slices.Shard | None, shuffle: bool) -> _Visited:
    from cifar10_aug.builders.frozen import Frozen
    from cifar10_aug.frozen.loading import FrozenExamples

    builder = asked.builder()
    epochs = builder._epochs
    assert isinstance(epochs, Frozen)
    encoding = epochs.image_encoding(builder)
    examples = FrozenExamples(
        builder.info, encoding, split, shard, shuffle=shuffle, seed=builder.seed
    )
    data_dir = os.fspath(builder.data_dir_root)
    return _Visited(examples, examples.order, True, builder.seed, data_dir)


def _local(dataset: str, data_dir: str | os.PathLike[str] | None, source: object) -> str | None:
    """The data folder, if it can be where a dataset's images are.

    Raises:
        SourceError: if it is a bucket.
        ValueError: if there is no such dataset, or it has no source.
    """
    if dataset not in SPECS:
        raise ValueError(f"dataset is {dataset!r}; give {', '.join(SPECS)}")
    if source is not None and dataset not in PUBLISHED:
        raise ValueError(f"{dataset} is drawn by the code; leave source out")
    place = None if data_dir is None else os.fspath(data_dir)
    if "://" in (place or paths.default()):
        raise SourceError(
            f"data_dir is {place or paths.default()!r}, and a Loader reads files of this machine "
            "only; copy the folder, or use tfds.load"
        )
    return place


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
