"""The TFDS face: what the datasets, published ones and the drawn sample, have in common.

One prepared dataset, `plain`, holds the images. Every online config reads its files and owns no
folder, so there is nothing on disk that TFDS could mistake for augmented images. A config of frozen
epochs (`…-xN`) has its own folder.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import file_utils

from cifar10_aug._compat import fork_safety, tensorflow_errors
from cifar10_aug._compat.mock_data import mocked
from cifar10_aug.builders import paths
from cifar10_aug.builders.configs import RecipeConfig, RecipeConfigs
from cifar10_aug.data import prepared as plain
from cifar10_aug.data import replacing
from cifar10_aug.data.images import SHAPE, Cifar10
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.data.sources.choose import Downloads
from cifar10_aug.data.spec import DatasetSpec
from cifar10_aug.engines import arguments
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.errors import RecipeError, SourceError
from cifar10_aug.frozen import freezing, random_access, stored
from cifar10_aug.pipelines.options import OnlineOptions
from cifar10_aug.recipes.presets import DEFAULT, PRESETS
from cifar10_aug.recipes.recipe import Config, Recipe
from cifar10_aug.rng import draws


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
            raise plain.unreadable(str(dataset_info_dir), error) from error
        self._identity = identity


class AugmentedBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Images under a recipe.

    Attributes:
        dataset: what it is that recipes run on.
        recipe: the recipe of the config.
        seed: what all draws are keyed by.
        augment_splits: the splits that are augmented.
        execution: how registered functions run.
        online_options: how epochs are made while they are read.
    """

    dataset: ClassVar[DatasetSpec]
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    BUILDER_CONFIGS = [
        RecipeConfig(name=preset.name, description=preset.about) for preset in PRESETS.values()
    ]
    DEFAULT_BUILDER_CONFIG_NAME = DEFAULT
    builder_configs = RecipeConfigs(BUILDER_CONFIGS)

    def __init__(
        self,
        *,
        seed: int | None = 0,
        augment_splits: Sequence[str] = ("train",),
        n_jobs: int | None = None,
        backend: str | None = None,
        image_encoding: str | None = None,
        engine: str = "eager",
        jit_compile: bool = False,
        start_epoch: int = 0,
        start_step: int = 0,
        **kwargs: Any,
    ):
        """Constructs the builder.

        Args:
            seed: 0 to 2**64 - 1; None draws a fresh one, to be read from `builder.seed`. Frozen
                epochs have theirs in the config's name.
            augment_splits: the splits that are augmented; the others get value-range ops only.
                Frozen epochs are made of the training split only.
            n_jobs: workers that run registered functions, or processes that write frozen epochs;
                None or -1 is one for each core. The number changes no pixel, and configs that
                need no workers ignore it.
            backend: where registered functions run, "loky" (processes) or "threading"; None is as
                each was registered. Configs that run none ignore it.
            image_encoding: how frozen epochs store images: "raw" or "png"; None is what is stored
                already, or else "raw".
            engine: "eager" (compiled loops, called from TensorFlow) or "graph" (TensorFlow alone,
                which can be sent to other processes).
            jit_compile: whether XLA compiles the graph.
            start_epoch: the number of the first epoch of splits that are augmented.
            start_step: how many batches of that epoch are left out, and not computed.
            **kwargs: data_dir, config, version and, for frozen epochs, file_format ("tfrecord" or
                "array_record"), as for any TFDS builder.

        Raises:
            RecipeError: if the config is no recipe.
            SourceError: if TFDS cannot find files in such a data_dir.
            ValueError: if another argument is wrong.
        """
        config = _parsed(kwargs.get("config"))
        freezing.check_file_format(config, kwargs.get("file_format"))
        if isinstance(augment_splits, str) or not set(augment_splits) <= set(draws.SPLIT_NUMBERS):
            raise ValueError(
                f"augment_splits is {augment_splits!r}; give a list of "
                f"{' and '.join(draws.SPLIT_NUMBERS)}, for example ('train',)"
            )
        self.execution = Execution(n_jobs, backend)
        self._options = freezing.Options(self.execution.jobs, image_encoding)
        freezing.check_options(config, self._options)
        self.online_options = OnlineOptions(engine, jit_compile, start_epoch, start_step)
        self.online_options.check(config)
        if config.copies:
            freezing.check_arguments(config, seed, augment_splits)
            seed = config.seed
        if seed is None:
            seed = secrets.randbits(64)
        self.seed = arguments.checked("seed", seed, draws.SEED_LIMIT)
        self.augment_splits = tuple(augment_splits)
        self._to_write: Cifar10 | None = None
        if kwargs.get("data_dir") is not None:
            kwargs["data_dir"] = paths.placed(os.fspath(kwargs["data_dir"]))
        super().__init__(**kwargs)
        # What a copy in another process is made from.
        self._original_state.update(
            seed=self.seed,
            augment_splits=self.augment_splits,
            n_jobs=n_jobs,
            backend=backend,
            image_encoding=image_encoding,
            **dataclasses.asdict(self.online_options),
        )

    @functools.cached_property
    def recipe(self) -> Recipe:
        return self.builder_config.recipe.on(self.dataset)

    @abc.abstractmethod
    def _read_source(self, downloads: Downloads, manual_dir: Path) -> Cifar10:
        """The images to prepare.

        Args:
            downloads: where to download to, if that is needed.
            manual_dir: where users put files by hand; may be missing.

        Raises:
            SourceError: if there are none, or they are not what they should be.
        """

    def _check_prepared(self) -> None:
        """Raises a `SourceError` if what is prepared is not what the user asks for."""

    # What TFDS asks for.

    def _build_data_dir(self, given_data_dir: str | None) -> tuple[str, str]:
        """The folder of `plain`, for every online config."""
        root, folder = file_utils.get_data_dir_and_dataset_dir(
            given_data_dir=given_data_dir,
            builder_name=self.name,
            config_name=self.builder_config.name if self.builder_config.copies else PLAIN,
            version=self.version,
        )
        paths.check_name(os.fspath(root))
        if "://" not in os.fspath(folder):
            replacing.recover(Path(folder))
        return os.fspath(root), os.fspath(folder)

    def is_prepared(self) -> bool:
        # The base class warns about a folder that is not there.
        return self.data_path.exists() and super().is_prepared()

    @property
    def image_encoding(self) -> str:
        """How frozen epochs store images, "raw" or "png"."""
        return self._options.image_encoding or stored.image_encoding(self.data_path) or "raw"

    def _info(self) -> tfds.core.DatasetInfo:
        from cifar10_aug.builders.features import RawImage, SoftLabel

        features = {
            "id": tfds.features.Text(),
            "image": RawImage(shape=SHAPE, dtype=np.dtype(self.recipe.dtype)),
            "label": SoftLabel(self.dataset.class_names)
            if self.recipe.softens
            else tfds.features.ClassLabel(names=list(self.dataset.class_names)),
        }
        for one in self.dataset.groupings:
            features[one.feature] = tfds.features.ClassLabel(names=list(one.class_names))
        if self.builder_config.copies:
            features["copy"] = tfds.features.Scalar(np.int64, doc="the number of the frozen epoch")
            if self.image_encoding == "png":
                features["image"] = tfds.features.Image(shape=SHAPE, encoding_format="png")
        return _Info(
            builder=self,
            description=self._description,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "label"),
            homepage=self._homepage,
            citation=self._citation,
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(),
        )

    _description = ""
    _homepage: str | None = None
    _citation: str | None = None

    def download_and_prepare(
        self,
        *,
        download_dir: Any = None,
        download_config: tfds.download.DownloadConfig | None = None,
        **kwargs: Any,
    ) -> None:
        """Prepares `plain`, or frozen epochs, if they are not there yet; see the base class.

        Raises:
            SourceError: if there are no images to prepare, if they are not what they should be,
                or if other images than the ones asked for are prepared already.
            ExportError: if frozen epochs cannot be written.
            OSError: if the data folder cannot be written to.
        """
        if mocked(theirs := super().download_and_prepare):
            theirs(download_dir=download_dir, download_config=download_config, **kwargs)
            return
        freezing.check_file_format(self.builder_config.parsed, kwargs.get("file_format"))
        if self.builder_config_name != PLAIN and not self.builder_config.copies:
            self._plain().download_and_prepare(
                download_dir=download_dir, download_config=download_config, **kwargs
            )
            self.info.read_from_directory(self.data_dir)
            return
        config = download_config or tfds.download.DownloadConfig()
        config = config.replace(try_download_gcs=False)
        if not self.builder_config.copies:
            replacing.sweep(Path(self.data_dir))
        if self.is_prepared() and not config.download_mode.overwrite_dataset:
            self._check_prepared()
            if self.builder_config.copies:
                freezing.check_prepared(self, kwargs.get("file_format"))
            return
        paths.check_writable(os.fspath(self.data_dir_root))
        downloads = Path(download_dir or self.data_dir_root / "downloads").expanduser()
        manual = Path(config.manual_dir or downloads / "manual").expanduser()

        def read_source() -> Cifar10:
            again = config.download_mode.force_download
            return self._read_source(Downloads(downloads, again), manual)

        if self.builder_config.copies:
            file_format = kwargs.get("file_format") or freezing.for_random_access()
            if not freezing.freeze(self, self._options, config, file_format, read_source):
                # Another process has written them in the meantime.
                self._check_prepared()
                freezing.check_prepared(self, kwargs.get("file_format"))
            return
        # Before TFDS creates any folder, so that a bad source leaves nothing there.
        images = read_source()
        about = f"{images.provenance.source} {images.provenance.name}"
        # TFDS would write of a download of unknown size, there, too.
        sys.stdout.write(f"Preparing {self.info.full_name} in {self.data_dir_root} from {about}.\n")
        kwargs = {"download_dir": downloads, "download_config": config, **kwargs}
        final = Path(self.data_dir)
        if config.download_mode.overwrite_dataset and final.exists():
            # TFDS would first delete what is there.
            with replacing.replacing(final) as place:
                type(self)(config=PLAIN, data_dir=place)._write(images, **kwargs)
        else:
            self._write(images, **kwargs)
        self.info.read_from_directory(self.data_dir)
        plain.check_written(self.info, images)

    def _write(self, images: Cifar10, **kwargs: Any) -> None:
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

    def _log_download_bytes(self) -> None:
        """Does nothing; see `download_and_prepare`."""

    def _log_download_done(self) -> None:
        """Does nothing; see `download_and_prepare`."""

    def images(self, read_source: Callable[[], Cifar10]) -> Cifar10:
        """The images that are prepared as `plain` in the same place, or else the source's.

        Raises:
            SourceError: if there are none, or if they are damaged or not the ones asked for.
        """
        prepared = self._plain()
        if not prepared.is_prepared():
            return read_source()
        prepared._check_prepared()
        return plain.read(prepared.info)

    def _plain(self) -> AugmentedBuilder:
        """The builder of the images themselves, in the same place."""
        options = (field.name for field in dataclasses.fields(OnlineOptions))
        about_this = {
            *("config", "file_format", "seed", "n_jobs", "backend", "image_encoding"),
            *options,
        }
        kwargs = {k: v for k, v in self._original_state.items() if k not in about_this}
        return type(self)(config=PLAIN, **kwargs)

    def _shard_iterators_per_split(self, dl_manager: Any) -> dict[str, list[Callable[[], Any]]]:
        assert self._to_write is not None, "prepared through download_and_prepare"
        self.info.metadata.update(plain.metadata(self._to_write))
        return plain.shard_iterators(self._to_write, self.dataset)

    def as_dataset(
        self,
        split: Any = None,
        *,
        batch_size: int | None = None,
        shuffle_files: bool = False,
        decoders: Any = None,
        read_config: tfds.ReadConfig | None = None,
        as_supervised: bool = False,
    ) -> Any:
        """The augmented pipeline; arguments and results as for any TFDS builder.

        Args:
            split: as in the base class.
            batch_size: examples in a batch; None for single examples, -1 for everything at once.
            shuffle_files: visits all examples of the split in a new random order each epoch.
            decoders: must be None: images are decoded already.
            read_config: `shuffle_seed` seeds the order (by default the builder's seed does);
                `shuffle_reshuffle_each_iteration`, `input_context`, `repeat_filenames`,
                `add_tfds_id`, `skip_prefetch` and `options` mean what they mean in TFDS; options
                about files do nothing, since images are read from memory.
            as_supervised: (image, label) instead of a dict.

        Raises:
            SourceError: if the images are not prepared, damaged, or not those of the source that
                the builder was told.
            ValueError: if an argument is wrong.
            RuntimeError: in a process that was forked while TensorFlow was running, or inside a
                `tf.function` or `tf.Graph`, where epochs would not differ.
        """
        if decoders is not None:
            raise ValueError(
                "decoders must be None, since images are decoded already; "
                "leave decoders out and use .map() on the dataset"
            )
        if batch_size is not None and (
            isinstance(batch_size, bool)
            or not isinstance(batch_size, (int, np.integer))
            or (batch_size < 1 and batch_size != -1)
        ):
            raise ValueError(
                f"batch_size is {batch_size!r}; give a positive whole number, "
                "None for single examples or -1 for everything at once"
            )
        if not mocked(super().as_dataset):
            self._require_prepared()
        return super().as_dataset(
            split=split,
            batch_size=batch_size,
            shuffle_files=shuffle_files,
            decoders=decoders,
            read_config=read_config,
            as_supervised=as_supervised,
        )

    def _require_prepared(self) -> None:
        """Raises a `SourceError` if nothing is prepared, or not what the user asks for."""
        if not self.is_prepared():
            what = "frozen epochs" if self.builder_config.copies else "images"
            raise SourceError(
                f"{self.name}: no {what} are prepared in {self.data_dir_root}; "
                "let tfds.load download them (download=True), "
                "or call builder.download_and_prepare()"
            )
        self._check_prepared()

    def _build_single_dataset(
        self,
        split: Any,
        batch_size: int | None,
        shuffle_files: bool,
        decoders: Any,
        read_config: tfds.ReadConfig,
        as_supervised: bool,
    ) -> Any:
        """One split; makes whole batches, where the base class would cache and batch examples."""
        if mocked(super()._as_dataset):
            return super()._build_single_dataset(
                split, batch_size, shuffle_files, decoders, read_config, as_supervised
            )
        fork_safety.check()
        import tensorflow as tf

        from cifar10_aug.pipelines import online

        dataset = freezing.dataset if self.builder_config.copies else online.dataset
        # What tf.data traces here has no Python control flow over tensors, and AutoGraph, which
        # looks for that, would take seconds.
        dataset = tf.autograph.experimental.do_not_convert(dataset)
        return dataset(
            self, split, batch_size, shuffle_files, read_config, as_supervised=as_supervised
        )

    def as_data_source(self, *args: Any, **kwargs: Any) -> Any:
        """Random access to frozen epochs that are stored as array_record; see the base class.

        Raises:
            RecipeError: if the config is online: its files hold images that are not augmented.
            ValueError: if the epochs are stored as tfrecord.
            SourceError: if nothing is prepared.
            ExportError: if the epochs are damaged; what is read may raise it, too.
        """
        if not self.builder_config.copies:
            raise RecipeError(
                f"{self.recipe.name!r} is made while it is read, so there is no random access to "
                "it; use tfds.load, or cifar10_aug.Recipe.parse(name)(images, ids=…, epoch=…) on "
                "your own arrays"
            )
        if mocked(super().as_data_source):
            return super().as_data_source(*args, **kwargs)
        self._require_prepared()
        stored.check_file_kind(self, "array_record", "tfds.load")
        stored.check_whole(self)
        sources = super().as_data_source(*args, **kwargs)
        random_access.check(sources, Path(self.data_dir))
        return sources


def _parsed(config: Any) -> Config:
    """What a builder's `config` argument asks for."""
    return Config.parse(DEFAULT if config is None else getattr(config, "name", config))
