"""The TFDS face: what the two datasets, CIFAR-10 and the drawn sample, have in common.

One prepared dataset, `plain`, holds the images. Every online config reads its files and owns no
folder, so there is nothing on disk that TFDS could mistake for augmented images.
"""

from __future__ import annotations

import abc
import dataclasses
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import file_utils, tqdm_utils

from cifar10_aug import draws
from cifar10_aug._version import VERSION
from cifar10_aug.configs import RecipeConfig, RecipeConfigs
from cifar10_aug.engines import eager
from cifar10_aug.errors import RecipeError, SourceError
from cifar10_aug.presets import DEFAULT, PRESETS
from cifar10_aug.recipe import Recipe
from cifar10_aug.source.images import SHAPE, Cifar10, LabelledImages

if TYPE_CHECKING:
    import tensorflow as tf

PLAIN = "plain"
_IMAGES_A_SHARD = 10_000
# Of the files that `plain` is stored in.
FORMAT_VERSION = 1


class _Info(tfds.core.DatasetInfo):
    """The metadata of a config that reads the files of `plain`."""

    def initialize_from_bucket(self) -> None:
        """Does nothing: the public bucket has no such dataset, and asking needs a network."""

    def read_from_directory(self, dataset_info_dir: Any) -> None:
        """Takes over splits and source from the files, and stays what it is called."""
        identity: Any = self._identity  # type: ignore[has-type]
        super().read_from_directory(dataset_info_dir)
        self._identity = identity


class AugmentedBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Images under a recipe.

    Attributes:
        recipe: the recipe of the config.
        seed: what all draws are keyed by.
    """

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
        **kwargs: Any,
    ):
        """Constructs the builder.

        Args:
            seed: 0 to 2**64 - 1; None draws a fresh one, to be read from `builder.seed`.
            augment_splits: the splits that are augmented; the others get value-range ops only.
            **kwargs: data_dir, config and version, as for any TFDS builder.

        Raises:
            RecipeError: if the config is no recipe.
            ValueError: if seed or augment_splits are wrong.
        """
        if seed is None:
            seed = secrets.randbits(64)
        self.seed = eager.checked("seed", seed, draws.SEED_LIMIT)
        if isinstance(augment_splits, str) or not set(augment_splits) <= set(draws.SPLIT_NUMBERS):
            raise ValueError(
                f"augment_splits is {augment_splits!r}; give a list of "
                f"{' and '.join(draws.SPLIT_NUMBERS)}, for example ('train',)"
            )
        self._augment_splits = tuple(augment_splits)
        _check_file_format(kwargs.get("file_format"))
        self._to_write: Cifar10 | None = None
        super().__init__(**kwargs)
        # What a copy in another process is made from.
        self._original_state.update(seed=self.seed, augment_splits=self._augment_splits)

    @property
    def recipe(self) -> Recipe:
        return self.builder_config.recipe

    @property
    @abc.abstractmethod
    def _label_names(self) -> Sequence[str]:
        """The ten classes."""

    @abc.abstractmethod
    def _read_source(self, make_manager: Callable[[], Any], manual_dir: Path) -> Cifar10:
        """The images to prepare.

        Args:
            make_manager: makes TFDS's download manager, which creates folders.
            manual_dir: where users put files by hand; may be missing.

        Raises:
            SourceError: if there are none, or they are not what they should be.
        """

    def _check_prepared(self) -> None:
        """Raises a `SourceError` if what is prepared is not what the user asks for."""

    # What TFDS asks for.

    def _build_data_dir(self, given_data_dir: str | None) -> tuple[str, str]:
        """The folder of `plain`, for every config."""
        root, folder = file_utils.get_data_dir_and_dataset_dir(
            given_data_dir=given_data_dir,
            builder_name=self.name,
            config_name=PLAIN,
            version=self.version,
        )
        return os.fspath(root), os.fspath(folder)

    def is_prepared(self) -> bool:
        # The base class warns about a folder that is not there.
        return self.data_path.exists() and super().is_prepared()

    def _info(self) -> tfds.core.DatasetInfo:
        from cifar10_aug.features import RawImage

        return _Info(
            builder=self,
            description=self._description,
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(),
                    "image": RawImage(shape=SHAPE, dtype=np.dtype(self.recipe.dtype)),
                    "label": tfds.features.ClassLabel(names=list(self._label_names)),
                }
            ),
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
        """Prepares `plain`, if it is not there yet; see the base class.

        Raises:
            SourceError: if there are no images to prepare, if they are not what they should be,
                or if other images than the ones asked for are prepared already.
        """
        _check_file_format(kwargs.get("file_format"))
        if self.builder_config_name != PLAIN:
            self._plain().download_and_prepare(
                download_dir=download_dir, download_config=download_config, **kwargs
            )
            self.info.read_from_directory(self.data_dir)
            return
        config = download_config or tfds.download.DownloadConfig()
        config = config.replace(try_download_gcs=False)
        if self.is_prepared() and not config.download_mode.overwrite_dataset:
            self._check_prepared()
            return
        downloads = Path(download_dir or self.data_dir_root / "downloads").expanduser()
        manual = Path(config.manual_dir or downloads / "manual").expanduser()
        # Before TFDS creates any folder, so that a bad source leaves nothing behind.
        self._to_write = self._read_source(
            lambda: self._make_download_manager(download_dir=downloads, download_config=config),
            manual,
        )
        try:
            super().download_and_prepare(download_dir=downloads, download_config=config, **kwargs)
        except OSError:
            # Another process may have prepared the same images in the meantime.
            if not self.is_prepared():
                raise
        finally:
            self._to_write = None
        if not self.info.splits:
            self.info.read_from_directory(self.data_dir)

    def _plain(self) -> AugmentedBuilder:
        """The builder of the images themselves, in the same place."""
        kwargs = {**self._original_state, "config": PLAIN}
        return type(self)(**kwargs)

    def _shard_iterators_per_split(self, dl_manager: Any) -> dict[str, list[Callable[[], Any]]]:
        assert self._to_write is not None, "prepared through download_and_prepare"
        provenance = self._to_write.provenance
        self.info.metadata.update(
            {
                **dataclasses.asdict(provenance),
                "content": self._to_write.content_digest(),
                "package_version": VERSION,
                "format_version": FORMAT_VERSION,
            }
        )
        return {
            name: [
                _ShardExamples(name, split, first)
                for first in range(0, len(split), _IMAGES_A_SHARD)
            ]
            for name, split in self._to_write.splits.items()
        }

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
            decoders: must be None: images are stored raw.
            read_config: `shuffle_seed` seeds the order (by default the builder's seed does);
                `shuffle_reshuffle_each_iteration`, `input_context`, `repeat_filenames`,
                `add_tfds_id`, `skip_prefetch` and `options` mean what they mean in TFDS; options
                about files do nothing, since images are read from memory.
            as_supervised: (image, label) instead of a dict.

        Raises:
            SourceError: if the images are not prepared, or damaged.
            ValueError: if an argument is wrong.
        """
        if not self.is_prepared():
            raise SourceError(
                f"{self.name}: no images are prepared in {self.data_dir_root}; "
                "let tfds.load download them (download=True), "
                "or call builder.download_and_prepare()"
            )
        if decoders is not None:
            raise ValueError(
                "decoders have nothing to decode, since images are stored raw; "
                "leave decoders out and use .map() on the dataset"
            )
        if batch_size is not None and (
            isinstance(batch_size, bool) or (batch_size < 1 and batch_size != -1)
        ):
            raise ValueError(
                f"batch_size is {batch_size!r}; give a positive number, "
                "None for single examples or -1 for everything at once"
            )
        import tensorflow as tf

        config = read_config or tfds.ReadConfig()
        if split is None:
            split = {name: name for name in self.info.splits}
        return tf.nest.map_structure(
            lambda one: self._one_dataset(one, batch_size, shuffle_files, config, as_supervised),
            split,
        )

    def _as_dataset(
        self, split: Any, decoders: Any = None, read_config: Any = None, shuffle_files: bool = False
    ) -> tf.data.Dataset:
        return self.as_dataset(
            split, decoders=decoders, read_config=read_config, shuffle_files=shuffle_files
        )

    def as_data_source(self, *args: Any, **kwargs: Any) -> Any:
        """Not offered: it would read files, and those hold images that are not augmented.

        Raises:
            RecipeError: always.
        """
        raise RecipeError(
            f"{self.recipe.name!r} is made while it is read, so there is no random access to it; "
            "use tfds.load, or cifar10_aug.Recipe.parse(name)(images, ids=…, epoch=…) on your own "
            "arrays"
        )

    def _one_dataset(
        self,
        split: Any,
        batch_size: int | None,
        shuffle_files: bool,
        config: tfds.ReadConfig,
        as_supervised: bool,
    ) -> Any:
        from cifar10_aug import examples, pipeline

        chosen = examples.select(split, self.info.splits, self._engine, config.input_context)
        everything = batch_size == -1
        order_seed = self.seed if config.shuffle_seed is None else config.shuffle_seed
        ds = pipeline.dataset(
            chosen,
            pipeline.Order(
                shuffle_files,
                eager.checked("shuffle_seed", order_seed, draws.SEED_LIMIT),
                reshuffle=config.shuffle_reshuffle_each_iteration is not False,
            ),
            batch_size=len(chosen) if everything else batch_size,
            as_supervised=as_supervised,
            add_tfds_id=config.add_tfds_id,
            repeat=config.repeat_filenames and not everything,
            options=config.options,
            prefetch=not config.skip_prefetch,
        )
        return ds.get_single_element() if everything else ds

    def _engine(self, split: str) -> eager.Engine:
        recipe = self.recipe if split in self._augment_splits else self.recipe.clean
        return eager.Engine(recipe, self.seed, *SHAPE[:2])


def _check_file_format(file_format: Any) -> None:
    if file_format is not None and str(getattr(file_format, "value", file_format)) != "tfrecord":
        raise ValueError(
            f"file_format is {file_format!r}; the images are stored as tfrecord and read back "
            "whole, so leave file_format out"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class _ShardExamples:
    """The examples of one file, in official order; picklable."""

    name: str
    split: LabelledImages
    first: int

    def __call__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        numbers = range(self.first, min(self.first + _IMAGES_A_SHARD, len(self.split)))
        what = f"Writing {self.name} from image {self.first}"
        # disable=None: a bar on a terminal, nothing in a log.
        for number in tqdm_utils.tqdm(
            numbers, desc=what, unit=" images", leave=False, disable=None
        ):
            yield (
                number,
                {
                    "id": f"{self.name}_{number:05d}",
                    "image": self.split.images[number],
                    "label": int(self.split.labels[number]),
                },
            )
