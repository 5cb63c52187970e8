"""The files that hold a split."""

from __future__ import annotations

import os
import stat
from typing import Any


def total_size(split: Any) -> int:
    """Their sizes together, in bytes.

    Args:
        split: a `description.Split`, or a `SplitInfo` of TFDS.

    Raises:
        ValueError: if one of them is missing, or is no file; the message is a clause.
    """
    size = 0
    for path in split.filepaths:
        try:
            length, is_folder = _length(path)
        except FileNotFoundError:
            raise ValueError(f"{path.name} is missing") from None
        if is_folder:
            raise ValueError(f"{path.name} is a folder")
        size += length
    return size


def _length(path: Any) -> tuple[int, bool]:
    """How many bytes a file has, and whether it is a folder."""
    if "://" in os.fspath(path):
        found = path.stat()
        return found.length, found.is_directory
    status = os.stat(path)
    return status.st_size, stat.S_ISDIR(status.st_mode)
