"""What builders do for configs of frozen epochs, `…-xN`, which have a separate folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from cifar10_aug._compat.mock_data import mocked
from cifar10_aug.data.images import SHAPE
from cifar10_aug.frozen import freezing, random_access, stored
from cifar10_aug.frozen.shards import Frozen as Shards
from cifar10_aug.recipes.recipe import Config

if TYPE_CHECKING:
    from cifar10_aug.builders.augmented import AugmentedBuilder


@dataclasses.dataclass(frozen=True)
class Frozen:
    """Epochs in files, in the config's own folder.

    Attributes:
        config: how many epochs of which recipe.
        options: what the builder is told about writing them.
        held: what is prepared.
        about: nothing; the files' metadata say what they are.
    """

    config: Config
    options: freezing.Options
    held: ClassVar[str] = "frozen epochs"
    about: ClassVar[str] = ""

    @property
    def seed(self) -> int:
        return self.config.seed

    def folder(self, config_name: str) -> str:
        """Which config's folder holds what is read."""
        return config_name

    def image_encoding(self, builder: AugmentedBuilder) -> str:
        """How images are stored, "raw" or "png": as asked for, as they are, or raw."""
        return self.options.image_encoding or stored.image_encoding(builder.data_path) or "raw"

    def features(self, builder: AugmentedBuilder) -> dict[str, Any]:
        """Those that differ from the features of augmented images."""
        copy = tfds.features.Scalar(np.int64, doc="the number of the frozen epoch")
        if self.image_encoding(builder) == "raw":
            return {"copy": copy}
        return {"copy": copy, "image": tfds.features.Image(shape=SHAPE, encoding_format="png")}

    def prepare(
        self,
        builder: AugmentedBuilder,
        download_dir: Any,
        config: tfds.download.DownloadConfig,
        *,
        file_format: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes the epochs, if they are not there yet.

        Raises:
            SourceError: if there are no images to augment, or others than the ones asked for.
            ExportError: if they cannot be written, or are stored otherwise than asked for.
            OSError: if the data folder cannot be written to.
        """
        there = builder.is_prepared() and not config.download_mode.overwrite_dataset
        if there or not self._write(builder, download_dir, config, file_format):
            builder._check_prepared()
            encoding = self.image_encoding(builder)
            freezing.check_prepared(builder.info, encoding, file_format)

    def _write(
        self,
        builder: AugmentedBuilder,
        download_dir: Any,
        config: tfds.download.DownloadConfig,
        file_format: Any,
    ) -> bool:
        """Whether it has written the epochs; if not, another process has in the meantime."""
        read_source = builder.reading_source(download_dir, config)
        # Separate metadata, since the builder's may be of a dataset that is to be overwritten.
        info = builder._info()
        asked = file_format or freezing.for_random_access() or builder.info.file_format
        info.set_file_format(asked)
        frozen = Shards(
            dataset=builder.name,
            recipe=str(self.config.recipe),
            copies=self.config.copies,
            seed=self.config.seed,
            file_format=info.file_format.value,
            image_encoding=self.image_encoding(builder),
        )
        written = freezing.freeze(
            frozen,
            builder.data_dir,
            info,
            self.options,
            config,
            lambda: builder.plain().prepared_images(read_source),
        )
        builder.info.set_file_format(
            info.file_format, override=True, override_if_initialized=builder.info.initialized
        )
        builder.info.read_from_directory(builder.data_dir)
        return written

    def dataset(self, builder: AugmentedBuilder, *args: Any, **kwargs: Any) -> Any:
        """See `freezing.dataset`."""
        import tensorflow as tf

        # As in `Online.dataset`.
        dataset = tf.autograph.experimental.do_not_convert(freezing.dataset)
        encoding = self.image_encoding(builder)
        return dataset(builder.info, encoding, self.seed, *args, **kwargs)

    def data_source(
        self, builder: AugmentedBuilder, theirs: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """What TFDS's own method `theirs` returns for these arguments, with this package's errors.

        Raises:
            SourceError: if nothing is prepared.
            ValueError: if the epochs are stored as tfrecord.
            ExportError: if they are damaged.
        """
        if mocked(theirs):
            return theirs(*args, **kwargs)
        builder.require_prepared()
        stored.check_file_kind(builder.info, "array_record", "tfds.load")
        stored.check_whole(builder.info)
        sources = theirs(*args, **kwargs)
        random_access.check(sources, Path(builder.data_dir))
        return sources
