"""Reads CIFAR-10 from a local archive or unpacked folder, in either published layout.

Archives are read as a stream: nothing is unpacked to disk, so a member's path is only a name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from cifar10_aug.data.images import SHAPE, Cifar10, LabelledImages, Provenance
from cifar10_aug.data.sources import batch_file
from cifar10_aug.data.sources.batch_file import brief
from cifar10_aug.data.sources.official import LAYOUTS, Layout
from cifar10_aug.errors import SourceError

_EXPECTED = (
    "expected cifar-10-binary.tar.gz, cifar-10-python.tar.gz "
    "or the folder unpacked from either (cifar-10-batches-bin, cifar-10-batches-py)"
)
# The published archives have 8 or 9 members and 170 MB, and unpack to 185 MB.
_LARGEST_ARCHIVE = 400 * 2**20
_MOST_MEMBERS = 1000
# Of what stands before a member's own bytes, such as a long name.
_LARGEST_HEADER = 2**16


def read(path: str | os.PathLike[str], called: str | None = None) -> Cifar10:
    """CIFAR-10 from an archive or folder.

    Args:
        path: of either.
        called: what errors call it, if not by its path.

    Raises:
        SourceError: saying what was expected, what was found and what to do.
    """
    path = _expanded(path)
    with _readable(called or str(path)):
        # Before reading, so that a later change to the files is not overlooked.
        before = stamp(path)
        read = _read_folder if path.is_dir() else _read_archive
        cifar10 = read(path, called or str(path))
    return dataclasses.replace(
        cifar10, provenance=dataclasses.replace(cifar10.provenance, stamp=before)
    )


def stamp(path: str | os.PathLike[str]) -> str:
    """Size, time and inode of each file that holds images; equal stamps mean unchanged files.

    Raises:
        SourceError: if there are no such files.
    """
    path = _expanded(path)
    with _readable(str(path)):
        found = [file.stat() for file in _files(path)]
    return ", ".join(f"{one.st_size} {one.st_mtime_ns} {one.st_ino}" for one in found)


@contextlib.contextmanager
def _readable(called: str) -> Iterator[None]:
    """Raises a `SourceError` in place of an `OSError`."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{called}: cannot be read ({error.strerror or error})") from error


def _expanded(path: str | os.PathLike[str]) -> Path:
    # Path's own raises an error where there is no such user.
    return Path(os.path.expanduser(path))


def _check_file(path: Path) -> None:
    """Refuses whatever might have no end, such as a pipe."""
    if not path.is_file():
        found = "a pipe or device" if path.exists() else "nothing there"
        raise SourceError(f"{path}: {_EXPECTED}, found {found}; check the path")


def find(folder: str | os.PathLike[str]) -> Path | None:
    """An archive or unpacked folder inside `folder`, if there is one."""
    for layout in LAYOUTS:
        for name in (layout.archive, layout.folder):
            if (candidate := _expanded(folder) / name).exists():
                return candidate
    return None


def archive_digest(path: str | os.PathLike[str]) -> str:
    """ "sha256:…" of an archive, or of a folder's image files one after the other.

    Raises:
        SourceError: if there is none.
    """
    path = _expanded(path)
    digest = hashlib.sha256()
    with _readable(str(path)):
        for one in _files(path):
            with open(one, "rb") as file:
                while block := file.read(2**20):
                    digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def _files(path: Path) -> list[Path]:
    """The files that hold images: an archive itself, or those in a folder."""
    if not path.is_dir():
        _check_file(path)
        return [path]
    folder, layout = _layout_of_folder(path)
    for name in layout.files:
        if not (folder / name).is_file():
            raise SourceError(
                f"{folder}: expected the files {', '.join(layout.files)}, "
                f"found no {name}; unpack the archive again"
            )
    return [folder / name for name in layout.files]


def _read_folder(path: Path, called: str) -> Cifar10:
    folder, layout = _layout_of_folder(path)
    digest, md5 = hashlib.sha256(), {}
    parts = {}
    for name in layout.files:
        file = folder / name
        _check_size(file.stat().st_size, str(file))
        data = file.read_bytes()
        digest.update(data)
        if layout.file_digests:
            md5[name] = hashlib.md5(data, usedforsecurity=False).hexdigest()
        parts[name] = batch_file.read(data, layout, str(file))
    if layout.file_digests:
        official = md5 == layout.file_digests
        checked = "md5 of every file against the published ones"
    else:
        official = False
        checked = "no checksums are published for the files of the unpacked binary folder"
    return _assemble(
        parts,
        layout,
        Provenance("folder", folder.name, f"sha256:{digest.hexdigest()}", official, checked),
        str(folder),
    )


def _layout_of_folder(path: Path) -> tuple[Path, Layout]:
    for folder in (path, *(path / layout.folder for layout in LAYOUTS)):
        for layout in LAYOUTS:
            if (folder / layout.train[0]).is_file():
                return folder, layout
    found = ", ".join(sorted(os.listdir(path))[:5]) or "nothing"
    raise SourceError(
        f"{path}: {_EXPECTED}, found a folder with {found}; give the folder that holds "
        "data_batch_1.bin or data_batch_1"
    )


