"""What every source yields: labelled images in official order, and where they are from."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

SIDE = 32
SHAPE = (SIDE, SIDE, 3)


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """One split: uint8 images [n, 32, 32, 3] and int64 labels [n], 0 to 9."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where images come from, as the prepared dataset's metadata records it.

    Attributes:
        source: "archive", "folder", "tfds" or "drawn".
        name: the file's or folder's own name, without its path.
        digest: "sha256:…" of the archive, or of the folder's files one after the other; "" if
            there is no file.
        official: whether published checksums show it to be the official CIFAR-10.
        checked: what `official` rests on, in words.
        stamp: sizes and times of the files, see `local.stamp`; "" if there is none.
    """

    source: str
    name: str
    digest: str
    official: bool
    checked: str
    stamp: str = ""


@dataclasses.dataclass(frozen=True)
class Cifar10:
    """Both splits in official order."""

    train: LabelledImages
    test: LabelledImages
    provenance: Provenance

    @property
    def splits(self) -> dict[str, LabelledImages]:
        return {"train": self.train, "test": self.test}

    def content_digest(self) -> str:
        """A digest of all images and labels, whatever file they came from."""
        digest = hashlib.sha256()
        for split in self.splits.values():
            digest.update(len(split).to_bytes(8, "little"))
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(split.labels.astype(np.uint8).data)
        return f"sha256:{digest.hexdigest()}"
