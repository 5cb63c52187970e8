"""Which of the possible sources of CIFAR-10 to read, and what to say when there is none."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cifar10_aug.data import prepared
from cifar10_aug.data.images import Cifar10
from cifar10_aug.data.sources import local, tfds_cifar10
from cifar10_aug.data.sources.official import BINARY, URL
from cifar10_aug.errors import SourceError

SOURCE_VARIABLE = "CIFAR10_AUG_SOURCE"
MIRROR_VARIABLE = "CIFAR10_AUG_MIRROR"


def environment_source() -> str | None:
    return os.environ.get(SOURCE_VARIABLE) or None


def environment_mirror() -> str | None:
    return os.environ.get(MIRROR_VARIABLE) or None


@dataclasses.dataclass(frozen=True)
class Source:
    """What the user said about where CIFAR-10 is.

    Attributes:
        path: a local archive or folder.
        mirror: a URL of cifar-10-binary.tar.gz.
    """

    path: str | None
    mirror: str | None

    def read(
        self,
        data_dir: str | os.PathLike[str],
        manual_dir: Path,
        make_manager: Callable[[], Any],
        prepared_by_default: Callable[[], Cifar10 | None],
    ) -> Cifar10:
        """The images from the first source available.

        That is the path, TFDS's own cifar10 in data_dir, what lies in manual_dir, what is prepared
        in TFDS's default folder, or a download.

        Raises:
            SourceError: if none of these has CIFAR-10.
        """
        if self.path is not None:
            return local.read(self.path)
        if (found := tfds_cifar10.read(data_dir)) is not None:
            return found
        if (path := local.find(manual_dir)) is not None:
            return local.read(path)
        if (found := prepared_by_default()) is not None:
            return found
        return self._download(make_manager, ways(data_dir, manual_dir))

    def _download(self, make_manager: Callable[[], Any], otherwise: str) -> Cifar10:
        from cifar10_aug.data.sources import downloading

        url = self.mirror or URL
        manager = downloading.limited(make_manager())
        before = set(_leftovers(manager.download_dir))
        try:
            path = manager.download(url)
        except BaseException as error:
            downloading.stop(manager)
            for folder in set(_leftovers(manager.download_dir)) - before:
                shutil.rmtree(folder, ignore_errors=True)
            if not isinstance(error, Exception):
                raise
            # Whatever went wrong (network, server, checksum), the ways out are the same.
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SourceError(f"{url}: could not be downloaded ({reason}); {otherwise}") from error
        try:
            return _checked(path, url)
        except SourceError:
            # TFDS would take it for good the next time.
            downloading.forget(manager, path)
            raise

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
            found = local.stamp(self.path)
            if found == recorded.stamp or _digest(self.path, found) == recorded.digest:
                return
            content = _content(self.path, found)
        except SourceError as error:
            raise SourceError(
                f"{error}; {data_dir} was prepared from {there}: to use that, leave source and "
                f"{SOURCE_VARIABLE} out"
            ) from error
        if content != metadata["content"]:
            again = "export" if frozen else "prepare"
            raise SourceError(
                f"{self.path}: these images ({content}) are not the ones that {data_dir} was "
                f"prepared from ({there}); use another data_dir, or replace them with "
                f"cifar10-aug {again} --overwrite"
            )


# A process need not read the same files twice; their stamp says that they are the same.


@functools.lru_cache
def _digest(path: str, stamp: str) -> str:
    return local.archive_digest(path)


@functools.lru_cache
def _content(path: str, stamp: str) -> str:
    return local.read(path).content_digest()


def _checked(path: Path, url: str) -> Cifar10:
    """What was downloaded, if it is what it should be."""
    cifar10 = local.read(path, called=url)
    # TFDS has compared the official URL's checksum; a mirror has to hold the same file.
    if url != URL and not cifar10.provenance.official:
        raise SourceError(
            f"{url}: expected the official {BINARY.archive} ({BINARY.digest}), found "
            f"{cifar10.provenance.digest}; use another mirror, or, if you trust the file, "
            "pass its path as source"
        )
    return cifar10


def ways(data_dir: str | os.PathLike[str], manual_dir: Path) -> str:
    """The ways to give CIFAR-10, for errors."""
    return (
        "CIFAR-10 can come from a local archive or unpacked folder (source=PATH, --source PATH or "
        f"{SOURCE_VARIABLE}), from a cifar10 that TFDS has prepared in {data_dir}, from an archive "
        f"or folder that you put into {manual_dir}, from images prepared in TFDS's default folder "
        f"(cifar10-aug prepare), or from a download of {URL} (mirror=URL or {MIRROR_VARIABLE} for "
        "another place)"
    )


def _leftovers(download_dir: Any) -> list[Path]:
    """The temporary folders in which TFDS downloads."""
    return list(Path(download_dir).glob("**/*.tmp.*"))
