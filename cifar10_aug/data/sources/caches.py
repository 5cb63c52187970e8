"""The published files where other libraries have downloaded them: Keras and torchvision."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from cifar10_aug.data.images import LabelledSplits
from cifar10_aug.data.sources import local
from cifar10_aug.data.sources.official import Published
from cifar10_aug.errors import SourceError

# Roots that torchvision's users give it most.
ROOTS: tuple[str, ...] = (".", "data", "~/data")


def places(published: Published) -> Iterator[Path]:
    """Where the files may be; most of these places are not there."""
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"
    folder = published.keras
    # Keras 3 unpacks into a folder that it names so, and keeps the archive; Keras 2 had neither.
    yield from (keras / f"{folder}-target", keras / folder)
    yield from (keras / f"{folder}-target_archive", keras / f"{folder}.tar.gz")
    for root in ROOTS:
        if (found := local.find(root, published)) is not None:
            yield found


def read(published: Published) -> LabelledSplits | None:
    """The images from the first of these places whose checksums are the published ones.

    Nobody has named the place, so that nothing else is taken; a line says what is left out.
    """
    for place in places(published):
        if not place.exists():
            continue
        try:
            found = local.read(place, published=published)
        except SourceError as error:
            _tell("Leaving out what another library has downloaded: %s.", error)
            continue
        if found.provenance.official:
            _tell("Taking what another library has downloaded: %s.", place.absolute())
            return found
        _tell(
            "Leaving out %s, whose checksums are not the published ones; source=PATH takes it.",
            place.absolute(),
        )
    return None


def _tell(message: str, *args: object) -> None:
    logging.getLogger("cifar10_aug").warning(message, *args)
