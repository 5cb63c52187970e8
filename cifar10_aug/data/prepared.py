"""The prepared dataset `plain`: the images themselves, which all online configs read."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cifar10_aug._compat import tensorflow_errors
from cifar10_aug.data import description, fingerprints, shard_files
from cifar10_aug.data.description import Description, Split
from cifar10_aug.data.images import (
    NO_IMAGES,
    OFFICIAL_ORDER,
    SHAPE,
    LabelledImages,
    LabelledSplits,
    Provenance,
)
from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.data.spec import SPECS, DatasetSpec
from cifar10_aug.errors import SourceError
from cifar10_aug.rng.names import example_id

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

PLAIN = "plain"
# As TFDS knows it, which names folders after it.
VERSION = "1.0.0"
# Of the files that `plain` is stored in.
FORMAT_VERSION = 1
_IMAGES_A_SHARD = 10_000


def about(labelled: LabelledSplits) -> dict[str, Any]:
    """What is recorded of images, beside them and beside frozen epochs of them."""
    from importlib.metadata import version

    recorded = {
        **dataclasses.asdict(labelled.provenance),
        "content": labelled.content_digest(),
        "package_version": version("cifar10_aug"),
    }
    # It differs from machine to machine, and frozen epochs do not.
    del recorded["stamp"]
    return recorded


def metadata(labelled: LabelledSplits) -> dict[str, Any]:
    """What is recorded beside the images."""
    return {
        **about(labelled),
        "stamp": labelled.provenance.stamp,
        "fingerprints": {
            name: fingerprints.text(fingerprints.of(split.images, split.labels))
            for name, split in labelled.splits.items()
        },
        "format_version": FORMAT_VERSION,
    }


def shard_iterators(
    labelled: LabelledSplits, dataset: DatasetSpec
) -> dict[str, list[Callable[[], Any]]]:
    """What TFDS writes: the splits' shards."""
    return {
        name: [
            _ShardExamples(name, split, dataset, first)
            for first in range(0, len(split), _IMAGES_A_SHARD)
        ]
        for name, split in labelled.splits.items()
    }


@dataclasses.dataclass(frozen=True, eq=False)
class _ShardExamples:
    """The examples of one file, in official order; picklable."""

    name: str
    split: LabelledImages
    dataset: DatasetSpec
    first: int

    def __call__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        from tensorflow_datasets.core.utils import tqdm_utils

        numbers = range(self.first, min(self.first + _IMAGES_A_SHARD, len(self.split)))
        coarse = self.dataset.coarse(self.split.labels)
        what = f"Writing {self.name} from image {self.first}"
        # disable=None: a bar on a terminal, nothing in a log.
        for number in tqdm_utils.tqdm(
            numbers, desc=what, unit=" images", leave=False, disable=None
        ):
            yield (
                number,
                {
                    "id": example_id(self.name, number),
                    "image": self.split.images[number],
                    "label": int(self.split.labels[number]),
                    **{feature: int(labels[number]) for feature, labels in coarse.items()},
                },
            )


def is_described(folder: str) -> bool:
    """Whether there is a description in a folder, as is written when all else is there."""
    return bool((description.path_of(folder) / description.INFO).exists())


def described(folder: str | os.PathLike[str]) -> Description:
    """What is prepared in a folder.

    Raises:
        OSError: if the description cannot be read.
        SourceError: if it is damaged.
    """
    try:
        return description.read(folder, VERSION)
    except ValueError as error:
        raise unreadable(os.fspath(folder), error) from error


def recorded(info: Description) -> dict[str, Any]:
    """What is recorded of prepared images.

    Raises:
        SourceError: if it is damaged.
    """
    try:
        return info.metadata
    except (OSError, ValueError) as error:
        raise damaged(info.data_dir, NO_METADATA) from error


def check_files(info: Description) -> None:
    """Compares what the description says with the files' names and sizes, which is quick.

    Raises:
        SourceError: if a file is missing, if so many images cannot be in them, or if they are
            another dataset's than the folder's name says.
    """
    try:
        for split in info.splits.values():
            held, name = split.filenames[0].partition("-")[0], Path(info.data_dir).parts[-3]
            if held != name:
                raise ValueError(f"they are {held}'s, in a folder of {name}")
            size = shard_files.total_size(split)
            if min(split.shard_lengths) < 0 or split.num_examples * math.prod(SHAPE) > size:
                lengths = ", ".join(map(str, split.shard_lengths))
                raise ValueError(
                    f"dataset_info.json says that the files of {split.name}, {size} bytes, have "
                    f"{lengths} images"
                )
    except ValueError as error:
        raise damaged(str(info.data_dir), str(error)) from error