def _check_size(size: int, name: str) -> None:
    if size > batch_file.LARGEST_FILE:
        raise SourceError(
            f"{name}: expected at most {batch_file.LARGEST_FILE} bytes, found {size}; "
            "it is not CIFAR-10"
        )


def _read_archive(path: Path, called: str) -> Cifar10:
    size = path.stat().st_size
    if size > _LARGEST_ARCHIVE:
        raise SourceError(
            f"{called}: expected at most {_LARGEST_ARCHIVE} bytes, found {size}; it is not CIFAR-10"
        )
    with open(path, "rb") as file:
        start = file.read(512)
    if not start.startswith(b"\x1f\x8b"):
        if start.lstrip()[:1] == b"<":
            found = "a web page (the download was answered with HTML)"
        else:
            found = "a file that is not gzip-compressed" if size else "an empty file"
        raise SourceError(f"{called}: {_EXPECTED}, found {found}; download it again")
    digest = archive_digest(path)
    md5 = _md5(path)
    parts: dict[str, LabelledImages] = {}
    layout = None
    try:
        for folder, name, data in _members(path, called):
            layout = layout or next(x for x in LAYOUTS if x.folder == folder)
            if folder == layout.folder and name in layout.files:
                parts[name] = batch_file.read(data, layout, f"{called}: {folder}/{name}")
    except SourceError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        # A damaged archive can make tarfile raise nearly anything.
        raise SourceError(
            f"{called}: expected a whole archive ({_sizes()}), found one that is cut off or "
            f"damaged ({size} bytes, {brief(error)}); download it again"
        ) from error
    if layout is None or set(parts) != set(layout.files):
        missing = sorted(set((layout or LAYOUTS[0]).files) - set(parts))
        raise SourceError(
            f"{called}: {_EXPECTED}, found an archive without {', '.join(missing)}; "
            "download it again"
        )
    official = layout.digest in (digest, f"md5:{md5}")
    checked = f"{layout.digest.split(':')[0]} of {layout.archive} against the published one"
    return _assemble(
        parts, layout, Provenance("archive", path.name, digest, official, checked), called
    )


def _sizes() -> str:
    return " or ".join(f"{layout.archive}: {layout.size} bytes" for layout in LAYOUTS)


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _members(path: Path, called: str) -> Iterator[tuple[str, str, bytes]]:
    """Folder, name and bytes of each member that may hold images; other members are skipped."""
    known = {(layout.folder, name) for layout in LAYOUTS for name in layout.files}
    with gzip.open(path) as unpacked:
        bounded = _Bounded(unpacked, called)
        stream = io.BufferedReader(bounded, 2**20)
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as tar:
            for number, member in enumerate(tar, start=1):
                if number > _MOST_MEMBERS:
                    raise SourceError(
                        f"{called}: expected at most {_MOST_MEMBERS} members, found more; "
                        "it is not CIFAR-10"
                    )
                parts = PurePosixPath(member.name).parts
                if len(parts) != 2 or parts not in known:
                    continue
                name = f"{called}: {member.name}"
                file = tar.extractfile(member) if member.isreg() else None
                if file is None:
                    raise SourceError(
                        f"{name}: expected a regular file, found a link or device; "
                        "it is not the published archive: download it again"
                    )
                _check_size(member.size, name)
                yield parts[0], parts[1], file.read()
        # The checksum of the whole is after its last byte.
        while stream.read(2**20):
            pass


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
    """A stream that refuses to yield more than an archive of CIFAR-10 can hold."""

    def __init__(self, stream: gzip.GzipFile, name: str):
        self._stream, self._name, self._left = stream, name, _LARGEST_ARCHIVE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise SourceError(
                f"{self._name}: expected at most {_LARGEST_ARCHIVE} bytes of content, "
                "found more; it is not CIFAR-10"
            )
        buffer[: len(data)] = data
        return len(data)


def _assemble(
    parts: dict[str, LabelledImages], layout: Layout, provenance: Provenance, where: str
) -> Cifar10:
    counts = {name: len(parts[name]) for name in layout.train}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} in {name}" for name, count in counts.items())
        raise SourceError(
            f"{where}: expected as many images in each training file, found {found}; "
            "one of them is cut off: get the file again"
        )
    return Cifar10(_joined(parts, layout.train), _joined(parts, (layout.test,)), provenance)


def _joined(parts: dict[str, LabelledImages], names: tuple[str, ...]) -> LabelledImages:
    """The images of several files, one after the other in memory."""
    images = np.empty((sum(len(parts[name]) for name in names), *SHAPE), np.uint8)
    np.concatenate([parts[name].images for name in names], out=images)
    return LabelledImages(images, np.concatenate([parts[name].labels for name in names]))
