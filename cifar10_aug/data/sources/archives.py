"""The members of an archive: tar, plain or compressed by gzip, bzip2 or xz, or zip.

Members are read one after the other: nothing is unpacked to disk, so a member's path is only a
name. What an archive may hold has bounds.
"""

from __future__ import annotations

import bz2
import contextlib
import dataclasses
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cifar10_aug.errors import SourceError

# The published archives have 8 or 9 members and 170 MB, and unpack to 185 MB.
LARGEST_ARCHIVE = 400 * 2**20
_MOST_MEMBERS = 1000
# Of what is before a member's own bytes, such as a long name.
_LARGEST_HEADER = 2**16
# Of a zip file's list of members, and more than is read of a member at once.
_LARGEST_DIRECTORY = 2**20
_READ = 2**16
# `xz -9` needs 65 MB.
_XZ_MEMORY = 2**28
# How many bytes of a file show what it is.
START = 512


@dataclasses.dataclass(frozen=True)
class Member:
    """One member.

    Attributes:
        name: its path in the archive.
        size: its length in bytes, as listed.
        read: its bytes; None if it is no regular file.
    """

    name: str
    size: int
    read: Callable[[], bytes] | None


def kind(start: bytes) -> str | None:
    """Which kind of archive begins with these bytes: "gzip", "bzip2", "xz", "zip" or "tar"."""
    for name, magic in _MAGIC.items():
        if start.startswith(magic):
            return name
    # A tar begins with a header, which has a checksum.
    with contextlib.suppress(tarfile.HeaderError):
        tarfile.TarInfo.frombuf(start[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
        return "tar"
    return None


_MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0", "zip": b"PK"}


def members(path: Path, kind: str, called: str, title: str) -> Iterator[Member]:
    """All members of an archive, each to be read before the next one is asked for.

    Args:
        path: the archive.
        kind: see `kind`.
        called: what errors call it.
        title: the dataset's.

    Raises:
        SourceError: if there is more in it than can be.
        Exception: of nearly any kind, if it is damaged.
    """
    found = _zip_members(path) if kind == "zip" else _tar_members(path, kind, called, title)
    for number, member in enumerate(found, start=1):
        if number > _MOST_MEMBERS:
            raise SourceError(
                f"{called}: expected at most {_MOST_MEMBERS} members, found more; it is not {title}"
            )
        yield member


def _tar_members(path: Path, kind: str, called: str, title: str) -> Iterator[Member]:
    with open(path, "rb") as file:
        bounded = _Bounded(_unpacked(file, kind), called, title)
        stream = io.BufferedReader(bounded, 2**20)
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                yield Member(member.name, member.size, content.read if content else None)
        # The checksum of the whole is after its last byte.
        while stream.read(2**20):
            pass


def _unpacked(file: Any, kind: str) -> Any:
    unpack: dict[str, Callable[[Any], Any]] = {
        "gzip": lambda file: gzip.GzipFile(fileobj=file),
        "bzip2": bz2.BZ2File,
        "xz": _Xz,
    }
    return unpack[kind](file) if kind in unpack else file


class _Xz(io.RawIOBase):
    """What an xz file unpacks to; lzma's own file takes as much memory as the file asks for."""

    def __init__(self, file: Any):
        self._file = file
        self._begin()

    def _begin(self) -> None:
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while True:
            packed = b""
            if self._unpacker.eof:
                packed = self._unpacker.unused_data or self._file.read(_READ)
                if not packed.strip(b"\0"):
                    return b""
                self._begin()
            elif self._unpacker.needs_input and not (packed := self._file.read(_READ)):
                raise EOFError("the compressed file ends too early")
            if data := self._unpacker.decompress(packed, size):
                return data


class _Member(tarfile.TarInfo):
    """A member of an archive whose headers are of a sensible size: tarfile reads them whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADERS and not 0 <= member.size <= _LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        return member


_HEADERS = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)


class _Bounded(io.RawIOBase):
    """A stream that refuses to yield more than an archive of CIFAR can hold."""

    def __init__(self, stream: Any, name: str, title: str):
        self._stream, self._name, self._title = stream, name, title
        self._left = LARGEST_ARCHIVE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise SourceError(
                f"{self._name}: expected at most {LARGEST_ARCHIVE} bytes of content, "
                f"found more; it is not {self._title}"
            )
        buffer[: len(data)] = data
        return len(data)


def _zip_members(path: Path) -> Iterator[Member]:
    with opened_zip(path) as archive:
        for info in archive.infolist():
            read = None if info.is_dir() or _is_link(info) else _reading(archive, info)
            yield Member(info.filename, info.file_size, read)


def _is_link(info: zipfile.ZipInfo) -> bool:
    return (info.external_attr >> 28) == 0o12


def _reading(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        with opened(archive, info) as file:
            # All at once would ask for more than there may be.
            return b"".join(iter(lambda: file.read(_READ), b""))

    return read


@contextlib.contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file, with bounds on what is read at once.

    Raises:
        Exception: of nearly any kind, if it is damaged.
    """
    with _SmallReads(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


def opened(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    """A member of a zip file, to be read; it never has more bytes than `info` says."""
    # The others inflate what they get at once, whatever it becomes.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("compressed by another method than deflate")
    return archive.open(info)


class _SmallReads(io.FileIO):
    """A file of which little is read at once: zipfile believes how long its list of members is."""

    def read(self, size: int | None = -1) -> bytes:
        left = max(os.fstat(self.fileno()).st_size - self.tell(), 0)
        size = left if size is None or size < 0 else min(size, left)
        if size > _LARGEST_DIRECTORY:
            raise zipfile.BadZipFile(f"a list of members of {size} bytes")
        return super().read(size)
