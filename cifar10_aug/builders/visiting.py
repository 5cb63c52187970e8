"""What a `Loader` visits, and in what order.

TFDS and the builders, which take long to import, are for what is not prepared, for frozen epochs
and for slices of splits.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cifar10_aug.builders import paths
from cifar10_aug.data import prepared, slices
from cifar10_aug.data.description import Description
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.data.sources.official import PUBLISHED
from cifar10_aug.data.spec import SPECS
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.errors import SourceError
from cifar10_aug.pipelines import numpy_batches
from cifar10_aug.pipelines.blocks import Examples, Order
from cifar10_aug.pipelines.options import Augmentation, OnlineOptions
from cifar10_aug.recipes.recipe import Config

if TYPE_CHECKING:
    from cifar10_aug.builders.augmented import AugmentedBuilder


class Visited(NamedTuple):
    """What is visited and in what order.

    Attributes:
        begins_at_0: whether epochs count from 0 whatever the user says.
        data_dir: the folder where it is prepared.
    """

    examples: Examples
    order: numpy_batches.Order
    begins_at_0: bool
    seed: int
    data_dir: str


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a user asks for, but for the split and its order; see `Loader`."""

    config: Config
    dataset: str
    data_dir: str | None
    source: str | os.PathLike[str] | None
    seed: int | None
    n_jobs: int
    start_epoch: int
    augment_splits: Sequence[str]

    def visited(self, split: Any, shard: slices.Shard | None, *, shuffle: bool) -> Visited:
        """The examples that a split argument names, once they are prepared.

        Raises:
            ExportError, SourceError, ValueError: see `Loader`.
        """
        return (_frozen if self.config.copies else _online)(self, split, shard, shuffle)

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


def _online(asked: Asked, split: Any, shard: slices.Shard | None, shuffle: bool) -> Visited:
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
    return Visited(examples, order, at_0, augmentation.seed, data_dir)


def _frozen(asked: Asked, split: Any, shard: slices.Shard | None, shuffle: bool) -> Visited:
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
    return Visited(examples, examples.order, True, builder.seed, data_dir)


def local(dataset: str, data_dir: str | os.PathLike[str] | None, source: object) -> str | None:
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
