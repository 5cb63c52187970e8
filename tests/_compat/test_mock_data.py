"""`tfds.testing.mock_data` works with these datasets as with TFDS's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.errors import RecipeError, SourceError
from tests import programs

mock_data = tfds.testing.mock_data
MockPolicy = tfds.testing.MockPolicy


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder that stays empty, while no images can be read from anywhere."""

    def read(*_: Any) -> None:
        raise AssertionError("images are asked for")

    monkeypatch.setattr(Builder, "_read_source", read)
    place = tmp_path / "data"
    yield str(place)
    assert not place.exists()


def load(place: str, config: str = "rotate30+erase", **kwargs: Any) -> Any:
    return tfds.load(f"cifar10_aug/{config}", data_dir=place, **{"split": "train", **kwargs})


@pytest.mark.parametrize("engine", ["eager", "graph"])
@pytest.mark.parametrize(
    ("config", "dtype", "label"),
    [
        ("rotate30+erase", "uint8", tf.TensorSpec([], tf.int64)),
        ("standard+normalize", "float32", tf.TensorSpec([], tf.int64)),
        ("cutmix", "uint8", tf.TensorSpec([10], tf.float32)),
    ],
)
def test_random_examples_have_the_features_of_the_config(
    engine: str, config: str, dtype: str, label: tf.TensorSpec, nowhere: str
) -> None:
    with mock_data(num_examples=5):
        ds = load(nowhere, config, builder_kwargs={"engine": engine})
        again = load(nowhere, config, builder_kwargs={"engine": engine})
    assert ds.element_spec == {
        "id": tf.TensorSpec([], tf.string),
        "image": tf.TensorSpec([32, 32, 3], dtype),
        "label": label,
    }
    images = np.stack([one["image"] for one in ds.as_numpy_iterator()])
    assert len(ds) == len(images) == 5
    assert len(np.unique(images, axis=0)) == 5
    assert (images == np.stack([one["image"] for one in again.as_numpy_iterator()])).all()


def test_frozen_epochs_are_mocked(nowhere: str) -> None:
    with mock_data(num_examples=4):
        ds = load(nowhere, "rotate30+erase-x3", batch_size=3)
    assert set(ds.element_spec) == {"copy", "id", "image", "label"}
    assert [len(batch["copy"]) for batch in ds] == [3, 1]


def test_data_sources_of_frozen_epochs_are_mocked(nowhere: str) -> None:
    with mock_data(num_examples=4):
        source = tfds.data_source("cifar10_aug/rotate30-x3", split="train", data_dir=nowhere)
        assert len(source) == 4
        assert source[1]["image"].shape == (32, 32, 3)
        assert set(source[1]) == {"copy", "id", "image", "label"}
        own = tfds.testing.PickableDataSourceMock()
        with mock_data(num_examples=6, mock_array_record_data_source=own):
            inner = tfds.data_source("cifar10_aug/rotate30-x3", split="train", data_dir=nowhere)
            assert len(inner) == 6
        assert own.called
    with mock_data(as_data_source_fn=lambda self, split, **kwargs: [split]):
        made = tfds.data_source("cifar10_aug/rotate30-x3", split="test", data_dir=nowhere)
    assert made == ["test"]


def test_what_is_refused_is_refused_when_mocked(nowhere: str) -> None:
    with mock_data():
        with pytest.raises(RecipeError, match=r"^'rotate' is made while it is read"):
            tfds.data_source("cifar10_aug/rotate", data_dir=nowhere)
        with pytest.raises(ValueError, match=r"^batch_size is 1\.5;"):
            load(nowhere, batch_size=1.5)
        with pytest.raises(ValueError, match=r"^decoders must be None"):
            load(nowhere, decoders={"image": tfds.decode.SkipDecoding()})
        with pytest.raises(RecipeError, match=r"^'rotat30': there is no op 'rotat'"):
            load(nowhere, "rotat30")


