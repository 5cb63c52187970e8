"""What the files of a prepared split hold, a thousand examples at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cifar10_aug._compat import tensorflow_errors
from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.data.records.mapped import MappedFile

if TYPE_CHECKING:
    import tensorflow as tf

_SIZE = 1000
# Copies of so few fit into the processor's cache.
_MAPPED_SIZE = 250
_FEATURES = {"id", "image", "label"}


class StoredBatch(NamedTuple):
    """Consecutive examples.

    Attributes:
        ids: bytes [n].
        images: the pixels of all, uint8, flat.
        labels: int64 [n].
    """

    ids: np.ndarray
    images: np.ndarray
    labels: np.ndarray


# Reads files one after the other; a `ValueError` says in a clause how they are damaged.
Batches = Callable[[tuple[str, ...]], Iterator[StoredBatch]]


def as_tensors(files: Sequence[str]) -> tf.data.Dataset:
    """The features of some thousand examples at a time, with TensorFlow alone."""
    import tensorflow as tf

    spec = {
        "id": tf.io.FixedLenFeature([], tf.string),
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    # See `builders.online.Online.dataset`.
    parse = tf.autograph.experimental.do_not_convert(
        lambda records: tf.io.parse_example(records, spec)
    )
    records = tf.data.TFRecordDataset(list(files)).batch(_SIZE)
    return records.map(parse, num_parallel_calls=2, deterministic=True)


def by_tensorflow(files: tuple[str, ...]) -> Iterator[StoredBatch]:
    """Reads them with tf.data, which is quicker, and knows buckets."""
    import tensorflow as tf

    try:
        for batch in as_tensors(files).prefetch(2).as_numpy_iterator():
            yield StoredBatch(batch["id"].astype(bytes), _flat(batch["image"]), batch["label"])
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise ValueError(tensorflow_errors.reason(error)) from error


def without_tensorflow(files: tuple[str, ...]) -> Iterator[StoredBatch]:
    """Reads them with neither TensorFlow nor TFDS's readers, which import it."""
    records = (record for file in files for record in tfrecord.read(Path(file)))
    while batch := [examples.parsed(record) for record in itertools.islice(records, _SIZE)]:
        for one in batch:
            if missing := sorted(_FEATURES - one.keys()):
                raise ValueError(f"an example without {' and '.join(missing)}")
        yield StoredBatch(
            np.array([one["id"] for one in batch], bytes),
            _flat([one["image"] for one in batch]),
            np.array([one["label"] for one in batch], np.int64),
        )


def _flat(images: Sequence[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(images), np.uint8)


def has_images(file: MappedFile) -> bool:
    """Whether the records of a file are examples of which this is known, as they are prepared."""
    pixels = file.fields.get("image", slice(0, 0))
    return file.fields.keys() >= _FEATURES and pixels.stop - pixels.start == math.prod(SHAPE)


def of_mapped(files: Sequence[MappedFile]) -> Iterator[StoredBatch]:
    """What mapped files hold, its checksums compared; see `Batches`."""
    for file in files:
        for first in range(0, len(file.rows), _MAPPED_SIZE):
            rows = file.rows[first : first + _MAPPED_SIZE]
            tfrecord.unframed(rows, first)
            ids, images, labels = (rows[:, file.fields[name]] for name in ("id", "image", "label"))
            ids = np.ascontiguousarray(ids).view(f"S{ids.shape[1]}")
            yield StoredBatch(ids[:, 0], np.ravel(images), labels[:, 0].astype(np.int64))
