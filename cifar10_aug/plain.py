"""The prepared dataset `plain`: the images themselves, which all online configs read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import tqdm_utils

from cifar10_aug import shard_files
from cifar10_aug._version import VERSION
from cifar10_aug.errors import SourceError
from cifar10_aug.records import examples, tfrecord
from cifar10_aug.source.images import SHAPE, Cifar10, LabelledImages, Provenance, example_id

PLAIN = "plain"
# Of the files that `plain` is stored in.
FORMAT_VERSION = 1
_IMAGES_A_SHARD = 10_000


def metadata(cifar10: Cifar10) -> dict[str, Any]:
    """What is recorded beside the images."""
    return {
        **dataclasses.asdict(cifar10.provenance),
        "content": cifar10.content_digest(),
        "package_version": VERSION,
        "format_version": FORMAT_VERSION,
    }


def shard_iterators(cifar10: Cifar10) -> dict[str, list[Callable[[], Any]]]:
    """What TFDS writes: the splits' shards."""
    return {
        name: [
            _ShardExamples(name, split, first) for first in range(0, len(split), _IMAGES_A_SHARD)
        ]
        for name, split in cifar10.splits.items()
    }


@dataclasses.dataclass(frozen=True, eq=False)
class _ShardExamples:
    """The examples of one file, in official order; picklable."""

    name: str
    split: LabelledImages
    first: int

    def __call__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        numbers = range(self.first, min(self.first + _IMAGES_A_SHARD, len(self.split)))
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
                },
            )


def check_files(info: tfds.core.DatasetInfo) -> None:
    """Compares what the description says with the files' sizes, which is quick.

    Raises:
        SourceError: if a file is missing, or if so many images cannot be in them.
    """
    try:
        for split in info.splits.values():
            size = shard_files.total_size(split)
            if min(split.shard_lengths) < 0 or split.num_examples * math.prod(SHAPE) > size:
                lengths = ", ".join(map(str, split.shard_lengths))
                raise ValueError(
                    f"dataset_info.json says that the files of {split.name}, {size} bytes, have "
                    f"{lengths} images"
                )
    except ValueError as error:
        raise damaged(str(info.data_dir), str(error)) from error


def read(info: tfds.core.DatasetInfo) -> Cifar10:
    """The prepared images, read without TensorFlow and compared with their recorded digest.

    Raises:
        SourceError: if they are not what was prepared.
    """
    check_files(info)
    try:
        splits = {name: _read_split(info.splits[name]) for name in ("train", "test")}
        provenance = recorded_provenance(info.metadata)
        cifar10 = Cifar10(splits["train"], splits["test"], provenance)
        if cifar10.content_digest() != info.metadata["content"]:
            raise ValueError("not the images whose digest is recorded")
    except (ValueError, KeyError) as error:
        raise damaged(str(info.data_dir), str(error)) from error
    return cifar10


def recorded_provenance(metadata: Mapping[str, Any]) -> Provenance:
    """What is recorded of where the images are from.

    Raises:
        KeyError: if it is not.
    """
    names = [field.name for field in dataclasses.fields(Provenance)]
    return Provenance(**{name: metadata[name] for name in names})


def _read_split(info: tfds.core.SplitInfo) -> LabelledImages:
    features = [
        examples.parsed(record) for path in info.filepaths for record in tfrecord.read(Path(path))
    ]
    images = np.frombuffer(b"".join(one["image"] for one in features), np.uint8)
    labels = np.array([one["label"] for one in features], np.int64)
    return LabelledImages(images.reshape(-1, *SHAPE), labels)


# What is said of prepared images that are not what was prepared.
DAMAGED = (
    "{folder}: the prepared images are damaged ({found}); delete this folder and prepare them again"
)


def damaged(folder: str, found: str) -> SourceError:
    """The error for prepared images that are not what was prepared."""
    return SourceError(DAMAGED.format(folder=folder, found=found))