def test_arguments_of_loading_mean_what_they_mean(nowhere: str) -> None:
    with mock_data(num_examples=5, max_value=7):
        image, label = next(iter(load(nowhere, batch_size=2, as_supervised=True)))
        assert image.shape == (2, 32, 32, 3)
        assert image.numpy().max() < 7
        assert label.shape == [2]
        everything = load(nowhere, batch_size=5, shuffle_files=True)
        assert next(iter(everything))["image"].shape == (5, 32, 32, 3)
        first, second = load(nowhere, split=["train[:50%]", "test"])
        assert len(first) == len(second) == 5
        builder = tfds.builder("cifar10_aug/rotate", data_dir=nowhere)
        builder.download_and_prepare()
        assert len(builder.as_dataset("train", read_config=tfds.ReadConfig(add_tfds_id=True))) == 5


def test_a_function_makes_the_examples(nowhere: str) -> None:
    def as_dataset(self: Any, *args: Any, **kwargs: Any) -> tf.data.Dataset:
        return tf.data.Dataset.range(3).map(lambda i: {"image": i, "label": i, "of": self.name})

    with mock_data(as_dataset_fn=as_dataset):
        made = list(load(nowhere).as_numpy_iterator())
        pairs = list(load(nowhere, batch_size=3, as_supervised=True).as_numpy_iterator())
    assert made == [{"image": i, "label": i, "of": b"cifar10_aug"} for i in range(3)]
    assert [list(one) for one in pairs[0]] == [[0, 1, 2], [0, 1, 2]]


def test_metadata_files_are_used(nowhere: str, data_dir: str, tmp_path: Path) -> None:
    elsewhere = mock_data(policy=MockPolicy.USE_FILES, data_dir=str(tmp_path / "other"))
    with elsewhere, pytest.raises(ValueError, match=r"files were not found in .*cifar10_aug.plain"):
        load(nowhere)
    metadata = tmp_path / "metadata"
    shutil.copytree(data_dir, metadata, ignore=shutil.ignore_patterns("*-of-*"))
    for policy in MockPolicy.USE_FILES, MockPolicy.AUTO:
        with mock_data(num_examples=2, policy=policy, data_dir=str(metadata)):
            ds, info = load(nowhere, split=None, with_info=True)
            everything = load(nowhere, batch_size=-1)
        assert info.splits["train"].num_examples == 100
        assert {name: len(one) for name, one in ds.items()} == {"train": 2, "test": 2}
        assert everything["image"].shape == (2, 32, 32, 3)
    with mock_data(policy=MockPolicy.USE_CODE, data_dir=str(metadata)):
        assert not load(nowhere, with_info=True)[1].splits


def test_everything_is_as_before_afterwards(data_dir: str, tmp_path: Path) -> None:
    before = next(iter(load(data_dir, batch_size=20)))["image"].numpy()
    with mock_data():
        mocked = next(iter(load(data_dir)))["image"].numpy()
    assert mocked.shape == (32, 32, 3)
    after = next(iter(load(data_dir, batch_size=20)))["image"].numpy()
    assert (before == after).all()
    with pytest.raises(SourceError, match="no images are prepared"):
        load(str(tmp_path), download=False)


def test_the_package_may_be_imported_while_mocked(data_dir: str) -> None:
    program = f"""
import tensorflow_datasets as tfds
with tfds.testing.mock_data():
    import cifar10_aug
    mocked = tfds.load("cifar10_aug/rotate", split="train", data_dir={data_dir!r})
assert len(mocked) == 1
ds = tfds.load("cifar10_aug/rotate", split="train", data_dir={data_dir!r})
assert len(ds) == 100
one, other = (next(iter(ds))["image"].numpy() for _ in range(2))
assert (one != other).any()
"""
    programs.run("-c", program, check=True)


def test_what_wraps_loading_gets_every_epoch(
    data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, asked = tfds.core.DatasetBuilder.as_dataset, []

    def as_dataset(self: Any, **kwargs: Any) -> Any:
        asked.append(kwargs["batch_size"])
        return theirs(self, **kwargs)

    plain = load(data_dir, batch_size=40)
    epochs = [[batch["image"].numpy() for batch in plain] for _ in range(2)]
    monkeypatch.setattr(tfds.core.DatasetBuilder, "as_dataset", as_dataset)
    ds = load(data_dir, batch_size=40)
    assert asked == [40]
    for epoch in epochs:
        for batch, image in zip(ds, epoch, strict=True):
            assert (batch["image"].numpy() == image).all()
