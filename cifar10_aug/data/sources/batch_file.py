"""Reads one file of images, in either published layout."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cifar10_aug.data.images import SIDE, LabelledImages, checked
from cifar10_aug.data.sources import unpickle
from cifar10_aug.data.sources.official import Layout, Published
from cifar10_aug.errors import SourceError

_IMAGE_BYTES = SIDE * SIDE * 3
# Of what is told of a pickle's error, in characters.
_LONGEST = 120


def largest(layout: Layout, published: Published) -> int:
    """More bytes than any file of such images has, whatever else a pickle holds."""
    return 2 * most_images(layout, published) * _IMAGE_BYTES + 2**20


def most_images(layout: Layout, published: Published) -> int:
    """How many images one file holds at most."""
    return max(published.train // len(layout.train), published.test)


def read(data: bytes, layout: Layout, published: Published, name: str) -> LabelledImages:
    """The images in the bytes of one file, as a view of these.

    Raises:
        SourceError: naming the file, if it is not what it should be.
    """
    read_rows = _binary if layout.kind == "binary" else _python
    most = most_images(layout, published)
    rows, labels, coarse = read_rows(data, layout, published.title, name, most)
    features = [one.feature for one in published.dataset.groupings]
    # Files hold all red levels of an image, then all green, then all blue ones.
    planes = rows.reshape(len(rows), 3, SIDE, SIDE)
    return checked(
        planes.transpose(0, 2, 3, 1),
        labels,
        dict(zip(features, coarse, strict=True)),
        most=most,
        dataset=published.dataset,
        name=name,
    )


# Pixels as they lie in a file, uint8 [n, 3072]; labels, int64 [n]; and coarser labels of this kind.
_Rows = tuple[np.ndarray, np.ndarray, list[np.ndarray]]


def _binary(data: bytes, layout: Layout, title: str, name: str, most: int) -> _Rows:
    before = len(layout.labels)
    size = before + _IMAGE_BYTES
    if not data or len(data) % size:
        raise SourceError(
            f"{name}: expected a multiple of {size} bytes (a {' and a '.join(layout.labels)} and "
            f"a 32 x 32 image each), found {len(data)} bytes; it is cut off or not {title}: get "
            "the file again"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, size)
    *coarse, labels = records[:, :before].T.astype(np.int64)
    return records[:, before:], labels, coarse


def _python(data: bytes, layout: Layout, title: str, name: str, most: int) -> _Rows:
    parts = ("data", *layout.labels)
    try:
        content = unpickle.load(data, most)
        for part in parts:
            if part not in content:
                raise pickle.UnpicklingError(f"it has no {part}")
        if not isinstance(content["data"], unpickle.PickledArray):
            raise pickle.UnpicklingError("data are no array")
        array = content["data"].array()
        *coarse, labels = (_labels(content[part]) for part in layout.labels)
        counts = {len(array), len(labels), *map(len, coarse)}
        if array.ndim != 2 or array.shape[1] != _IMAGE_BYTES or len(counts) > 1:
            raise pickle.UnpicklingError(
                f"data have shape {list(array.shape)} beside {len(labels)} labels"
            )
        return array, labels, coarse
    except Exception as error:
        # A damaged pickle can raise nearly anything; whatever it is, the file is not usable.
        raise SourceError(
            f"{name}: expected a pickled {title} batch ({' and '.join(parts)}), "
            f"found something else ({brief(error)}); get the file again"
        ) from error


def _labels(found: Any) -> np.ndarray:
    if isinstance(found, unpickle.PickledArray):
        labels = found.integers()
        if labels.ndim != 1:
            raise pickle.UnpicklingError(f"labels have shape {list(labels.shape)}")
        # Without a change of sign of the largest ones.
        return np.minimum(labels, 255).astype(np.int64)
    if not isinstance(found, (list, tuple)):
        raise pickle.UnpicklingError("labels are not a list, a tuple or an array")
    return np.array([_small_integer(label) for label in found], np.int64)


def brief(error: Exception) -> str:
    """What is wrong, in a line: the file's own words may be in it."""
    said = str(error) or type(error).__name__
    printable = "".join(letter if letter.isprintable() else " " for letter in said[:_LONGEST])
    return f"{printable}…" if len(said) > _LONGEST else printable


@contextlib.contextmanager
def refused(say: Callable[[str], str]) -> Iterator[None]:
    """Raises a `SourceError` with a message about what goes wrong with a damaged file.

    Such a file can make libraries raise nearly anything. What the system says of files passes.
    """
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise SourceError(say(brief(error))) from error


def _small_integer(label: Any) -> int:
    if isinstance(label, unpickle.PickledArray):
        label = label.integers().item()
    if not isinstance(label, int) or abs(label) > 255:
        raise pickle.UnpicklingError("a label is not a small integer")
    return label
