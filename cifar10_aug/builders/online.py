"""What builders do for configs whose epochs are made while they are read."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import tensorflow_datasets as tfds

from cifar10_aug.data import prepared
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.errors import RecipeError
from cifar10_aug.pipelines.options import Augmentation

if TYPE_CHECKING:
    from cifar10_aug.builders.augmented import AugmentedBuilder


@dataclasses.dataclass(frozen=True)
class Online:
    """Epochs that are made while they are read, of the images that are prepared as `plain`.

    Such a config owns no folder, so that there is nothing on disk that TFDS could mistake for
    augmented images.

    Attributes:
        augmentation: what is done to the images.
        held: what is prepared.
    """

    augmentation: Augmentation
    held: ClassVar[str] = "images"

    @property
    def seed(self) -> int:
        return self.augmentation.seed

    @property
    def about(self) -> str:
        """Which part of the dataset is augmented."""
        recipe, parts = self.augmentation.recipe, ", ".join(self.augmentation.augment_splits)
        return (
            "" if recipe == recipe.clean else f"Augmented by {recipe.name}: {parts or 'nothing'}."
        )

    def folder(self, config_name: str) -> str:
        """Which config's folder holds what is read."""
        return PLAIN

    def features(self, builder: AugmentedBuilder) -> dict[str, Any]:
        """Those that differ from the features of augmented images."""
        return {}

    def prepare(
        self,
        builder: AugmentedBuilder,
        download_dir: Any,
        config: tfds.download.DownloadConfig,
        **kwargs: Any,
    ) -> None:
        """Prepares the images, if they are not there yet; see `ImagesBuilder.prepare_images`."""
        if builder.builder_config_name == PLAIN:
            builder.prepare_images(download_dir, config, **kwargs)
            return
        builder.plain().download_and_prepare(
            download_dir=download_dir, download_config=config, **kwargs
        )
        builder.info.read_from_directory(builder.data_dir)

    def dataset(self, builder: AugmentedBuilder, *args: Any, **kwargs: Any) -> Any:
        """See `pipelines.online.dataset`."""
        import tensorflow as tf

        from cifar10_aug.pipelines import online

        # What tf.data traces here has no Python control flow over tensors, and AutoGraph, which
        # looks for that, would take seconds.
        dataset = tf.autograph.experimental.do_not_convert(online.dataset)
        return dataset(prepared.described(builder.data_dir), self.augmentation, *args, **kwargs)

    def data_source(self, builder: AugmentedBuilder, *args: Any, **kwargs: Any) -> Any:
        """Raises a `RecipeError`: the files hold images that are not augmented."""
        raise RecipeError(
            f"{self.augmentation.recipe.name!r} is made while it is read, so there is no random "
            "access to it; use tfds.load, or cifar10_aug.Recipe.parse(name)(images, ids=…, "
            "epoch=…) on your own arrays"
        )
