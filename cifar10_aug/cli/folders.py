"""The datasets in a folder that a command is given."""

from __future__ import annotations

from pathlib import Path

from cifar10_aug.errors import ExportError


def datasets(folder: Path) -> list[Path]:
    """The folder itself, or all below it.

    Raises:
        ExportError: if there is none.
    """
    from cifar10_aug.frozen import verify

    if not (found := verify.datasets(folder)):
        raise ExportError(
            f"{folder}: no frozen epochs or prepared images there; give the data_dir they were "
            "written to, or a folder such as DATA_DIR/cifar10_aug/rotate30+erase-x5/1.0.0"
        )
    return found


def is_plain(folder: Path) -> bool:
    """Whether a dataset is prepared images, and not frozen epochs."""
    from cifar10_aug.data.prepared import PLAIN

    return folder.resolve().parent.name == PLAIN
