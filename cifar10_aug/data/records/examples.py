"""From augmented images to the bytes of `tf.train.Example`s, without TensorFlow."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.records.example_message import Example

IMAGE_ENCODINGS = ("raw", "png")
# The signature, and the header's length, name, width and height (PNG specification, 11.2.1). Looked
# at first, since decoders inflate whatever size a picture says it has.
PNG_BEGINS = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", SHAPE[1], SHAPE[0])
NO_PNG = f"no PNG of {SHAPE[1]} x {SHAPE[0]} pixels"

# All records of a chunk: rows of one size, or bytes of different sizes.
Records = np.ndarray | Sequence[bytes]


# What a feature holds: bytes, a whole number, or several floats.
Value = bytes | int | tuple[float, ...]


def serialized(features: Mapping[str, Value]) -> bytes:
    """A `tf.train.Example`, its features in alphabetical order."""
    made = {name: _feature(value) for name, value in features.items()}
    example = Example(features={"feature": made})
    return bytes(example.SerializeToString(deterministic=True))


def _feature(value: Value) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {"bytes_list": {"value": [value]}}
    if isinstance(value, tuple):
        return {"float_list": {"value": value}}
    return {"int64_list": {"value": [value]}}


def parsed(record: bytes) -> dict[str, Any]:
    """The features of a serialised example, each bytes, an int or a tuple of floats.

    Raises:
        ValueError: if the record is none, or has not exactly one value a feature that is not
            floats.
    """
    try:
        example = Example.FromString(record)
    except Exception as error:  # protobuf's own class differs between its implementations.
        raise ValueError("not a tf.train.Example") from error
    features = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind") or "bytes_list"
        values = getattr(feature, kind).value
        if kind == "float_list":
            features[name] = tuple(values)
            continue
        if len(values) != 1:
            raise ValueError(f"{len(values)} values of {name}")
        features[name] = values[0]
    return features


def encode(
    ids: np.ndarray,
    copy: int,
    images: np.ndarray,
    labels: np.ndarray,
    image_encoding: str,
    coarse: Mapping[str, np.ndarray] = {},
) -> Records:
    """The records of some examples.

    Args:
        ids: bytes [n], all of one length.
        copy: the number of the frozen epoch.
        images: uint8 or float32 [n, height, width, 3], or raw views [n, views, height, width, 3].
        labels: int64 [n], 0 to 127, or float32 [n, classes].
        image_encoding: "raw" (the array's bytes, little-endian) or "png".
        coarse: the coarser labels by feature, int64 [n], 0 to 127.

    Returns:
        uint8 [n, size] for raw images; a list of bytes for PNG.
    """
    if image_encoding == "png":
        return [
            serialized(
                {
                    "copy": copy,
                    "id": bytes(ids[i]),
                    "image": png(images[i]),
                    "label": label_of(labels[i]),
                    **{feature: label_of(numbers[i]) for feature, numbers in coarse.items()},
                }
            )
            for i in range(len(images))
        ]
    columns = {
        "id": _as_bytes(ids),
        "image": _as_bytes(images),
        "label": _as_bytes(labels.astype("<f4" if labels.ndim == 2 else np.uint8)),
        **{feature: _as_bytes(numbers.astype(np.uint8)) for feature, numbers in coarse.items()},
    }
    sizes = {name: column.shape[1] for name, column in columns.items()}
    template, holes = _template(copy, sizes, floats=("label",) if labels.ndim == 2 else ())
    records = np.empty((len(images), len(template)), np.uint8)
    records[:] = template
    for name, hole in holes.items():
        records[:, hole] = columns[name]
    return records


def _as_bytes(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)


def label_of(label: Any) -> int | tuple[float, ...]:
    """What a record holds of a label, a whole number or float32 [classes]."""
    return int(label) if np.ndim(label) == 0 else tuple(np.asarray(label).tolist())


def _template(
    copy: int, sizes: Mapping[str, int], floats: Sequence[str]
) -> tuple[np.ndarray, dict[str, slice]]:
    """A record, and where in it the features are that differ between records of a shard.

    Args:
        copy: the number of the frozen epoch.
        sizes: of these features, in bytes.
        floats: those that are several floats; others of one byte are small whole numbers.
    """

    def filled(filler: int, name: str) -> Value:
        if name in floats:
            return label_of(np.full(sizes[name], filler, np.uint8).view("<f4"))
        return filler if sizes[name] == 1 else bytes([filler]) * sizes[name]

    one, two = (
        np.frombuffer(
            serialized({"copy": copy, **{name: filled(filler, name) for name in sizes}}), np.uint8
        )
        for filler in (1, 2)
    )
    edges = np.flatnonzero(np.diff(one != two, prepend=False, append=False)).reshape(-1, 2)
    # In a record, features are in alphabetical order.
    found = zip(sorted(sizes), edges.tolist(), strict=True)
    holes = {name: slice(start, stop) for name, (start, stop) in found}
    assert {name: hole.stop - hole.start for name, hole in holes.items()} == sizes
    return one, holes


def decoded(
    image: bytes, image_encoding: str, dtype: str, shape: tuple[int, ...] = SHAPE
) -> np.ndarray:
    """The image of a record, uint8 or float32, of a shape that is (32, 32, 3) for PNG.

    Raises:
        ValueError: if the bytes are none; the message is a clause.
    """
    if image_encoding == "raw":
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if len(image) != size:
            raise ValueError(f"{len(image)} bytes of pixels instead of {size}")
        return np.frombuffer(image, dtype).reshape(shape)
    if not image.startswith(PNG_BEGINS):
        raise ValueError(NO_PNG)
    from PIL import Image

    from cifar10_aug._compat.pillow import whole_pictures

    try:
        with whole_pictures(), Image.open(io.BytesIO(image), formats=["PNG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise ValueError("not a PNG") from error


def png(image: np.ndarray) -> bytes:
    """An image, uint8 [height, width, 3], as a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
