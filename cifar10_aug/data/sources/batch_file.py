"""Reads one file of images, in either published layout."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from cifar10_aug.data.images import SHAPE, SIDE, LabelledImages
from cifar10_aug.data.sources import unpickle
from cifar10_aug.data.sources.official import IMAGES_IN_A_FILE, Layout
from cifar10_aug.errors import SourceError

_IMAGE_BYTES = SIDE * SIDE * 3
_RECORD_BYTES = 1 + _IMAGE_BYTES
# The largest published file has 31 MB; more than this is not one of them.
LARGEST_FILE = 64 * 2**20
# Of what is told of a pickle's error, in characters.
_LONGEST = 120


def read(data: bytes, layout: Layout, name: str) -> LabelledImages:
    """The images in the bytes of one file, as a view of these.

    Raises:
        SourceError: naming the file, if it is not what it should be.
    """
    if layout.kind == "binary":
        rows, labels = _binary(data, name)
    else:
        rows, labels = _python(data, name)
    if not 1 <= len(rows) <= IMAGES_IN_A_FILE:
        raise SourceError(
            f"{name}: expected 1 to {IMAGES_IN_A_FILE} images, found {len(rows)}; "
            "get the file again"
        )
    wrong = np.flatnonzero((labels < 0) | (labels > 9))
    if len(wrong):
        raise SourceError(
            f"{name}: expected labels from 0 to 9, found {labels[wrong[0]]} at image {wrong[0]}; "
            "it is damaged or not CIFAR-10: get the file again"
        )
    # Files hold all red levels of an image, then all green, then all blue ones.
    planes = rows.reshape(len(rows), 3, SIDE, SIDE)
    images = planes.transpose(0, 2, 3, 1)
    assert images.shape[1:] == SHAPE
    return LabelledImages(images, labels.astype(np.int64))


def _binary(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    if not data or len(data) % _RECORD_BYTES:
        raise SourceError(
            f"{name}: expected a multiple of {_RECORD_BYTES} bytes (a label and a 32 x 32 image "
            f"each), found {len(data)} bytes; it is cut off or not CIFAR-10: get the file again"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD_BYTES)
    return records[:, 1:], records[:, 0].astype(np.int64)


def _python(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        content = unpickle.load(data)
        for part in ("data", "labels"):
            if part not in content:
                raise pickle.UnpicklingError(f"it has no {part}")
        if not isinstance(content["data"], unpickle.PickledArray):
            raise pickle.UnpicklingError("data are no array")
        array, labels = content["data"].array(), content["labels"]
        if not isinstance(labels, list):
            raise pickle.UnpicklingError("labels are not a list")
        if array.ndim != 2 or array.shape[1] != _IMAGE_BYTES or len(array) != len(labels):
            raise pickle.UnpicklingError(
                f"data have shape {list(array.shape)} beside {len(labels)} labels"
            )
        return array, np.array([_small_integer(label) for label in labels], np.int64)
    except Exception as error:
        # A damaged pickle can raise nearly anything; whatever it is, the file is not usable.
        raise SourceError(
            f"{name}: expected a pickled CIFAR-10 batch (data and labels), "
            f"found something else ({brief(error)}); get the file again"
        ) from error


def brief(error: Exception) -> str:
    """What is wrong, in a line: the file's own words may be in it."""
    said = str(error) or type(error).__name__
    printable = "".join(letter if letter.isprintable() else " " for letter in said[:_LONGEST])
    return f"{printable}…" if len(said) > _LONGEST else printable


def _small_integer(label: Any) -> int:
    if not isinstance(label, int) or abs(label) > 255:
        raise pickle.UnpicklingError("a label is not a small integer")
    return label
