import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug import SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources.official import BINARY
from cifar10_aug.engines.tensorflow.pixels import unpack
from cifar10_aug.pipelines import graph_tables, resident
from cifar10_aug.rng.names import example_ids
from tests import archives


@pytest.fixture
def copied(data_dir: str, tmp_path: Path) -> Path:
    shutil.copytree(data_dir, tmp_path / "data")
    return tmp_path / "data"


def info_of(place: Any, split: str) -> tfds.core.SplitInfo:
    return tfds.builder("cifar10_aug/plain", data_dir=str(place)).info.splits[split]


def test_it_reads_what_was_prepared(data_dir: str, made: Any) -> None:
    for split, images, labels in (
        ("train", made.train_images, made.train_labels),
        ("test", made.test_images, made.test_labels),
    ):
        packed, found = graph_tables.tables(info_of(data_dir, split)).get_single_element()
        assert (unpack(packed).numpy().reshape(images.shape) == images).all()
        assert (found.numpy() == labels).all()


def test_names_are_those_of_the_eager_engine() -> None:
    numbers = np.array([0, 7, 12_345, 49_999])
    found = graph_tables.names("train", tf.constant(numbers)).numpy()
    assert found.tolist() == example_ids("train", numbers).tolist()


def assert_noticed(info: tfds.core.SplitInfo, file: Path) -> None:
    message = (
        f"{file.parent}: the prepared images are damaged (other images than were written); delete "
        "this folder and prepare them again"
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(message)):
        graph_tables.tables(info).get_single_element()
    assert_named(info)


def assert_named(info: tfds.core.SplitInfo) -> None:
    """As by the eager engine."""
    with pytest.raises(SourceError) as found:
        resident.resident(info)
    with pytest.raises(SourceError) as error:
        graph_tables.shared(info)
    assert str(error.value) == str(found.value)


def test_files_of_another_split_are_noticed(copied: Path) -> None:
    info = info_of(copied, "test")
    (other,) = (Path(path) for path in info_of(copied, "train").filepaths)
    (mine,) = (Path(path) for path in info.filepaths)
    shutil.copy(other, mine)
    assert_noticed(info, mine)


def test_as_many_images_in_another_order_are_noticed(copied: Path) -> None:
    info = info_of(copied, "test")
    (file,) = (Path(path) for path in info.filepaths)
    records = list(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records[::-1]:
            writer.write(record)
    assert_noticed(info, file)


def test_damaged_files_are_noticed(copied: Path) -> None:
    info = info_of(copied, "test")
    (file,) = (Path(path) for path in info.filepaths)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(tf.errors.DataLossError):
        graph_tables.tables(info).get_single_element()
    assert_named(info)


def test_damage_that_is_gone_when_it_is_looked_at_is_an_error(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: tfds.core.SplitInfo) -> None:
        raise tf.errors.DataLossError(None, None, "corrupted record at 7")

    monkeypatch.setattr(graph_tables, "tables", fail)
    info = info_of(copied, "test")
    with pytest.raises(SourceError) as error:
        graph_tables.shared(info)
    assert str(error.value) == (
        f"{info.filepaths[0].parent}: the prepared images are damaged (corrupted record at 7); "
        "delete this folder and prepare them again"
    )


def test_images_of_another_source_are_noticed(copied: Path, tmp_path: Path) -> None:
    other = archives.write_folder(archives.make(seed=1), tmp_path, BINARY)
    builder = Builder(config="plain", data_dir=str(tmp_path / "others"), source=other)
    builder.download_and_prepare()
    info = info_of(copied, "test")
    (file,) = (Path(path) for path in info.filepaths)
    shutil.copy(Path(builder.data_dir) / file.name, file)
    assert_noticed(info, file)
