"""`cifar100_aug`: what CIFAR-10 can do, with 100 classes, their superclasses and other colours."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar100_aug_dataset_builder import Builder
from cifar10_aug.data import prepared
from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.data.sources.official import CIFAR100
from cifar10_aug.data.spec import CIFAR100 as SPEC
from cifar10_aug.errors import SourceError
from cifar10_aug.frozen import verify
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng.names import example_ids
from tests import archives
from tests.archives import Made

ENGINES = ["eager", "graph"]
COARSE = np.array(SPEC.groupings[0].of)


@pytest.fixture(scope="module")
def hundred() -> Made:
    return archives.make(classes=100)


@pytest.fixture(scope="module")
def place(hundred: Made, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder in which `cifar100_aug/plain` is prepared."""
    folder = tmp_path_factory.mktemp("hundred")
    source = archives.write_folder(hundred, folder, CIFAR100.layouts[0])
    builder = Builder(config="plain", data_dir=str(folder / "data"), source=source)
    builder.download_and_prepare()
    return str(folder / "data")


def load(place: str, config: str, engine: str = "eager", **kwargs: Any) -> Any:
    kwargs = {"split": "train", "batch_size": 32, **kwargs}
    how = {"engine": engine} if "-x" not in config else {}
    return tfds.load(f"cifar100_aug/{config}", data_dir=place, builder_kwargs=how, **kwargs)


def columns(ds: Any) -> dict[str, np.ndarray]:
    found = list(ds.as_numpy_iterator())
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def test_what_to_do_instead_names_the_dataset(place: str) -> None:
    with pytest.raises(tf.errors.OpError, match="export flip --copies 5 --dataset cifar100, or"):
        load(place, "flip")._as_serialized_graph()


def test_features(place: str) -> None:
    info = Builder(config="standard", data_dir=place).info
    assert info.features["label"].names == list(SPEC.class_names)
    assert info.features["coarse_label"].names == list(SPEC.groupings[0].class_names)
    assert info.supervised_keys == ("image", "label")
    assert info.splits["train"].num_examples == 100


@pytest.mark.parametrize("engine", ENGINES)
def test_examples_have_their_coarse_label(engine: str, place: str, hundred: Made) -> None:
    ds = load(place, "flip+cutout8", engine, shuffle_files=True)
    assert ds.element_spec["coarse_label"] == tf.TensorSpec([None], tf.int64)
    found = columns(ds)
    order = [int(name.removeprefix(b"train_")) for name in found["id"]]
    assert sorted(order) == list(range(100)) != order
    assert (found["label"] == hundred.train_labels[order]).all()
    assert (found["coarse_label"] == COARSE[hundred.train_labels[order]]).all()
    expected = Recipe.parse("flip+cutout8").on(SPEC)(hundred.train_images, ids=range(100))
    assert (found["image"] == expected[order]).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_other_kinds_of_elements(engine: str, place: str, hundred: Made) -> None:
    image, label = next(iter(load(place, "plain", engine, as_supervised=True)))
    assert image.shape == (32, *SHAPE)
    assert (label.numpy() == hundred.train_labels[:32]).all()
    one = next(iter(load(place, "plain", engine, batch_size=None)))
    assert one["coarse_label"].shape == ()
    both = columns(load(place, "flip", engine, split="test+train[:10]"))
    labels = np.concatenate([hundred.test_labels, hundred.train_labels[:10]])
    assert (both["coarse_label"] == COARSE[labels]).all()
    assert (both["label"] == labels).all()


@pytest.mark.parametrize(
    ("engine", "recipe"), [("eager", "mixup"), ("eager", "cutmix_p1"), ("graph", "resizemix")]
)
def test_mixed_labels_are_shares_of_100_classes(
    engine: str, recipe: str, place: str, hundred: Made
) -> None:
    ds = load(place, recipe, engine)
    found = columns(ds)
    assert ds.element_spec["label"] == tf.TensorSpec([None, 100], tf.float32)
    np.testing.assert_allclose(found["label"].sum(axis=1), 1, rtol=1e-5)
    assert (found["label"][np.arange(100), hundred.train_labels] > 0).all()
    assert ((found["label"] > 0).sum(axis=1) == 2).any()
    assert (found["coarse_label"] == COARSE[hundred.train_labels]).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_its_own_mean_and_deviation(engine: str, place: str, hundred: Made) -> None:
    found = columns(load(place, "normalize", engine))["image"]
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
    expected = (hundred.train_images / 255 - mean) / std
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("engine", "recipe"),
    [
        *(("eager", recipe) for recipe in ("cutout12", "erase_p1_fillmean", "crop8_fillmean")),
        *(("graph", recipe) for recipe in ("cutout12", "crop8_fillmean")),
    ],
)
def test_what_is_painted_over_has_its_own_mean(engine: str, recipe: str, place: str) -> None:
    found = columns(load(place, recipe, engine))["image"]
    painted = (found == (129, 124, 112)).all(axis=-1).sum(axis=(1, 2))
    assert np.median(painted) > 16


