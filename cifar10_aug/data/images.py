"""What every source yields: labelled images in official order, and where they are from."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping

import numpy as np

from cifar10_aug.data.spec import DatasetSpec
from cifar10_aug.errors import SourceError

SIDE = 32
SHAPE = (SIDE, SIDE, 3)
OFFICIAL_ORDER = "official"


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """One split: uint8 images [n, 32, 32, 3] and int64 labels [n]."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


NO_IMAGES = LabelledImages(np.empty((0, *SHAPE), np.uint8), np.empty(0, np.int64))


def checked(
    images: np.ndarray,
    labels: np.ndarray,
    coarse: Mapping[str, np.ndarray] = {},
    *,
    most: int,
    dataset: DatasetSpec,
    name: str,
) -> LabelledImages:
    """Images and labels from one file, if they can be what they should be.

    Args:
        images: uint8 [n, 32, 32, 3].
        labels: [n], whole numbers.
        coarse: the coarser labels that the file has, by feature: [n], whole numbers.
        most: how many images there can be.
        dataset: what they should be of.
        name: the file's, for errors.

    Raises:
        SourceError: naming the file, if there are too few or too many, if a label is none, or if a
            coarser label is not the one that belongs to the label.
    """
    classes, title = dataset.num_classes, dataset.title
    if not 1 <= len(images) <= most:
        raise SourceError(
            f"{name}: expected 1 to {most} images, found {len(images)}; get the file again"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise SourceError(
            f"{name}: expected labels from 0 to {classes - 1}, found {labels[wrong[0]]} at image "
            f"{wrong[0]}; it is damaged or not {title}: get the file again"
        )
    labels = labels.astype(np.int64)
    expected = dataset.coarse(labels)
    for feature, found in coarse.items():
        wrong = np.flatnonzero(expected[feature] != found)
        if len(wrong):
            first = wrong[0]
            raise SourceError(
                f"{name}: expected the {feature} {expected[feature][first]} beside the label "
                f"{labels[first]}, found {found[first]} at image {first}; it is damaged or not "
                f"{title}: get the file again"
            )
    assert images.shape[1:] == SHAPE
    return LabelledImages(images, labels)


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where images come from, as the prepared dataset's metadata records it.

    Attributes:
        source: "archive", "folder", "npz", "parquet", "png", "tfds" or "drawn".
        name: the file's or folder's own name, without its path.
        digest: "sha256:…" of the file, or of the folder's files one after the other; "" if there is
            no file.
        official: whether published checksums show it to be the official dataset.
        checked: what `official` rests on, in words.
        stamp: sizes and times of the files, see `local.stamp`; "" if there is none.
        order: that of the images, in words.
    """

    source: str
    name: str
    digest: str
    official: bool
    checked: str
    stamp: str = ""
    order: str = OFFICIAL_ORDER


@dataclasses.dataclass(frozen=True)
class LabelledSplits:
    """Both splits, in the order that the provenance names; `test` may be empty."""

    train: LabelledImages
    test: LabelledImages
    provenance: Provenance

    @property
    def splits(self) -> dict[str, LabelledImages]:
        """Those that have images."""
        return {"train": self.train, **({"test": self.test} if len(self.test) else {})}

    def content_digest(self) -> str:
        """A digest of all images and labels, whatever file they came from."""
        digest = hashlib.sha256()
        for split in self.splits.values():
            digest.update(len(split).to_bytes(8, "little"))
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(split.labels.astype(np.uint8).data)
        return f"sha256:{digest.hexdigest()}"
