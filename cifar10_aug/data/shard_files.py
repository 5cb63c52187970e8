"""The files that hold a split."""

from __future__ import annotations

import tensorflow_datasets as tfds


def total_size(split: tfds.core.SplitInfo) -> int:
    """Their sizes together, in bytes.

    Raises:
        ValueError: if one of them is missing, or is no file; the message is a clause.
    """
    size = 0
    for path in split.filepaths:
        try:
            found = path.stat()
        except FileNotFoundError:
            raise ValueError(f"{path.name} is missing") from None
        if found.is_directory:
            raise ValueError(f"{path.name} is a folder")
        size += found.length
    return size
