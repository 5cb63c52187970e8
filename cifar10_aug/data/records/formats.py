"""The two kinds of record files that frozen epochs are written to."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cifar10_aug.data.records import tfrecord
from cifar10_aug.data.records.examples import Records

_BLOCK = 2**20
_RECORDS_A_READ = 1000


class Format(NamedTuple):
    """How one kind of file is written and read.

    Attributes:
        write: writes chunks of records to a new file, and returns the file's digest.
        read: yields a file's records; raises a `ValueError` if it is damaged.
        places: what `read_at` needs to know of a file; raises a `ValueError` likewise.
        read_at: yields some records of a file by their numbers; raises a `ValueError` likewise.
    """

    write: Callable[[Path, Iterable[Records]], str]
    read: Callable[[Path], Iterator[bytes]]
    places: Callable[[Path], Sequence[int]]
    read_at: Callable[[Path, Sequence[int], Sequence[int]], Iterator[bytes]]


def digest_of(*paths: Path) -> str:
    """ "sha256:…" of a file, or of several, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def _write_tfrecord(path: Path, chunks: Iterable[Records]) -> str:
    digest = hashlib.sha256()
    with open(path, "xb", buffering=0) as file:
        for chunk in chunks:
            data = tfrecord.framed(chunk).data
            digest.update(data)
            while data:
                data = data[file.write(data) :]
    return f"sha256:{digest.hexdigest()}"


def _write_array_record(path: Path, chunks: Iterable[Records]) -> str:
    from array_record.python import array_record_module

    # TFDS's own setting: one record a group, for random access.
    writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1")
    try:
        for chunk in chunks:
            for record in chunk:
                writer.write(record.tobytes() if isinstance(record, np.ndarray) else record)
        writer.close()
    except RuntimeError as error:
        # The library's only kind of error; it does not tell the number of the system's.
        raise OSError(errno.EIO, " ".join(str(error).split()), str(path)) from error
    return digest_of(path)


@contextlib.contextmanager
def _array_record(path: Path) -> Iterator[Any]:
    """A file's reader; what it finds wrong is a `ValueError`."""
    from array_record.python import array_record_module

    try:
        reader = array_record_module.ArrayRecordReader(str(path))
        try:
            yield reader
        finally:
            reader.close()
    except (RuntimeError, IndexError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def _read_array_record(path: Path) -> Iterator[bytes]:
    with _array_record(path) as reader:
        count = reader.num_records()
        # The first one alone, since often no other is wanted.
        edges = [*range(min(count, 1)), *range(1, count, _RECORDS_A_READ), count]
        for first, stop in itertools.pairwise(edges):
            yield from reader.read(range(first, stop))


def _read_array_record_at(
    path: Path, places: Sequence[int], rows: Sequence[int]
) -> Iterator[bytes]:
    with _array_record(path) as reader:
        yield from reader.read(rows)


FORMATS = {
    "tfrecord": Format(_write_tfrecord, tfrecord.read, tfrecord.places, tfrecord.read_at),
    "array_record": Format(
        # The files have an index.
        _write_array_record,
        _read_array_record,
        lambda path: (),
        _read_array_record_at,
    ),
}
