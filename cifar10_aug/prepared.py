"""Reads a prepared dataset's images back into memory, once for all pipelines of a process."""

from __future__ import annotations

import dataclasses
import threading
import weakref

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.engines.eager import Source
from cifar10_aug.errors import SourceError
from cifar10_aug.source.images import SHAPE

_BATCH = 1000


@dataclasses.dataclass(frozen=True, eq=False)
class Resident:
    """One split in memory.

    Attributes:
        source: the packed images.
        labels: int64 [n].
    """

    source: Source
    labels: np.ndarray


_residents: weakref.WeakValueDictionary[tuple[str, ...], Resident] = weakref.WeakValueDictionary()
_reading = threading.Lock()


def example_ids(split: str, count: int) -> np.ndarray:
    """The ids of a split in official order: bytes [count], b"train_00000" and so on."""
    return np.array([f"{split}_{number:05d}".encode() for number in range(count)])


def resident(info: tfds.core.SplitInfo) -> Resident:
    """The split's images and labels; pipelines that are alive at once share them.

    Raises:
        SourceError: if the files do not hold what their metadata say.
    """
    files = tuple(str(path) for path in info.filepaths)
    # A dataset that was prepared anew has new files under the old names.
    key = (*files, *(str(tf.io.gfile.stat(file).mtime_nsec) for file in files))
    with _reading:
        found = _residents.get(key)
        if found is None:
            found = _residents[key] = _read(info, files)
        return found


def _read(info: tfds.core.SplitInfo, files: tuple[str, ...]) -> Resident:
    spec = {
        "id": tf.io.FixedLenFeature([], tf.string),
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    records = tf.data.TFRecordDataset(list(files)).batch(_BATCH)
    batches = records.map(
        lambda batch: tf.io.parse_example(batch, spec), num_parallel_calls=2, deterministic=True
    )
    count = info.num_examples
    source = Source.empty(count, *SHAPE[:2])
    labels = np.empty(count, np.int64)
    ids = example_ids(info.name, count)
    first = 0
    try:
        for batch in batches.prefetch(2).as_numpy_iterator():
            last = first + len(batch["label"])
            images = np.frombuffer(b"".join(batch["image"]), np.uint8)
            if last > count or images.size != (last - first) * np.prod(SHAPE):
                raise _damaged(files, f"more than {count} images, or images of another size")
            if (batch["id"].astype(bytes) != ids[first:last]).any():
                raise _damaged(files, "images in another order")
            source.write(first, images.reshape(-1, *SHAPE))
            labels[first:last] = batch["label"]
            first = last
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise _damaged(files, str(error.message)) from error
    if first != count:
        raise _damaged(files, f"{first} images instead of {count}")
    return Resident(source, labels)


def _damaged(files: tuple[str, ...], found: str) -> SourceError:
    folder = files[0].rsplit("/", 1)[0]
    return SourceError(
        f"{folder}: the prepared images are damaged ({found}); "
        "delete this folder and prepare them again"
    )
