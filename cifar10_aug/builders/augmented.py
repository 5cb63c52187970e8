"""The TFDS face: what the datasets, published ones and the drawn sample, have in common.

One prepared dataset, `plain`, holds the images. How a config's epochs are prepared and read is the
business of its strategy, `Online` or `Frozen`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from cifar10_aug._compat import code_first, fork_safety
from cifar10_aug._compat.mock_data import mocked
from cifar10_aug.builders import paths
from cifar10_aug.builders.configs import RecipeConfig, RecipeConfigs
from cifar10_aug.builders.frozen import Frozen
from cifar10_aug.builders.images import ImagesBuilder
from cifar10_aug.builders.online import Online
from cifar10_aug.data import slices
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.errors import SourceError
from cifar10_aug.frozen import freezing
from cifar10_aug.pipelines.options import Augmentation, OnlineOptions
from cifar10_aug.recipes.presets import DEFAULT, PRESETS
from cifar10_aug.recipes.recipe import Config, Recipe


class AugmentedBuilder(ImagesBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Images under a recipe.

    Attributes:
        recipe: the recipe of the config.
        seed: what all draws are keyed by.
    """

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
            augment_splits: the splits that are augmented, or slices of them, such as "train[:90%]";
                all other examples get value-range ops only.
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
        augmented = slices.check(augment_splits)
        execution = Execution(n_jobs, backend)
        options = freezing.Options(execution.jobs, image_encoding)
        freezing.check_options(config, options)
        online = OnlineOptions(engine, jit_compile, start_epoch, start_step)
        online.check(config)
        self._epochs: Online | Frozen
        if config.copies:
            freezing.check_arguments(config, seed, augmented)
            self._epochs = Frozen(config, options)
        else:
            self._epochs = Online(
                Augmentation.asked(config, self.dataset, seed, augmented, execution, online)
            )
        self.seed = self._epochs.seed
        super().__init__(**kwargs)
        # What a copy in another process is made from.
        self._original_state.update(
            seed=self.seed,
            augment_splits=augmented,
            n_jobs=n_jobs,
            backend=backend,
            image_encoding=image_encoding,
            **dataclasses.asdict(online),
        )

    @functools.cached_property
    def recipe(self) -> Recipe:
        return self.builder_config.recipe.on(self.dataset)

    def plain(self, **kwargs: Any) -> AugmentedBuilder:
        """The builder of the images themselves, in the same place."""
        return type(self)(config=PLAIN, data_dir=self._given_data_dir, **kwargs)

    # What TFDS asks for.

    def _build_data_dir(self, given_data_dir: str | None) -> tuple[str, str]:
        config = self._epochs.folder(self.builder_config.name)
        root, folder = paths.folders(given_data_dir, self.name, config)
        paths.check_name(root)
        return root, folder

    def _about(self) -> str:
        return f"{self._description} {self._epochs.about}".rstrip()

    def _features(self) -> dict[str, Any]:
        from cifar10_aug.builders.features import RawImage, SoftLabel

        features = super()._features()
        features["image"] = RawImage(shape=self.recipe.shape, dtype=np.dtype(self.recipe.dtype))
        if self.recipe.softens:
            features["label"] = SoftLabel(self.dataset.class_names)
        return {**features, **self._epochs.features(self)}

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
        config = download_config or tfds.download.DownloadConfig()
        config = config.replace(try_download_gcs=False)
        self._epochs.prepare(self, download_dir, config, **kwargs)

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
            self.require_prepared()
        return super().as_dataset(
            split=split,
            batch_size=batch_size,
            shuffle_files=shuffle_files,
            decoders=decoders,
            read_config=read_config,
            as_supervised=as_supervised,
        )

    def require_prepared(self) -> None:
        """Raises a `SourceError` if nothing is prepared, or not what the user asks for."""
        if not self.is_prepared():
            raise SourceError(
                f"{self.name}: no {self._epochs.held} are prepared in {self.data_dir_root}; "
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
        return self._epochs.dataset(
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
        return self._epochs.data_source(self, super().as_data_source, *args, **kwargs)


def _parsed(config: Any) -> Config:
    """What a builder's `config` argument asks for."""
    return Config.parse(DEFAULT if config is None else getattr(config, "name", config))


code_first.install(AugmentedBuilder, Config.parse)
