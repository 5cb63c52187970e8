"""The published files, one for each batch of images: in an archive, or unpacked into a folder.

They may be at the archive's root, in a folder of any name, or one deeper.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from cifar10_aug.data.images import SHAPE, LabelledImages, LabelledSplits, Provenance
from cifar10_aug.data.sources import archives, batch_file
from cifar10_aug.data.sources.batch_file import brief
from cifar10_aug.data.sources.official import Layout, Published
from cifar10_aug.errors import SourceError

# A file's folders, and the file.
_DEEPEST = 3
# Of what is told of an archive or folder.
MOST_TOLD = 5


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder with the files of one layout."""

    path: Path
    layout: Layout
    published: Published

    @property
    def files(self) -> list[Path]:
        return [self.path / name for name in self.layout.files]

    def read(self, called: str, digest: str) -> LabelledSplits:
        """The images.

        Raises:
            SourceError: if they are not what they should be.
        """
        largest = batch_file.largest(self.layout, self.published)
        parts, md5 = {}, {}
        for file in self.files:
            _check_size(file.stat().st_size, largest, str(file), self.published.title)
            data = file.read_bytes()
            if self.layout.file_digests:
                md5[file.name] = hashlib.md5(data, usedforsecurity=False).hexdigest()
            parts[file.name] = batch_file.read(data, self.layout, self.published, str(file))
        if self.layout.file_digests:
            official = md5 == self.layout.file_digests
            checked = "md5 of every file against the published ones"
        else:
            official = False
            checked = "no checksums are published for the files of the unpacked binary folder"
        provenance = Provenance("folder", self.path.name, digest, official, checked)
        return _assemble(parts, self.layout, provenance, str(self.path))


def find(folder: Path, published: Published) -> Folder | None:
    """The folder itself, if it holds batches.

    Raises:
        SourceError: if it lacks some of them.
    """
    for layout in published.layouts:
        if not (folder / layout.train[0]).is_file():
            continue
        for name in layout.files:
            if not (folder / name).is_file():
                raise SourceError(
                    f"{folder}: expected the files {', '.join(layout.files)}, "
                    f"found no {name}; unpack the archive again"
                )
        return Folder(folder, layout, published)
    return None


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive with the files of one layout."""

    path: Path
    kind: str
    published: Published

    @property
    def files(self) -> list[Path]:
        return [self.path]

    def read(self, called: str, digest: str) -> LabelledSplits:
        """The images.

        Raises:
            SourceError: if they are not what they should be.
        """
        parts: dict[str, LabelledImages] = {}
        names: list[str] = []
        layout = None

        def say(reason: str) -> str:
            return (
                f"{called}: expected a whole archive ({self._sizes()}), found one that is cut off "
                f"or damaged ({self.path.stat().st_size} bytes, {reason}); download it again"
            )

        with batch_file.refused(say):
            for one, name, data in self._batches(called, names):
                layout = one
                parts[name] = batch_file.read(data, one, self.published, f"{called}: {names[-1]}")
        if layout is None:
            raise self._without_batches(called, names)
        if missing := sorted(set(layout.files) - set(parts)):
            raise SourceError(
                f"{called}: {self.published.expected}, found an archive without "
                f"{', '.join(missing)}; download it again"
            )
        official = layout.digest == digest
        checked = f"sha256 of {layout.archive} against the published one"
        provenance = Provenance("archive", self.path.name, digest, official, checked)
        return _assemble(parts, layout, provenance, called)

    def _batches(self, called: str, names: list[str]) -> Iterator[tuple[Layout, str, bytes]]:
        """Layout, name and bytes of each batch that is in the same folder as the first one.

        The names of all members are added to `names`.
        """
        folder = layout = None
        for member in archives.members(self.path, self.kind, called, self.published.title):
            names.append(member.name)
            place = PurePosixPath(member.name)
            one = self._layout(place)
            if one is None or (folder is not None and (place.parent, one) != (folder, layout)):
                continue
            folder, layout = place.parent, one
            name = f"{called}: {member.name}"
            if member.read is None:
                raise SourceError(
                    f"{name}: expected a regular file, found a link or device; "
                    "it is not the published archive: download it again"
                )
            largest = batch_file.largest(layout, self.published)
            _check_size(member.size, largest, name, self.published.title)
            yield layout, place.name, member.read()

    def _layout(self, place: PurePosixPath) -> Layout | None:
        """The layout to which a member can belong."""
        if place.is_absolute() or ".." in place.parts or len(place.parts) > _DEEPEST:
            return None
        return next((x for x in self.published.layouts if place.name in x.files), None)

    def _without_batches(self, called: str, names: list[str]) -> SourceError:
        parts = {part for name in names for part in PurePosixPath(name).parts}
        for one in self.published.others:
            for layout in one.layouts:
                if layout.folder in parts:
                    return other(called, self.published, one, layout.folder)
        found = told(names)
        return SourceError(
            f"{called}: {self.published.expected}, found an archive with {found}; give one that "
            f"holds {self.published.layouts[0].train[0]} or {self.published.layouts[-1].train[0]}"
        )

    def _sizes(self) -> str:
        return " or ".join(f"{one.archive}: {one.size} bytes" for one in self.published.layouts)


def other(called: str, published: Published, found: Published, what: str) -> SourceError:
    """The error for another dataset."""
    return SourceError(
        f"{called}: {published.expected}, found {found.title} ({what}); it is another dataset: "
        f"load it as {found.name}_aug, or give {published.title}"
    )


def told(names: list[str]) -> str:
    """Some names, for errors."""
    some = ", ".join(brief(ValueError(name)) for name in names[:MOST_TOLD]) or "nothing"
    return f"{some} and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else some


def _check_size(size: int, largest: int, name: str, title: str) -> None:
    if size > largest:
        raise SourceError(
            f"{name}: expected at most {largest} bytes, found {size}; it is not {title}"
        )


def _assemble(
    parts: dict[str, LabelledImages], layout: Layout, provenance: Provenance, where: str
) -> LabelledSplits:
    counts = {name: len(parts[name]) for name in layout.train}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} in {name}" for name, count in counts.items())
        raise SourceError(
            f"{where}: expected as many images in each training file, found {found}; "
            "one of them is cut off: get the file again"
        )
    return LabelledSplits(_joined(parts, layout.train), _joined(parts, (layout.test,)), provenance)


def _joined(parts: dict[str, LabelledImages], names: tuple[str, ...]) -> LabelledImages:
    """The images of several files, one after the other in memory."""
    images = np.empty((sum(len(parts[name]) for name in names), *SHAPE), np.uint8)
    np.concatenate([parts[name].images for name in names], out=images)
    return LabelledImages(images, np.concatenate([parts[name].labels for name in names]))
