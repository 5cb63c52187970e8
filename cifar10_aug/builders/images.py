"""The builder of the images themselves: what is prepared once, as `plain`, for all recipes."""

from __future__ import annotations

import abc
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.writer import ExampleWriter

from cifar10_aug._compat import tensorflow_errors
from cifar10_aug.builders import paths
from cifar10_aug.data import prepared, replacing
from cifar10_aug.data.images import SHAPE, LabelledSplits
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.data.records import tfrecord
from cifar10_aug.data.sources.choose import Downloads
from cifar10_aug.data.spec import DatasetSpec


class _Info(tfds.core.DatasetInfo):
    """The metadata of a config, which may read the files of `plain`."""

    def initialize_from_bucket(self) -> None:
        """Does nothing: the public bucket has no such dataset, and asking needs a network."""

    def read_from_directory(self, dataset_info_dir: Any) -> None:
        """Takes over splits and source from the files, and stays what it is called."""
        identity: Any = self._identity  # type: ignore[has-type]
        try:
            super().read_from_directory(dataset_info_dir)
        except OSError:
            raise
        except Exception as error:
            # TFDS expects what it wrote, and raises nearly anything if it is not that.
            raise prepared.unreadable(str(dataset_info_dir), error) from error
        self._identity = identity


class _Writer(ExampleWriter):
    """Writes the files that TFDS's own writer does, byte for byte, without TensorFlow."""

    def write(self, path: Any, examples: Iterable[tuple[Any, bytes]]) -> None:
        """Writes a new file of records.

        Raises:
            OSError: if it cannot; it names the file.
        """
        try:
            with open(path, "xb") as file:
                for _, record in examples:
                    file.write(tfrecord.framed([record]).data)
        except OSError as error:
            error.filename = os.fspath(path)
            raise


class ImagesBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Images that are read from a source and prepared as `plain`.

    Attributes:
        dataset: what the images are of.
    """

    dataset: ClassVar[DatasetSpec]
    VERSION = tfds.core.Version(prepared.VERSION)
    RELEASE_NOTES = {prepared.VERSION: "First release."}
    _description = ""
    _homepage: str | None = None
    _citation: str | None = None

    def __init__(self, **kwargs: Any):
        """Constructs the builder.

        Args:
            **kwargs: as for any TFDS builder.

        Raises:
            SourceError: if TFDS cannot find files in such a data_dir.
        """
        self._to_write: LabelledSplits | None = None
        self._given_data_dir = kwargs.get("data_dir")
        if kwargs.get("data_dir") is not None:
            kwargs["data_dir"] = paths.placed(os.fspath(kwargs["data_dir"]))
        super().__init__(**kwargs)

    @abc.abstractmethod
    def _read_source(self, downloads: Downloads, manual_dir: Path) -> LabelledSplits:
        """The images to prepare.

        Args:
            downloads: where to download to, if that is needed.
            manual_dir: where users put files by hand; may be missing.

        Raises:
            SourceError: if there are none, or they are not what they should be.
        """

    def _check_prepared(self) -> None:
        """Raises a `SourceError` if what is prepared is not what the user asks for."""

    def is_prepared(self) -> bool:
        # The base class warns about a folder that is not there.
        return self.data_path.exists() and super().is_prepared()

    def _info(self) -> tfds.core.DatasetInfo:
        return _Info(
            builder=self,
            description=self._about(),
            features=tfds.features.FeaturesDict(self._features()),
            supervised_keys=("image", "label"),
            homepage=self._homepage,
            citation=self._citation,
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(),
        )

    def _about(self) -> str:
        """What the dataset is."""
        return self._description

    def _features(self) -> dict[str, Any]:
        from cifar10_aug.builders.features import RawImage

        class_label = tfds.features.ClassLabel
        return {
            "id": tfds.features.Text(),
            "image": RawImage(shape=SHAPE, dtype=np.uint8),
            "label": class_label(names=list(self.dataset.class_names)),
            **{
                one.feature: class_label(names=list(one.class_names))
                for one in self.dataset.groupings
            },
        }

    def reading_source(
        self, download_dir: Any, config: tfds.download.DownloadConfig
    ) -> Callable[[], LabelledSplits]:
        """What reads the images from their source.

        Raises:
            OSError: if the data folder cannot be written to.
        """
        paths.check_writable(os.fspath(self.data_dir_root))
        downloads = Path(download_dir or self.data_dir_root / "downloads").expanduser()
        manual = Path(config.manual_dir or downloads / "manual").expanduser()
        again = config.download_mode.force_download
        return lambda: self._read_source(Downloads(downloads, again), manual)

    def prepare_images(
        self, download_dir: Any, config: tfds.download.DownloadConfig, **kwargs: Any
    ) -> None:
        """Prepares `plain`, if it is not there yet or to be overwritten.

        Raises:
            SourceError: if there are no images to prepare, if they are not what they should be,
                or if other images than the ones asked for are prepared already.
            OSError: if the data folder cannot be written to.
        """
        final, overwrite = Path(self.data_dir), config.download_mode.overwrite_dataset
        replacing.sweep(final)
        if self.is_prepared() and not overwrite:
            self._check_prepared()
            prepared.check_files(prepared.described(self.data_dir))
            return
        # Before TFDS creates any folder, so that a bad source leaves nothing there.
        images = self.reading_source(download_dir, config)()
        about = f"{images.provenance.source} {images.provenance.name}"
        # TFDS would write of a download of unknown size, there, too.
        sys.stdout.write(f"Preparing {self.info.full_name} in {self.data_dir_root} from {about}.\n")
        kwargs = {"download_dir": download_dir, "download_config": config, **kwargs}
        if overwrite and final.exists():
            # TFDS would first delete what is there.
            with replacing.replacing(final) as place:
                type(self)(config=PLAIN, data_dir=place)._write(images, **kwargs)
        else:
            self._write(images, **kwargs)
        self.info.read_from_directory(self.data_dir)
        prepared.check_written(self.info, images)

    def _write(self, images: LabelledSplits, **kwargs: Any) -> None:
        """Writes the images as TFDS does, which asks for them in `_shard_iterators_per_split`."""
        self._to_write = images
        try:
            with tensorflow_errors.of_files(), replacing.writing(Path(self.data_dir)):
                super().download_and_prepare(**kwargs)
        except OSError:
            # Another process may have prepared images in the meantime.
            if not self.is_prepared():
                raise
        finally:
            self._to_write = None

    def _example_writer(self) -> ExampleWriter:
        # TensorFlow alone writes to buckets.
        if "://" in os.fspath(self.data_dir):
            return super()._example_writer()
        return _Writer(self.info.file_format)

    def _shard_iterators_per_split(self, dl_manager: Any) -> dict[str, list[Callable[[], Any]]]:
        assert self._to_write is not None, "prepared through download_and_prepare"
        self.info.metadata.update(prepared.metadata(self._to_write))
        return prepared.shard_iterators(self._to_write, self.dataset)

    def _log_download_bytes(self) -> None:
        """Does nothing; see `prepare_images`."""

    def _log_download_done(self) -> None:
        """Does nothing; see `prepare_images`."""

    def prepared_images(self, read_source: Callable[[], LabelledSplits]) -> LabelledSplits:
        """The images that are prepared, or else the source's.

        Raises:
            SourceError: if there are none, or if they are damaged or not the ones asked for.
        """
        if not self.is_prepared():
            return read_source()
        self._check_prepared()
        return prepared.read(prepared.described(self.data_dir))
