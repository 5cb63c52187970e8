"""Frozen epochs of the test images, and of nothing but the export itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.images import LabelledImages, LabelledSplits, Provenance
from cifar10_aug.frozen.shards import Frozen

RECIPE = "rotate30+erase"
CONFIG = f"{RECIPE}-x3"
OVERWRITE = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)


def freeze(place: Path, source: Path, config: str = CONFIG, jobs: int = 1, **kwargs: Any) -> Path:
    """Writes frozen epochs and returns their folder."""
    builder = Builder(config=config, data_dir=str(place), source=source, n_jobs=jobs)
    builder.download_and_prepare(**kwargs)
    return Path(builder.data_dir)


def cifar10_of(made: Any) -> LabelledSplits:
    return LabelledSplits(
        LabelledImages(made.train_images, made.train_labels),
        LabelledImages(made.test_images, made.test_labels),
        Provenance("folder", "made", "sha256:0", False, "made for a test"),
    )


def frozen(recipe: str = RECIPE, copies: int = 2, **kwargs: Any) -> Frozen:
    fields = {"seed": 0, "file_format": "tfrecord", "image_encoding": "raw", **kwargs}
    return Frozen(dataset="cifar10_aug", recipe=recipe, copies=copies, **fields)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file, by its path below `folder`."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
