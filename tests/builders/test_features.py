import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cifar10_aug.builders.features import RawImage, SoftLabel, as_levels

IMAGE = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_image_comes_back_as_it_was_stored(dtype: type) -> None:
    feature = RawImage(shape=(4, 5, 3), dtype=dtype)
    image: np.ndarray = IMAGE.astype(dtype)
    stored = feature.encode_example(image)
    assert stored == image.tobytes()
    assert (feature.decode_example(stored).numpy() == image).all()
    assert (feature.decode_example_np(stored) == image).all()
    assert feature.np_dtype == dtype
    assert feature.shape == (4, 5, 3)


def test_tfds_reads_the_description_without_this_package(tmp_path: Path) -> None:
    features = tfds.features.FeaturesDict({"image": RawImage(shape=(4, 5, 3))})
    features.save_config(str(tmp_path))
    text = (tmp_path / "features.json").read_text()
    assert "cifar10_aug" not in text
    assert "bytes" in json.dumps(json.loads(text))
    read = tfds.features.FeaturesDict.from_config(str(tmp_path))
    assert type(read["image"]) is tfds.features.Tensor
    assert (read["image"].decode_example(IMAGE.tobytes()).numpy() == IMAGE).all()


def test_tfds_takes_it_for_an_image() -> None:
    assert isinstance(RawImage(shape=(4, 5, 3)), tfds.features.Image)


def test_it_is_restored_from_its_own_description() -> None:
    feature = RawImage(shape=(4, 5, 3), dtype=np.float32)
    again = RawImage.from_json_content(feature.to_json_content())
    assert (again.shape, again.np_dtype) == (feature.shape, feature.np_dtype)


def test_floats_are_stretched_to_be_seen() -> None:
    floats = np.array([[[-1.0, 0.0, 1.0]]], np.float32)
    assert as_levels(floats).tolist() == [[[0, 128, 255]]]
    assert as_levels(np.zeros((1, 1, 3), np.float32)).tolist() == [[[0, 0, 0]]]
    assert as_levels(IMAGE) is IMAGE


def test_floats_are_shown_as_pictures() -> None:
    feature = RawImage(shape=(4, 5, 3), dtype=np.float32)
    assert feature.repr_html(IMAGE.astype(np.float32)).startswith("<img src=")


def test_soft_labels_name_their_classes_and_are_stored_as_a_tensor(tmp_path: Path) -> None:
    label = SoftLabel(["cat", "dog"])
    assert (label.shape, label.np_dtype, label.names) == ((2,), np.float32, ["cat", "dog"])
    tfds.features.FeaturesDict({"label": label}).save_config(str(tmp_path))
    assert "cifar10_aug" not in (tmp_path / "features.json").read_text()
    read = tfds.features.FeaturesDict.from_config(str(tmp_path))
    assert type(read["label"]) is tfds.features.Tensor
