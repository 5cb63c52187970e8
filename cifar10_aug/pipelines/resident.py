"""A prepared dataset's images, once for all pipelines: mapped from their files, or read."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
import weakref
from collections.abc import Sequence

import numpy as np

from cifar10_aug._compat import fork_safety
from cifar10_aug.data import fingerprints, prepared
from cifar10_aug.data.description import Split
from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.prepared import damaged
from cifar10_aug.data.records import mapped
from cifar10_aug.data.records.mapped import MappedFile
from cifar10_aug.engines.arguments import one_hot
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.pipelines import stored_batches
from cifar10_aug.pipelines.stored_batches import Batches
from cifar10_aug.rng.names import example_ids


@dataclasses.dataclass(frozen=True, eq=False)
class Resident:
    """One split in memory.

    Attributes:
        labels: int64 [n].
    """

    labels: np.ndarray
    _source: Source
    _files: Sequence[MappedFile]
    _partners: weakref.WeakValueDictionary[str, Partners] = dataclasses.field(
        default_factory=weakref.WeakValueDictionary, init=False
    )

    @property
    def source(self) -> Source:
        """The images; to be asked for anew before each use.

        Raises:
            SourceError: if a file that they are mapped from was changed in the meantime.
        """
        for file in self._files:
            file.check_unchanged()
        return self._source

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


def resident(info: Split, batches: Batches = stored_batches.by_tensorflow) -> Resident:
    """The split's images and labels; pipelines that are alive at once share them.

    Args:
        info: of the split.
        batches: what reads the files, if nobody has read them yet.

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
                found = outside.submit(_read, info, files, batches).result()
            _residents[key] = found
        return found


def written(info: Split) -> tuple[str, ...]:
    """What tells a prepared split from all others.

    One that was prepared anew has new files under the old names.
    """
    files = [str(path) for path in info.filepaths]
    return (*files, *map(_written, files))


def _written(file: str) -> str:
    """What tells a file from another that was under the same name."""
    if "://" in file:
        import tensorflow as tf

        return str(tf.io.gfile.stat(file).mtime_nsec)
    # TensorFlow knows local times to the second only.
    stat = os.stat(file)
    return f"{stat.st_mtime_ns} {stat.st_ino}"


def _mapped(files: tuple[str, ...]) -> list[MappedFile]:
    """The files, mapped; none of them if that is not possible with all."""
    found = []
    for path in files:
        file = mapped.mapped(path)
        if file is None or not stored_batches.has_images(file):
            return []
        found.append(file)
    return found


def _read(info: Split, files: tuple[str, ...], batches: Batches) -> Resident:
    count, kept = info.num_examples, _mapped(files)
    if kept:
        source = Source.in_place(*mapped.joined(kept, "image"), *SHAPE[:2])
    else:
        source = Source.empty(count, *SHAPE[:2])
    labels = np.empty(count, np.int64)
    first = found = 0
    folder = files[0].rsplit("/", 1)[0]
    try:
        for batch in stored_batches.of_mapped(kept) if kept else batches(files):
            stop, images = first + len(batch.labels), batch.images
            if stop > count or images.size != (stop - first) * np.prod(SHAPE):
                raise ValueError(f"more than {count} images, or images of another size")
            if (batch.ids != example_ids(info.name, np.arange(first, stop))).any():
                raise ValueError("images in another order")
            images = images.reshape(-1, *SHAPE)
            if not kept:
                source.write(first, images)
            labels[first:stop] = batch.labels
            found += fingerprints.of(images, batch.labels, first)
            first = stop
    except ValueError as error:
        raise damaged(folder, str(error)) from error
    if first != count:
        raise damaged(folder, f"{first} images instead of {count}")
    if found % 2**64 != prepared.fingerprint(info):
        raise damaged(folder, prepared.OTHERS)
    return Resident(labels, source, kept)
