"""Which of the possible sources of CIFAR-10 to read, and what to say when there is none."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cifar10_aug.errors import SourceError
from cifar10_aug.source import local, tfds_cifar10
from cifar10_aug.source.images import Cifar10
from cifar10_aug.source.official import BINARY, URL

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
        self, data_dir: str | os.PathLike[str], manual_dir: Path, make_manager: Callable[[], Any]
    ) -> Cifar10:
        """Reads from the path; or TFDS's own cifar10; or what lies in manual_dir; or downloads.

        Raises:
            SourceError: if none of these has CIFAR-10.
        """
        if self.path is not None:
            return local.read(self.path)
        if (found := tfds_cifar10.read(data_dir)) is not None:
            return found
        if (path := local.find(manual_dir)) is not None:
            return local.read(path)
        return self._download(make_manager)

    def _download(self, make_manager: Callable[[], Any]) -> Cifar10:
        from cifar10_aug.source import downloading

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
            raise SourceError(f"{url}: could not be downloaded ({reason}); {WAYS}") from error
        try:
            return _checked(path, url)
        except SourceError:
            # TFDS would take it for good the next time.
            downloading.forget(manager, path)
            raise

    def check_prepared(self, data_dir: str, metadata: Mapping[str, Any]) -> None:
        """Compares an explicit source with what is prepared.

        Raises:
            SourceError: if they differ.
        """
        if self.path is None or not Path(os.path.expanduser(self.path)).exists():
            return
        if local.archive_digest(self.path) == metadata.get("digest"):
            return
        if local.read(self.path).content_digest() != metadata.get("content"):
            raise SourceError(
                f"{self.path}: {data_dir} was prepared from other images "
                f"({metadata.get('source')} {metadata.get('name')}, {metadata.get('content')}); "
                "use another data_dir, or delete that folder"
            )


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


WAYS = (
    "there are three ways to give CIFAR-10: a local archive or unpacked folder "
    f"(source=PATH, --source PATH or {SOURCE_VARIABLE}); a cifar10 that TFDS has prepared in the "
    f"same data_dir; or a download of {URL} (from another place with mirror=URL or "
    f"{MIRROR_VARIABLE}, or by hand into the folder downloads/manual)"
)


def _leftovers(download_dir: Any) -> list[Path]:
    """The temporary folders in which TFDS downloads."""
    return list(Path(download_dir).glob("**/*.tmp.*"))
