"""Frozen epochs in a `Loader`: the batches of `tfds.load`, without TensorFlow."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug import Loader
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.errors import ExportError
from cifar10_aug.frozen import shuffled_order
from tests.frozen.freezing import CONFIG, freeze
from tests.pipelines.comparing import assert_same


@pytest.fixture(scope="module")
def others(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with frozen epochs of other kinds."""
    place = tmp_path_factory.mktemp("others")
    source = sources["binary archive"]
    png = Builder(
        config="rotate30-x2", data_dir=place, source=source, n_jobs=1, image_encoding="png"
    )
    png.download_and_prepare()
    freeze(place, source, f"mixup+rescale-x2-s{2**64 - 1}")
    return place


def theirs(place: Path, config: str, **kwargs: Any) -> tf.data.Dataset:
    kwargs = {"split": "train", "batch_size": 32, **kwargs}
    return tfds.load(f"cifar10_aug/{config}", data_dir=place, as_supervised=True, **kwargs)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("split", ["train", "test", "train[10%:50%]", "train[:7]+test+train[-90:]"])
def test_batches_are_those_of_tfds(
    split: str, shuffle: bool, frozen_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shuffled_order, "WINDOW", 50)
    expected = theirs(frozen_dir, CONFIG, split=split, shuffle_files=shuffle)
    loader = Loader(CONFIG, split=split, batch_size=32, shuffle=shuffle, data_dir=frozen_dir)
    for epoch in range(3):
        assert loader.epoch == epoch
        assert assert_same(loader, expected.as_numpy_iterator()) == len(loader)


@pytest.mark.parametrize("config", ["rotate30-x2", f"mixup+rescale-x2-s{2**64 - 1}"])
def test_pngs_and_shares_of_classes_are_those_of_tfds(config: str, others: Path) -> None:
    expected = theirs(others, config, shuffle_files=True)
    loader = Loader(config, batch_size=32, shuffle=True, data_dir=others, layout="nchw")
    for _ in range(2):
        pairs = [(images.transpose(0, 2, 3, 1), labels) for images, labels in loader]
        assert_same(pairs, expected.as_numpy_iterator())


def test_array_records_are_read(sources: dict[str, Path], tmp_path: Path) -> None:
    batches = {}
    for file_format in ("tfrecord", "array_record"):
        place = tmp_path / file_format
        freeze(place, sources["binary archive"], "rotate30-x2", file_format=file_format)
        batches[file_format] = list(Loader("rotate30-x2", batch_size=32, data_dir=place))
    assert_same(*batches.values())


@pytest.mark.parametrize("index", [0, 2])
def test_a_shard_is_every_nth_record(index: int, frozen_dir: Path) -> None:
    context = tf.distribute.InputContext(3, index)
    expected = theirs(frozen_dir, CONFIG, read_config=tfds.ReadConfig(input_context=context))
    loader = Loader(CONFIG, batch_size=32, shard=(index, 3), data_dir=frozen_dir)
    assert_same(loader, expected.as_numpy_iterator())
    dataset = pickle.loads(pickle.dumps(loader.as_map_dataset()))
    (images, labels), *_ = loader
    np.testing.assert_array_equal(dataset[5][0], images[5])
    assert dataset[5][1] == labels[5]


def test_a_shard_is_not_shuffled(frozen_dir: Path) -> None:
    with pytest.raises(ValueError, match="leave shard or shuffle out, or give a recipe that is"):
        Loader(CONFIG, batch_size=32, shard=(0, 3), shuffle=True, data_dir=frozen_dir)


def test_no_examples_are_an_error(frozen_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"split 'train\[:0\]' has no examples"):
        Loader(CONFIG, split="train[:0]", batch_size=32, data_dir=frozen_dir)


def test_a_state_restores_the_exact_next_batch(frozen_dir: Path) -> None:
    def load() -> Loader:
        return Loader(CONFIG, batch_size=32, shuffle=True, data_dir=frozen_dir)

    loader = load()
    list(loader)
    iterator = iter(loader)
    for _ in range(4):
        next(iterator)
    resumed = load()
    resumed.load_state_dict(loader.state_dict())
    assert_same(resumed, iterator)
    assert_same(resumed, loader)


@pytest.mark.parametrize(
    ("file_format", "place", "found"),
    [
        ("tfrecord", -100, "record 19: its data has another checksum"),
        ("tfrecord", 3, "record 0: its length has another checksum"),
        ("array_record", 20_000, ""),
    ],
)
def test_a_damaged_record_is_an_error(
    file_format: str, place: int, found: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    freeze(tmp_path, sources["binary archive"], "flip-x1", file_format=file_format)
    loader = Loader("flip-x1", batch_size=10, data_dir=tmp_path)
    file = sorted(tmp_path.glob("**/*train*-of-*"))[1]
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(ExportError, match=rf"damaged \({file.name}: {found}"):
        list(loader)


def test_missing_files_are_an_error(sources: dict[str, Path], tmp_path: Path) -> None:
    freeze(tmp_path, sources["binary archive"], "flip-x1")
    sorted(tmp_path.glob("**/*train*-of-*"))[1].unlink()
    with pytest.raises(ExportError, match="is missing"):
        Loader("flip-x1", batch_size=10, data_dir=tmp_path)
