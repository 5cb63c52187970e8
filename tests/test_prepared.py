from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from cifar10_aug.cifar10_aug_dataset_builder import Builder
from cifar10_aug.source.official import BINARY
from tests import archives

OVERWRITE = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)


def images(ds: Any) -> np.ndarray:
    return np.concatenate([one["image"] for one in ds.as_numpy_iterator()])


def prepared(place: Path, made: archives.Made, **kwargs: Any) -> Any:
    source = archives.write_folder(made, place / f"source {made.train_labels[:9]}", BINARY)
    builder = Builder(config="plain", data_dir=str(place / "data"), source=source)
    builder.download_and_prepare(**kwargs)
    return builder.as_dataset("train", batch_size=40)


def test_images_that_are_prepared_anew_are_read_anew(tmp_path: Path) -> None:
    first, second = archives.make(seed=1), archives.make(seed=2)
    before = prepared(tmp_path, first)
    assert (images(before) == first.train_images).all()
    after = prepared(tmp_path, second, download_config=OVERWRITE)
    assert (images(after) == second.train_images).all()
    # Who has loaded the others keeps them.
    assert (images(before) == first.train_images).all()
