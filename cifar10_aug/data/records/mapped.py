"""TFRecord files whose records are alike, mapped into memory: one copy for all processes.

What is mapped are the pages in which the operating system keeps files anyway; all processes share
them. A file that is replaced by another under its name, as `prepare --overwrite` does, stays mapped
as it was. One that is written to or cut in place changes under the mapping, and reading what is cut
off would end the process (SIGBUS), so users of a mapping ask first whether the file is still what
was mapped.
"""

from __future__ import annotations

import mmap
import os
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.errors import SourceError

# Windows neither renames nor deletes what is mapped; kernels read pixels as little-endian words.
_SYSTEM_CAN = os.name == "posix" and sys.byteorder == "little"


class MappedFile:
    """A file of records of one size, whose features are in the same places in all of them.

    Attributes:
        rows: the records with their lengths and checksums, uint8 [records, bytes], read-only.
        fields: where in a row features are: bytes as they are, whole numbers as one byte.
    """

    def __init__(self, path: Path):
        """Maps a file.

        Raises:
            OSError: if it cannot be read, or if its file system cannot map it.
            ValueError: if it is empty, or its records are not alike.
        """
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)
        self._written = self._stamp()
        memory = np.frombuffer(mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ), np.uint8)
        record = int.from_bytes(memory[:8].tobytes(), "little")
        if memory.size % (record + tfrecord.OVERHEAD):
            raise ValueError("records of several sizes")
        self.rows = memory.reshape(-1, record + tfrecord.OVERHEAD)
        self.fields = _fields(tfrecord.unframed(self.rows[:1])[0].tobytes())
        same = np.ones(self.rows.shape[1], bool)
        for place in (*self.fields.values(), tfrecord.CHECKSUM):
            same[place] = False
        if (self.rows[:, same] != self.rows[0, same]).any():
            raise ValueError("records that differ in more than their features' values")

    def check_unchanged(self) -> None:
        """Raises a `SourceError` if the file was written to or cut after it was mapped."""
        if self._stamp() != self._written:
            raise SourceError(
                f"{self._path}: the file was changed while its images were in use; prepare them "
                "again (cifar10-aug prepare --overwrite puts new files in place of those in use, "
                "which stay what they are), and load the dataset again"
            )

    def _stamp(self) -> tuple[int, int]:
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns


def mapped(path: str) -> MappedFile | None:
    """The file, mapped; None if it has to be read, as its records are not alike.

    So it is, too, where the system or the file system does not map files.
    """
    if not _SYSTEM_CAN or "://" in path:
        return None
    try:
        return MappedFile(Path(path))
    except (OSError, ValueError):
        # What reads it finds out whether anything is wrong with it, and says so.
        return None


def _fields(record: bytes) -> dict[str, slice]:
    """Where in its row the features of a record are."""
    fields = {}
    for name, value in examples.parsed(record).items():
        # The name with its length, and the value, without the lengths of what they are part of.
        alone = examples.serialized({name: value})
        entry = alone[alone.index(name.encode()) - 2 :]
        stop = tfrecord.HEADER + record.index(entry) + len(entry)
        fields[name] = slice(stop - (len(value) if isinstance(value, bytes) else 1), stop)
    return fields


def joined(files: Sequence[MappedFile], feature: str) -> tuple[np.ndarray, np.ndarray]:
    """A feature of all records of some files, in place.

    Returns:
        The memory from the first file to the end of the last, uint8, of which nothing else may be
        read, since there may be anything or nothing between files; it keeps them mapped.
        And where in it the records have the feature, int64 [records].
    """
    starts = [file.rows.ctypes.data for file in files]
    first = min(starts)
    stop = max(start + file.rows.nbytes for start, file in zip(starts, files, strict=True))
    places = [
        start - first + file.fields[feature].start + np.arange(len(file.rows)) * file.rows.shape[1]
        for start, file in zip(starts, files, strict=True)
    ]
    return np.asarray(_Span(files, first, stop)), np.concatenate(places)


class _Span:
    """Memory as NumPy takes it over, which keeps this object, and so the files."""

    def __init__(self, files: Sequence[MappedFile], first: int, stop: int):
        self._files = files
        self.__array_interface__ = {
            "version": 3,
            "typestr": "|u1",
            "data": (first, True),
            "shape": (stop - first,),
        }