def read(info: Description) -> LabelledSplits:
    """The prepared images, read without TensorFlow and compared with their recorded digest.

    Raises:
        SourceError: if they are not what was prepared.
    """
    check_files(info)
    try:
        dataset = SPECS[info.name]
        splits = {name: _read_split(split, dataset) for name, split in info.splits.items()}
        provenance = recorded_provenance(info.metadata)
        # Some sources have no test images.
        labelled = LabelledSplits(splits["train"], splits.get("test", NO_IMAGES), provenance)
        if labelled.content_digest() != info.metadata["content"]:
            raise ValueError(OTHERS)
    except (ValueError, KeyError) as error:
        raise damaged(str(info.data_dir), str(error)) from error
    return labelled


def recorded_provenance(metadata: Mapping[str, Any]) -> Provenance:
    """What is recorded of where the images are from.

    Raises:
        KeyError: if it is not.
    """
    names = {field.name for field in dataclasses.fields(Provenance)} - {"stamp", "order"}
    # Earlier versions recorded neither stamp nor order; they read what is in official order.
    stamp, order = metadata.get("stamp", ""), metadata.get("order", OFFICIAL_ORDER)
    return Provenance(**{name: metadata[name] for name in names}, stamp=stamp, order=order)


def fingerprint(split: Split) -> int:
    """The recorded fingerprint of a prepared split.

    Where an earlier version has prepared the images, it is computed from the files, once they are
    compared with their digest.

    Raises:
        SourceError: if what is recorded is damaged.
    """
    folder = os.fspath(split.filepaths[0].parent)
    try:
        info = described(folder)
        if "fingerprints" in info.metadata:
            return int(info.metadata["fingerprints"][split.name], 16)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder, NO_METADATA) from error
    images = read(info).splits[split.name]
    return fingerprints.of(images.images, images.labels)


def check_written(info: tfds.core.DatasetInfo, labelled: LabelledSplits) -> None:
    """Raises a `SourceError` if another process has prepared other images in the meantime."""
    found = dict(info.metadata.items())
    if found["content"] != labelled.content_digest():
        raise SourceError(
            f"{info.data_dir}: another process has prepared other images here in the meantime "
            f"({found['source']} {found['name']}, {found['content']}); use another data_dir, or "
            "replace them with cifar10-aug prepare --overwrite"
        )


def _read_split(info: Split, dataset: DatasetSpec) -> LabelledImages:
    features = [
        examples.parsed(record) for path in info.filepaths for record in tfrecord.read(Path(path))
    ]
    images = np.frombuffer(b"".join(one["image"] for one in features), np.uint8)
    labels = np.array([one["label"] for one in features], np.int64)
    for feature, expected in dataset.coarse(labels).items():
        if [one[feature] for one in features] != expected.tolist():
            raise ValueError(f"a {feature} that does not belong to its label")
    return LabelledImages(images.reshape(-1, *SHAPE), labels)


# Errors about prepared images that are not what was prepared.
NO_METADATA = "metadata.json is not what was written"
OTHERS = "not the images whose digest is recorded"
DAMAGED = (
    "{folder}: the prepared images are damaged ({found}); delete this folder and prepare them again"
)


def damaged(folder: str, found: str) -> SourceError:
    """The error for prepared images that are not what was prepared."""
    return SourceError(DAMAGED.format(folder=folder, found=found))


def unreadable(folder: str, error: Exception) -> SourceError:
    """The error for descriptions that TFDS cannot read."""
    return SourceError(
        f"{folder}: dataset_info.json or metadata.json is damaged "
        f"({tensorflow_errors.reason(error)}); delete this folder and prepare it again"
    )


def info_of(folder: Any) -> tfds.core.DatasetInfo:
    """What is known of the images that are prepared in a folder.

    Raises:
        SourceError: if it is damaged.
    """
    import tensorflow_datasets as tfds

    try:
        return tfds.builder_from_directory(folder).info
    except Exception as error:
        # TFDS expects what it wrote, and raises nearly anything if it is not that.
        raise unreadable(str(folder), error) from error
