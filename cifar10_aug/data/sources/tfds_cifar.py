"""Reads the `cifar10` or `cifar100` that TFDS itself has prepared."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cifar10_aug._compat import tensorflow_errors
from cifar10_aug.data.images import SHAPE, LabelledImages, LabelledSplits, Provenance
from cifar10_aug.data.sources.official import Published
from cifar10_aug.errors import SourceError


def read(data_dir: str | os.PathLike[str], published: Published) -> LabelledSplits | None:
    """The images in official order, or None if TFDS has not prepared them in `data_dir`.

    Raises:
        SourceError: if what it has prepared is not whole.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.core.read_only_builder.builder_from_files(
            published.name, data_dir=os.fspath(data_dir)
        )
        where = str(builder.data_path)
    except tfds.core.registered.DatasetNotFoundError:
        return None
    except Exception as error:
        # TFDS expects what it wrote, and raises nearly anything if it is not that.
        raise _unreadable(os.path.join(data_dir, published.name), published, error) from error
    try:
        splits = {name: _read_split(builder, name, where) for name in ("train", "test")}
    except SourceError:
        raise
    except Exception as error:
        raise _unreadable(where, published, error) from error
    provenance = Provenance(
        source="tfds",
        name=builder.info.full_name,
        digest="",
        official=True,
        checked=f"TFDS compared the archive's checksum when it prepared {published.name}",
    )
    return LabelledSplits(splits["train"], splits["test"], provenance)


def _unreadable(where: str, published: Published, error: Exception) -> SourceError:
    return SourceError(
        f"{where}: TFDS cannot read the {published.name} that it has prepared "
        f"({tensorflow_errors.reason(error)}); delete this folder or pass source=PATH"
    )


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
