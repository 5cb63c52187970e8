"""Where datasets can be kept."""

from __future__ import annotations

import os

from cifar10_aug.errors import SourceError

# TFDS looks for its files by patterns that begin with the folder.
_PATTERNS = "[*?"


def placed(data_dir: str) -> str:
    """A folder as it is found after the program has changed to another; buckets' addresses stay."""
    return data_dir if "://" in data_dir else os.path.abspath(os.path.expanduser(data_dir))


def check(data_dir: str) -> None:
    """Raises a `SourceError` if TFDS would look for its files in other folders than this."""
    if found := sorted(set(data_dir) & set(_PATTERNS)):
        raise SourceError(
            f"data_dir is {data_dir!r}, and TFDS takes {' and '.join(found)} in it for a pattern "
            "of other folders' names; choose a data_dir without [, * and ?"
        )
