"""What the files of a prepared split hold, some thousand examples at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cifar10_aug._compat import tensorflow_errors
from cifar10_aug.data.records import examples, tfrecord

if TYPE_CHECKING:
    import tensorflow as tf

_SIZE = 1000
_FEATURES = {"id", "image", "label"}


class StoredBatch(NamedTuple):
    """Consecutive examples.

    Attributes:
        ids: bytes [n].
        images: the pixels of each.
        labels: int64 [n].
    """

    ids: np.ndarray
    images: Sequence[bytes]
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
            yield StoredBatch(batch["id"].astype(bytes), batch["image"], batch["label"])
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
            [one["image"] for one in batch],
            np.array([one["label"] for one in batch], np.int64),
        )
