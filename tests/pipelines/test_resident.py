import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources.official import BINARY
from tests import archives

OVERWRITE = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)


def images(ds: Any) -> np.ndarray:
    return np.concatenate([one["image"] for one in ds.as_numpy_iterator()])


def load(place: Path, made: archives.Made, nanoseconds: int) -> Any:
    """Prepares images anew, in files that were written at some time, and loads them."""
    source = archives.write_folder(made, place / f"source{nanoseconds}", BINARY)
    builder = Builder(config="plain", data_dir=str(place / "data"), source=source)
    builder.download_and_prepare(download_config=OVERWRITE)
    for file in Path(builder.data_dir).glob("*-of-*"):
        os.utime(file, ns=(nanoseconds, nanoseconds))
    return builder.as_dataset("train", batch_size=40)


@pytest.mark.parametrize("later", [2_000_000_000, 2])
def test_images_that_are_prepared_anew_are_read_anew(later: int, tmp_path: Path) -> None:
    first, second = archives.make(seed=1), archives.make(seed=2)
    before = load(tmp_path, first, 1)
    assert (images(before) == first.train_images).all()
    after = load(tmp_path, second, later)
    assert (images(after) == second.train_images).all()
    # Who has loaded the others keeps them.
    assert (images(before) == first.train_images).all()