FROZEN = ["flip-x2", "mixup-x1", "normalize-x1"]


@pytest.mark.parametrize("config", FROZEN)
def test_frozen_epochs(config: str, place: str, hundred: Made, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    frozen = columns(load(str(tmp_path), config))
    online = [columns(ds) for ds in [load(str(tmp_path), config[:-3])] for _ in range(2)]
    copies = int(config[-1])
    for name in ("image", "label", "coarse_label"):
        assert (frozen[name] == np.concatenate([one[name] for one in online[:copies]])).all()
    folder = tmp_path / "cifar100_aug" / config / "1.0.0"
    (first, *_) = tfrecord.read(next(folder.glob("*-train.tfrecord-00000-*")))
    assert examples.parsed(first)["coarse_label"] == COARSE[hundred.train_labels[0]]
    assert verify.verify(folder) == []
    images = prepared.read(Builder(config="plain", data_dir=str(tmp_path)).info)
    found = verify.Deep(folder, lambda name: {"cifar100_aug": images}[name]).run(jobs=1)
    assert [fault for _, fault in found if fault] == []


def test_a_frozen_coarse_label_is_compared(place: str, hundred: Made, tmp_path: Path) -> None:
    """With one byte of one record changed, and its checksum."""
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    load(str(tmp_path), "flip-x1")
    folder = tmp_path / "cifar100_aug" / "flip-x1" / "1.0.0"
    images = prepared.read(Builder(config="plain", data_dir=str(tmp_path)).info)
    comparing = verify.Deep(folder, lambda name: images)
    file = next(folder.glob("*-train.tfrecord-00000-*"))
    records = [examples.parsed(record) for record in tfrecord.read(file)]
    records[3]["coarse_label"] = (records[3]["coarse_label"] + 1) % 20
    framed = [tfrecord.framed([examples.serialized(one)]).tobytes() for one in records]
    file.write_bytes(b"".join(framed))
    faults = [fault.what for _, fault in comparing.run(jobs=1) if fault]
    assert faults == ["record 3 is not what the recipe makes"]


def test_random_access(place: str, hundred: Made, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    source = tfds.data_source("cifar100_aug/flip-x2", split="train", data_dir=str(tmp_path))
    assert len(source) == 200
    assert source[107]["label"] == hundred.train_labels[7]
    assert source[107]["coarse_label"] == COARSE[hundred.train_labels[7]]


def test_png_records(hundred: Made) -> None:
    records = examples.encode(
        example_ids("train", np.arange(3)),
        0,
        hundred.train_images[:3],
        hundred.train_labels[:3],
        "png",
        SPEC.coarse(hundred.train_labels[:3]),
    )
    found = [examples.parsed(bytes(record))["coarse_label"] for record in records]
    assert found == COARSE[hundred.train_labels[:3]].tolist()


def test_prepared_coarse_labels_are_compared(place: str, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "cifar100_aug" / "plain" / "1.0.0"
    (file,) = folder.glob("*-train.tfrecord-*")
    records = [examples.parsed(record) for record in tfrecord.read(file)]
    records[9]["coarse_label"] = (records[9]["coarse_label"] + 1) % 20
    framed = [tfrecord.framed([examples.serialized(one)]).tobytes() for one in records]
    file.write_bytes(b"".join(framed))
    with pytest.raises(SourceError, match="a coarse_label that does not belong to its label"):
        prepared.read(Builder(config="plain", data_dir=str(tmp_path)).info)


def test_mock_data(tmp_path: Path) -> None:
    with tfds.testing.mock_data(num_examples=3):
        for config, label in (("flip", ()), ("cutmix", (100,))):
            one = next(iter(load(str(tmp_path), config, batch_size=None)))
            assert one["label"].shape == label
            assert 0 <= one["coarse_label"] < 20
