"""The TFDS face: what the two datasets, CIFAR-10 and the drawn sample, have in common.

One prepared dataset, `plain`, holds the images. Every online config reads its files and owns no
folder, so there is nothing on disk that TFDS could mistake for augmented images.
"""

from __future__ import annotations

import abc
import dataclasses
import os
import secrets
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import file_utils

from cifar10_aug import draws
from cifar10_aug.engines import eager
from cifar10_aug.errors import RecipeError, SourceError
from cifar10_aug.presets import DEFAULT, PRESETS
from cifar10_aug.recipe import Config, Recipe
from cifar10_aug.source.images import SHAPE, Cifar10, LabelledImages

if TYPE_CHECKING:
    import tensorflow as tf

    from cifar10_aug.pipeline import Part

PLAIN = "plain"
_IMAGES_A_SHARD = 10_000
# Of the files that `plain` is stored in.
FORMAT_VERSION = 1


@dataclasses.dataclass(eq=False)
class RecipeConfig(tfds.core.BuilderConfig):
    """A config whose name is a recipe."""

    @property
    def recipe(self) -> Recipe:
        return Config.parse(self.name).recipe


class _RecipeConfigs(Mapping[str, RecipeConfig]):
    """Every recipe is a config; iterating lists the presets.

    Looking up a name that is no recipe raises a `RecipeError`, so that users see what is wrong
    with it instead of a list of similar names.
    """

    def __init__(self, presets: Sequence[RecipeConfig]):
        self._presets = {config.name: config for config in presets}
        # TFDS compares configs by identity, so one that is in use is handed out again.
        self._others: weakref.WeakValueDictionary[str, RecipeConfig] = (
            weakref.WeakValueDictionary()
        )

    def __getitem__(self, name: str) -> RecipeConfig:
        if name in self._presets:
            return self._presets[name]
        if ":" in name:
            # TFDS first asks for "config:version"; no config has several versions.
            raise KeyError(name)
        config = Config.parse(name)
        if config.copies:
            raise RecipeError(
                f"{name!r}: frozen epochs (-x{config.copies}) cannot be prepared by this version; "
                f"load {config.recipe.name!r} and read epochs 0 to {config.copies - 1} from it"
            )
        spelled = str(config)
        if spelled in self._presets:
            return self._presets[spelled]
        made = RecipeConfig(name=spelled, description=f"The recipe {spelled}.")
        return self._others.setdefault(spelled, made)

    def __iter__(self) -> Iterator[str]:
        return iter(self._presets)

    def __len__(self) -> int:
        return len(self._presets)


class _Info(tfds.core.DatasetInfo):
    """The metadata of a config that reads the files of `plain`."""

    def initialize_from_bucket(self) -> None:
        """Does nothing: the public bucket has no such dataset, and asking needs a network."""

    def read_from_directory(self, dataset_info_dir: Any) -> None:
        """Takes over splits and source from the files, and stays what it is called."""
        identity = self._identity
        super().read_from_directory(dataset_info_dir)
        self._identity = identity


class AugmentedBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):
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
    builder_configs = _RecipeConfigs(BUILDER_CONFIGS)

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
            **kwargs: data_dir, config, version and file_format, as for any TFDS builder.

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
        self._to_write: Cifar10 | None = None
        super().__init__(**kwargs)
        # What a copy in another process is made from.
        self._original_state.update(
            seed=self.seed,
            augment_splits=self._augment_splits,
            file_format=kwargs.get("file_format"),
        )

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
            lambda: self._make_download_manager(
                download_dir=downloads, download_config=config
            ),
            manual,
        )
        try:
            super().download_and_prepare(
                download_dir=downloads, download_config=config, **kwargs
            )
        except OSError:
            # Another process may have prepared the same images in the meantime.
            if not self.is_prepared():
                raise
            self.info.read_from_directory(self.data_dir)
        finally:
            self._to_write = None

    def _plain(self) -> AugmentedBuilder:
        """The builder of the images themselves, in the same place."""
        kwargs = {**self._original_state, "config": PLAIN}
        return type(self)(**kwargs)

    def _shard_iterators_per_split(self, dl_manager: Any) -> dict[str, list[Callable[[], Any]]]:
        assert self._to_write is not None, "prepared through download_and_prepare"
        import cifar10_aug

        provenance = self._to_write.provenance
        self.info.metadata.update(
            {
                **dataclasses.asdict(provenance),
                "content": self._to_write.content_digest(),
                "package_version": cifar10_aug.__version__,
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
        """Random access, for `plain` only: it reads files, and only `plain` has any.

        Raises:
            RecipeError: for any other recipe.
        """
        if self.builder_config_name != PLAIN:
            raise RecipeError(
                f"{self.recipe.name!r} is made while it is read, so there is no random access to "
                "it; use tfds.load, or Recipe.parse(name)(images, ids=…, epoch=…) on "
                "tfds.data_source of plain"
            )
        return super().as_data_source(*args, **kwargs)

    def _one_dataset(
        self,
        split: Any,
        batch_size: int | None,
        shuffle_files: bool,
        config: tfds.ReadConfig,
        as_supervised: bool,
    ) -> Any:
        from cifar10_aug import pipeline

        parts = self._parts(split, config.input_context)
        everything = batch_size == -1
        ds = pipeline.dataset(
            parts,
            pipeline.Order(
                shuffle_files,
                self.seed
                if config.shuffle_seed is None
                else eager.checked("shuffle_seed", config.shuffle_seed, draws.SEED_LIMIT),
                reshuffle=config.shuffle_reshuffle_each_iteration is not False,
            ),
            batch_size=sum(len(part.rows) for part in parts) if everything else batch_size,
            as_supervised=as_supervised,
            add_tfds_id=config.add_tfds_id,
            repeat=config.repeat_filenames and not everything,
            options=config.options,
            prefetch=not config.skip_prefetch,
        )
        return ds.get_single_element() if everything else ds

    def _parts(self, split: Any, context: tf.distribute.InputContext | None) -> list[Part]:
        """The examples that a split argument names, or one input pipeline's share of them."""
        from tensorflow_datasets.core import splits as splits_lib

        from cifar10_aug import pipeline, prepared

        parts = []
        already = 0
        for piece in splits_lib.AbstractSplit.from_spec(split).to_absolute(self.info.splits):
            name = piece.splitname
            info = self.info.splits[name]
            numbers = np.arange(info.num_examples)[piece.from_ : piece.to]
            listed = len(numbers)
            if context is not None:
                # Every n-th example of the whole argument, whatever parts it consists of.
                first = (context.input_pipeline_id - already) % context.num_input_pipelines
                numbers = numbers[first :: context.num_input_pipelines]
            already += listed
            if not len(numbers):
                continue
            recipe = self.recipe if name in self._augment_splits else self.recipe.clean
            held = prepared.resident(info)
            parts.append(
                pipeline.Part(
                    engine=eager.Engine(recipe, self.seed, *SHAPE[:2]),
                    source=held.source,
                    rows=numbers,
                    keys=draws.example_keys(numbers, name),
                    labels=held.labels[numbers],
                    ids=prepared.example_ids(name, info.num_examples)[numbers],
                    tfds_ids=_tfds_ids(info)[numbers],
                )
            )
        if not parts:
            whose = "" if context is None else f" for input pipeline {context.input_pipeline_id}"
            raise ValueError(f"split {str(split)!r} has no examples{whose}; name a larger one")
        return parts


def _tfds_ids(info: tfds.core.SplitInfo) -> np.ndarray:
    """The ids by which TFDS names examples: the file, and the place in it."""
    return np.array(
        [
            f"{Path(name).name}__{place}".encode()
            for name, length in zip(info.filenames, info.shard_lengths, strict=True)
            for place in range(length)
        ]
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _ShardExamples:
    """The examples of one file, in official order; picklable."""

    name: str
    split: LabelledImages
    first: int

    def __call__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(self.first, min(self.first + _IMAGES_A_SHARD, len(self.split))):
            yield (
                number,
                {
                    "id": f"{self.name}_{number:05d}",
                    "image": self.split.images[number],
                    "label": int(self.split.labels[number]),
                },
            )
