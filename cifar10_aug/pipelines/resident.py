"""Reads a prepared dataset's images back into memory, once for all pipelines of a process."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
import weakref

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug._compat import fork_safety, tensorflow_errors
from cifar10_aug.data import fingerprints, prepared
from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.prepared import damaged
from cifar10_aug.engines.arguments import one_hot
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.rng.names import example_ids

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
    _partners: weakref.WeakValueDictionary[str, Partners] = dataclasses.field(
        default_factory=weakref.WeakValueDictionary, init=False
    )

    def partners(self, numbers: np.ndarray, keys: np.ndarray, num_classes: int) -> Partners:
        """The images of some numbers as partners; pipelines that are alive at once share them."""
        digest = hashlib.sha256(keys.tobytes()).hexdigest()
        found = self._partners.get(digest)
        if found is None:
            labels = one_hot(self.labels[numbers], num_classes)
            found = self._partners[digest] = Partners.of(self.source, numbers, keys, labels)
        return found


_residents: weakref.WeakValueDictionary[tuple[str, ...], Resident] = weakref.WeakValueDictionary()
_reading = fork_safety.Lock()


def resident(info: tfds.core.SplitInfo) -> Resident:
    """The split's images and labels; pipelines that are alive at once share them.

    Raises:
        SourceError: if the files do not hold what their metadata say.
    """
    files, key = tuple(str(path) for path in info.filepaths), written(info)
    with _reading:
        found = _residents.get(key)
        if found is None:
            # In a separate thread, which is not inside the `tf.function`, `tf.Graph` or scope
            # that the user may be in.
            with concurrent.futures.ThreadPoolExecutor(1) as outside:
                read = tf.autograph.experimental.do_not_convert(_read)
                found = outside.submit(read, info, files).result()
            _residents[key] = found
        return found


def written(info: tfds.core.SplitInfo) -> tuple[str, ...]:
    """What tells a prepared split from all others.

    One that was prepared anew has new files under the old names.
    """
    files = [str(path) for path in info.filepaths]
    return (*files, *map(_written, files))


def _written(file: str) -> str:
    """What tells a file from another that was under the same name."""
    if "://" in file:
        return str(tf.io.gfile.stat(file).mtime_nsec)
    # TensorFlow knows local times to the second only.
    stat = os.stat(file)
    return f"{stat.st_mtime_ns} {stat.st_ino}"


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
    ids = example_ids(info.name, np.arange(count))
    first = found = 0
    folder = files[0].rsplit("/", 1)[0]
    try:
        for batch in batches.prefetch(2).as_numpy_iterator():
            last = first + len(batch["label"])
            images = np.frombuffer(b"".join(batch["image"]), np.uint8)
            if last > count or images.size != (last - first) * np.prod(SHAPE):
                raise damaged(folder, f"more than {count} images, or images of another size")
            if (batch["id"].astype(bytes) != ids[first:last]).any():
                raise damaged(folder, "images in another order")
            images = images.reshape(-1, *SHAPE)
            source.write(first, images)
            labels[first:last] = batch["label"]
            found += fingerprints.of(images, batch["label"], first)
            first = last
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise damaged(folder, tensorflow_errors.reason(error)) from error
    if first != count:
        raise damaged(folder, f"{first} images instead of {count}")
    if found % 2**64 != prepared.fingerprint(info):
        raise damaged(folder, prepared.OTHERS)
    return Resident(source, labels)
