"""Fingerprints of a split's images and labels, equal in NumPy and in TensorFlow.

Two splits with other images, other labels or another order have different ones, unless somebody
has made them equal on purpose. They are computed while files are read, at next to no cost, and in
graphs, where no cryptographic digest exists. All arithmetic is modulo 2**64.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from cifar10_aug.data.images import SHAPE

if TYPE_CHECKING:
    import tensorflow as tf

_WORDS = int(np.prod(SHAPE)) // 8
# Any odd numbers would do, as long as they never change.
_drawn = hashlib.shake_256(b"cifar10_aug").digest(8 * (_WORDS + 1))
_WEIGHTS = np.frombuffer(_drawn, "<u8").astype(np.uint64) | np.uint64(1)
_IMAGES, _LABEL = _WEIGHTS[:-1], _WEIGHTS[-1:]


def of(images: np.ndarray, labels: np.ndarray, first: int = 0) -> int:
    """Of consecutive examples of a split, the first of which has this number.

    That of all is the sum of that of the parts, modulo 2**64.
    """
    words = np.ascontiguousarray(images).reshape(len(images), -1).view("<u8")
    rows = words @ _IMAGES + (labels.astype(np.uint64) + np.uint64(1)) * _LABEL
    places = 2 * np.arange(first, first + len(images), dtype=np.uint64) + np.uint64(1)
    return int((rows * places).sum(dtype=np.uint64))


def rows(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Int64 [n] for images as strings [n] and labels as int64 [n]; see `total`."""
    import tensorflow as tf

    words = tf.io.decode_raw(images, tf.int64)
    weighted = tf.reduce_sum(words * _IMAGES.view(np.int64), axis=1)
    return weighted + (labels + 1) * _LABEL.view(np.int64)


def total(rows: tf.Tensor) -> tf.Tensor:
    """What `of` is for a whole split, as int64."""
    import tensorflow as tf

    places = 2 * tf.range(tf.size(rows, tf.int64)) + 1
    return tf.reduce_sum(rows * places)


def signed(fingerprint: int) -> np.int64:
    """A fingerprint as int64 has it."""
    return np.uint64(fingerprint).astype(np.int64)


def text(fingerprint: int) -> str:
    """A fingerprint as it is recorded."""
    return f"{fingerprint:016x}"
