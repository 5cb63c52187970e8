"""Which of the possible sources of a dataset to read, and what to say when there is none."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cifar10_aug.data import prepared
from cifar10_aug.data.images import LabelledSplits
from cifar10_aug.data.sources import caches, downloading, local, tfds_cifar
from cifar10_aug.data.sources.downloading import LIMITS, Limits
from cifar10_aug.data.sources.official import Published
from cifar10_aug.errors import SourceError


def environment_mirror(published: Published) -> str | None:
    return os.environ.get(published.mirror_variable) or None


@dataclasses.dataclass(frozen=True)
class Downloads:
    """What the user said about downloads.

    Attributes:
        folder: where downloads of all datasets are.
        again: whether what is there already is downloaded anew.
    """

    folder: Path
    again: bool = False


@dataclasses.dataclass(frozen=True)
class Source:
    """What the user said about where a dataset is.

    Attributes:
        path: a local file or folder.
        mirror: a URL of either published archive.
        published: the dataset.
        limits: how long servers are waited for.
    """

    path: str | None
    mirror: str | None
    published: Published
    limits: Limits = LIMITS

    def read(
        self,
        name: str,
        data_dir: str | os.PathLike[str],
        manual_dir: Path,
        downloads: Downloads,
        prepared_by_default: Callable[[], LabelledSplits | None],
    ) -> LabelledSplits:
        """The images from the first source available.

        That is the path, TFDS's own dataset in data_dir, what lies in manual_dir, what is prepared
        in TFDS's default folder, what Keras or torchvision has downloaded, or a download.

        Raises:
            SourceError: if none of these has it.
        """
        folder = downloads.folder / name
        found = self._read_local(data_dir, manual_dir, prepared_by_default)
        if found is None:
            path = self._download(folder, downloads, ways(data_dir, manual_dir, self.published))
            return local.read(path, published=self.published)
        downloading.tidy(folder)
        return found

    def _read_local(
        self,
        data_dir: str | os.PathLike[str],
        manual_dir: Path,
        prepared_by_default: Callable[[], LabelledSplits | None],
    ) -> LabelledSplits | None:
        if self.path is not None:
            return local.read(self.path, published=self.published)
        if (found := tfds_cifar.read(data_dir, self.published)) is not None:
            return found
        if (path := local.find(manual_dir, self.published)) is not None:
            return local.read(path, published=self.published)
        if (found := prepared_by_default()) is not None or self.mirror is not None:
            return found
        return caches.read(self.published)

    def _download(self, folder: Path, downloads: Downloads, otherwise: str) -> Path:
        offered = downloading.offers(self.published, self.mirror)
        try:
            return downloading.fetch(
                offered, self.published, folder, self.limits, again=downloads.again
            )
        except downloading.NoServerError as error:
            raise SourceError(f"{error}; {otherwise}") from error

    def check_prepared(
        self, data_dir: str, metadata: Mapping[str, Any], *, frozen: bool = False
    ) -> None:
        """Compares a source that the user names with what is prepared.

        Args:
            data_dir: the folder of what is prepared.
            metadata: what is recorded there.
            frozen: whether it holds frozen epochs.

        Raises:
            SourceError: if there is no such source, or if it has other images.
        """
        if self.path is None:
            return
        try:
            recorded = prepared.recorded_provenance(metadata)
            there = f"{recorded.source} {recorded.name}, {metadata['content']}"
        except KeyError as error:
            raise prepared.damaged(data_dir, prepared.NO_METADATA) from error
        try:
            found = local.stamp(self.path, self.published)
            if (
                found == recorded.stamp
                or _digest(self.path, self.published, found) == recorded.digest
            ):
                return
            content = _content(self.path, self.published, found)
        except SourceError as error:
            raise SourceError(
                f"{error}; {data_dir} was prepared from {there}: to use that, leave source and "
                f"{self.published.source_variable} out"
            ) from error
        if content != metadata["content"]:
            again = "export" if frozen else "prepare"
            raise SourceError(
                f"{self.path}: these images ({content}) are not the ones that {data_dir} was "
                f"prepared from ({there}); use another data_dir, or replace them with "
                f"cifar10-aug {again}{self.published.option} --overwrite"
            )


# A process need not read the same files twice; their stamp says that they are the same.


@functools.lru_cache
def _digest(path: str, published: Published, stamp: str) -> str:
    return local.archive_digest(path, published)


@functools.lru_cache
def _content(path: str, published: Published, stamp: str) -> str:
    return local.read(path, published=published).content_digest()


def ways(data_dir: str | os.PathLike[str], manual_dir: Path, published: Published) -> str:
    """The ways to give the images, for errors."""
    urls = [offer.url for offer in downloading.offers(published, None)]
    return (
        f"{published.title} can come from a local file or folder (source=PATH, --source PATH or "
        f"{published.source_variable}), from a {published.name} that TFDS has prepared in "
        f"{data_dir}, from an archive or folder that you put into {manual_dir}, from images "
        f"prepared in TFDS's default folder (cifar10-aug prepare{published.option}), from what "
        f"Keras or torchvision has downloaded, or from a download of {' or '.join(urls)} "
        f"(mirror=URL or {published.mirror_variable} for another place)"
    )
