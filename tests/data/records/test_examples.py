from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from cifar10_aug.data.records import examples
from cifar10_aug.rng.names import example_ids

COUNT = 5


def encoded(dtype: str, image_encoding: str, copy: int = 3) -> tuple[np.ndarray, Any]:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (COUNT, 32, 32, 3)).astype(dtype)
    ids = example_ids("train", np.arange(7, 7 + COUNT))
    return images, examples.encode(ids, copy, images, np.arange(COUNT) * 2, image_encoding)


@pytest.mark.parametrize("copy", [0, 1, 127, 128, 9999])
@pytest.mark.parametrize(
    ("dtype", "image_encoding"), [("uint8", "raw"), ("float32", "raw"), ("uint8", "png")]
)
def test_tensorflow_parses_what_is_encoded(dtype: str, image_encoding: str, copy: int) -> None:
    images, records = encoded(dtype, image_encoding, copy)
    spec = {
        "copy": tf.io.FixedLenFeature([], tf.int64),
        "id": tf.io.FixedLenFeature([], tf.string),
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    for i, record in enumerate(records):
        found = tf.io.parse_single_example(bytes(record), spec)
        assert found["copy"] == copy
        assert found["id"] == f"train_{7 + i:05d}".encode()
        assert found["label"] == 2 * i
        if image_encoding == "png":
            image = tf.io.decode_png(found["image"]).numpy()
        else:
            image = tf.io.decode_raw(found["image"], dtype).numpy().reshape(32, 32, 3)
        assert (image == images[i]).all()


def test_what_is_encoded_comes_back() -> None:
    for dtype, image_encoding in (("uint8", "raw"), ("float32", "raw"), ("uint8", "png")):
        images, records = encoded(dtype, image_encoding)
        for i, record in enumerate(records):
            found = examples.parsed(bytes(record))
            image = examples.decoded(found.pop("image"), image_encoding, dtype)
            assert image.dtype == dtype
            assert (image == images[i]).all()
            assert found == {"copy": 3, "id": f"train_{7 + i:05d}".encode(), "label": 2 * i}


def test_the_template_gives_the_bytes_that_protobuf_gives() -> None:
    images, records = encoded("uint8", "raw")
    for i, record in enumerate(records):
        assert record.tobytes() == examples.serialized(
            {
                "label": 2 * i,
                "image": images[i].tobytes(),
                "id": f"train_{7 + i:05d}".encode(),
                "copy": 3,
            }
        )


def test_what_is_no_example_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"not a tf\.train\.Example"):
        examples.parsed(b"\xff" * 20)
    two = tf.train.Example()
    two.features.feature["label"].int64_list.value.extend([1, 2])
    with pytest.raises(ValueError, match="2 values of label"):
        examples.parsed(two.SerializeToString())
    for image in (b"", b"GIF89a", examples.PNG_BEGINS[:-1] + b"\x21"):
        with pytest.raises(ValueError, match="no PNG of 32 x 32 pixels"):
            examples.decoded(image, "png", "uint8")
    with pytest.raises(ValueError, match="not a PNG"):
        examples.decoded(examples.PNG_BEGINS, "png", "uint8")
