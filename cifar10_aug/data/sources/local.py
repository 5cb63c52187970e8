"""Reads CIFAR from a local file or folder, in any form that is understood.

Each form has a module with what finds it (`find`) and a class that names its files and reads them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from cifar10_aug.data.images import LabelledSplits
from cifar10_aug.data.records.formats import digest_of
from cifar10_aug.data.sources import archives, batches, npz, parquet, png_folders
from cifar10_aug.data.sources.official import CIFAR10, Published
from cifar10_aug.errors import SourceError

# How many folders are looked into.
_MOST_FOLDERS = 1000
# Of what is named one by one in a stamp.
_MOST_STAMPED = 100


class Found(Protocol):
    """One form of the images.

    Attributes:
        files: all files that hold them.
    """

    @property
    def files(self) -> list[Path]: ...

    def read(self, called: str, digest: str) -> LabelledSplits:
        """The images.

        Args:
            called: what errors call the place.
            digest: "sha256:…" of the files one after the other.

        Raises:
            SourceError: saying what was expected, what was found and what to do.
        """


def read(
    path: str | os.PathLike[str], called: str | None = None, published: Published = CIFAR10
) -> LabelledSplits:
    """CIFAR-10, or what else is published in the same form, from a file or folder.

    Args:
        path: of an archive, an .npz, a Parquet file or a folder; see `locate`.
        called: what errors call it, if not by its path.
        published: the dataset.

    Raises:
        SourceError: saying what was expected, what was found and what to do.
    """
    with _readable(called or str(path)):
        found = locate(path, called, published)
        files = found.files
        # Before reading, so that a later change to the files is not overlooked.
        before = _stamp(files)
        called = called or str(_expanded(path))
        _check_size(files, called, published)
        labelled = found.read(called, digest_of(*files))
    return dataclasses.replace(
        labelled, provenance=dataclasses.replace(labelled.provenance, stamp=before)
    )


def stamp(path: str | os.PathLike[str], published: Published = CIFAR10) -> str:
    """Size, time and inode of each file that holds images; equal stamps mean unchanged files.

    Raises:
        SourceError: if there are no such files.
    """
    with _readable(str(path)):
        return _stamp(locate(path, published=published).files)


def archive_digest(path: str | os.PathLike[str], published: Published = CIFAR10) -> str:
    """ "sha256:…" of a file, or of a folder's files that hold images, one after the other.

    Raises:
        SourceError: if there is none.
    """
    with _readable(str(path)):
        files = locate(path, published=published).files
        _check_size(files, str(path), published)
        return digest_of(*files)


def find(folder: str | os.PathLike[str], published: Published = CIFAR10) -> Path | None:
    """An archive or unpacked folder of the published name inside `folder`, if there is one."""
    for layout in published.layouts:
        for name in (layout.archive, layout.folder):
            if (candidate := _expanded(folder) / name).exists():
                return candidate
    return None


def locate(
    path: str | os.PathLike[str], called: str | None = None, published: Published = CIFAR10
) -> Found:
    """What holds the images.

    That is a file itself; or what is in a folder: batches, Parquet files or PNG folders, else
    batches in a folder one or two deeper, else the one archive or .npz.

    Raises:
        SourceError: if there is nothing of this kind, or more than one.
    """
    path = _expanded(path)
    if path.is_dir():
        return _in_folder(path, published)
    return _in_file(path, called or str(path), published)


def _in_file(path: Path, called: str, published: Published) -> Found:
    if not path.is_file():
        # Whatever might have no end, such as a pipe.
        found = "a pipe or device" if path.exists() else "nothing there"
        raise SourceError(f"{called}: {published.expected}, found {found}; check the path")
    with open(path, "rb") as file:
        start = file.read(archives.START)
    if start.startswith(parquet.MAGIC) and (columns := parquet.find(path, published)):
        return columns
    kind = archives.kind(start)
    if kind == "zip" and (arrays := npz.find(path, published)):
        return arrays
    if kind:
        return batches.Archive(path, kind, published)
    found, advice = _unknown(path, start, published)
    raise SourceError(f"{called}: {published.expected}, found {found}; {advice}")


_UNREAD = {b"7z\xbc\xaf'\x1c": "7z", b"Rar!": "rar", b"(\xb5/\xfd": "zstd"}


def _unknown(path: Path, start: bytes, published: Published) -> tuple[str, str]:
    """What a file is that cannot be read, and what to do about it."""
    if not start:
        return "an empty file", "download it again"
    if start.lstrip()[:1] == b"<":
        return "a web page (the download was answered with HTML)", "download it again"
    for magic, name in _UNREAD.items():
        if start.startswith(magic):
            return f"a {name} archive, which is not read", "unpack it, and give the folder"
    if any(path.name in layout.files for layout in published.layouts):
        return "one batch of several", f"give the folder that holds it, {path.parent}"
    return "a file of another kind", "check the path"


def _in_folder(path: Path, published: Published) -> Found:
    for find_in in (batches.find, parquet.find, png_folders.find):
        if there := find_in(path, published):
            return there
    for level in _levels_below(path):
        found = [one for folder in level if (one := batches.find(folder, published))]
        if found:
            return _preferred(path, found, published)
    names = sorted(os.listdir(path))
    files = [path / name for name in names if _is_packed(path / name)]
    named = [file for file in files if file.name in published.archives]
    if len(named or files) == 1:
        return _in_file((named or files)[0], str((named or files)[0]), published)
    if files:
        raise _several(path, files)
    for other in published.others:
        for layout in other.layouts:
            if layout.folder in names or (path / layout.train[0]).is_file():
                raise batches.other(str(path), published, other, layout.folder)
    first, last = (layout.train[0] for layout in (published.layouts[0], published.layouts[-1]))
    raise SourceError(
        f"{path}: {published.expected}, found a folder with {batches.told(names)}; give the folder "
        f"that holds {first} or {last}"
    )


def _levels_below(path: Path) -> Iterator[list[Path]]:
    """The folders in a folder, and those in these."""
    level = [path]
    for _ in range(2):
        below = (entry for folder in level for entry in os.scandir(folder) if entry.is_dir())
        level = sorted(map(Path, below))[:_MOST_FOLDERS]
        yield level


def _preferred(path: Path, found: list[batches.Folder], published: Published) -> batches.Folder:
    """The only one, or the one with a published name."""
    names = [layout.folder for layout in published.layouts]
    named = [one for name in names for one in found if one.path.name == name]
    if not named and len(found) > 1:
        raise _several(path, [one.path for one in found])
    return (named or found)[0]


def _several(path: Path, found: list[Path]) -> SourceError:
    names = batches.told([str(one.relative_to(path)) for one in found])
    return SourceError(
        f"{path}: expected one source, found {len(found)} ({names}); give one of them"
    )


def _is_packed(path: Path) -> bool:
    """Whether a file is an archive or .npz."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return archives.kind(file.read(archives.START)) is not None


@contextlib.contextmanager
def _readable(called: str) -> Iterator[None]:
    """Raises a `SourceError` in place of an `OSError`."""
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, (str, os.PathLike)) else called
        raise SourceError(f"{place}: cannot be read ({error.strerror or error})") from error


def _expanded(path: str | os.PathLike[str]) -> Path:
    # Path's own raises an error where there is no such user.
    return Path(os.path.expanduser(path))


def _stamp(files: Iterable[Path]) -> str:
    found = [file.stat() for file in files]
    told = ", ".join(f"{one.st_size} {one.st_mtime_ns} {one.st_ino}" for one in found)
    if len(found) <= _MOST_STAMPED:
        return told
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()} of {len(found)} files"


def _check_size(files: Iterable[Path], called: str, published: Published) -> None:
    """Raises a `SourceError` if there is more to read than any form of the images has."""
    size = sum(file.stat().st_size for file in files)
    if size > archives.LARGEST_ARCHIVE:
        raise SourceError(
            f"{called}: expected at most {archives.LARGEST_ARCHIVE} bytes, found {size}; it is "
            f"not {published.title}"
        )
