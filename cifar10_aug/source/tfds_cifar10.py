"""Reads the `cifar10` that TFDS itself has prepared."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cifar10_aug.errors import SourceError
from cifar10_aug.source.images import SHAPE, Cifar10, LabelledImages, Provenance


def read(data_dir: str | os.PathLike[str]) -> Cifar10 | None:
    """CIFAR-10 in official order, or None if TFDS has not prepared it in `data_dir`.

    Raises:
        SourceError: if what it has prepared is not whole.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.core.read_only_builder.builder_from_files(
            "cifar10", data_dir=os.fspath(data_dir)
        )
    except tfds.core.registered.DatasetNotFoundError:
        return None
    where = str(builder.data_path)
    splits = {name: _read_split(builder, name, where) for name in ("train", "test")}
    provenance = Provenance(
        source="tfds",
        name=builder.info.full_name,
        digest="",
        official=True,
        checked="TFDS compared the archive's checksum when it prepared cifar10",
    )
    return Cifar10(splits["train"], splits["test"], provenance)


def _read_split(builder: Any, split: str, where: str) -> LabelledImages:
    import tensorflow_datasets as tfds

    count = builder.info.splits[split].num_examples
    images = np.empty((count, *SHAPE), np.uint8)
    labels = np.full(count, -1, np.int64)
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        # TFDS stores examples shuffled; their ids tell the official order.
        prefix, _, number = example["id"].decode().partition("_")
        if prefix != split or not number.isdigit() or int(number) >= count:
            raise SourceError(
                f"{where}: expected ids {split}_00000 to {split}_{count - 1:05d}, found "
                f"{example['id'].decode()!r}; delete this folder or pass source=PATH"
            )
        images[int(number)] = example["image"]
        labels[int(number)] = example["label"]
    if (labels < 0).any():
        raise SourceError(
            f"{where}: expected {count} different {split} images, found "
            f"{int((labels >= 0).sum())}; delete this folder or pass source=PATH"
        )
    return LabelledImages(images, labels)
