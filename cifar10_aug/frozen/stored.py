"""What is known of frozen epochs from the folder they are in, before they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from cifar10_aug.data import shard_files
from cifar10_aug.data.records.formats import digest_of
from cifar10_aug.errors import ExportError
from cifar10_aug.frozen import checksums, verify
from cifar10_aug.frozen.shards import Frozen


def image_encoding(folder: Path) -> str | None:
    """The image encoding of the frozen epochs in a folder, if there are any.

    Raises:
        ExportError: if they are damaged.
    """
    if not (Path(folder) / checksums.INFO).exists():
        return None
    return str(_metadata(Path(folder))["image_encoding"])


def _metadata(folder: Path) -> dict[str, Any]:
    try:
        return checksums.read(folder)
    except ValueError as error:
        raise damaged(folder, f"{checksums.METADATA} is {error}") from error


def damaged(folder: Path, found: str) -> ExportError:
    """The error for frozen epochs that are not what was written."""
    return ExportError(
        f"{folder}: the frozen epochs are damaged ({found}); cifar10-aug verify names all of it; "
        "delete this folder and export them again"
    )


def check_whole(info: tfds.core.DatasetInfo) -> None:
    """Finds files that are missing, cut or swapped, and descriptions that are not what was written.

    It reads the first record of each shard; all of them have checksums.

    Raises:
        ExportError: if there are any, or if the folder holds other epochs than its name says.
    """
    folder = Path(info.data_dir)
    metadata = _metadata(folder)
    files = metadata["files"]
    # Only names that are there become paths.
    found = {path.name for path in folder.iterdir() if path.is_file()}
    for name in sorted(files):
        if name not in found:
            raise damaged(folder, f"{name} is missing")
        if "-of-" not in name and digest_of(folder / name) != files[name]:
            raise damaged(folder, f"{name} has another digest")
    check_name(info)
    for split in info.splits.values():
        try:
            size = shard_files.total_size(split)
        except ValueError as error:
            raise damaged(folder, str(error)) from error
        if size != split.num_bytes:
            raise damaged(
                folder,
                f"{size} bytes instead of {int(split.num_bytes)} in the files of {split.name}",
            )
    for fault in verify.misplaced(folder, verify.shards_of(folder, metadata)):
        raise damaged(folder, str(fault))


def called(folder: Path) -> str:
    """The name by which `tfds.load` finds a folder, DATA_DIR/dataset/config/version."""
    return "/".join(folder.parts[-3:-1])


def check_name(info: tfds.core.DatasetInfo) -> None:
    """Raises an `ExportError` if a folder holds other epochs than its name says."""
    folder = Path(info.data_dir)
    held = verify.name_of(_held(folder))
    name = called(folder)
    if held != name:
        raise ExportError(
            f"{folder}: the frozen epochs are {held}, not {name}; rename the folder, or overwrite "
            "it (--overwrite)"
        )


def _held(folder: Path) -> Frozen:
    """What is frozen in a folder."""
    metadata = _metadata(folder)
    try:
        return verify.frozen_of(folder, metadata)
    except (KeyError, TypeError, ValueError) as error:
        # Their digests match, so somebody has written them anew.
        raise damaged(folder, f"{checksums.METADATA} is not what an export writes") from error


def check_as_told(info: tfds.core.DatasetInfo, encoding: str, file_format: Any = None) -> None:
    """Raises an `ExportError` if frozen epochs are stored otherwise than the builder is told."""
    stored = (info.file_format.value, str(image_encoding(Path(info.data_dir))))
    wanted = (str(getattr(file_format, "value", file_format or stored[0])), encoding)
    _check_stored(Path(info.data_dir), stored, wanted)


def check_held(folder: Path, wanted: Frozen) -> None:
    """Raises an `ExportError` if what another process has written is stored otherwise."""
    held = _held(folder)
    _check_stored(
        folder, (held.file_format, held.image_encoding), (wanted.file_format, wanted.image_encoding)
    )


def _check_stored(folder: Path, stored: tuple[str, str], wanted: tuple[str, str]) -> None:
    if wanted != stored:
        raise ExportError(
            f"{folder}: stored as {' and '.join(stored)}, not as {' and '.join(wanted)}; choose "
            "another data_dir, or overwrite it (--overwrite)"
        )


def check_file_kind(info: tfds.core.DatasetInfo, needed: str, instead: str) -> None:
    """Raises a `ValueError` that names another way to read, if the files are not of a kind."""
    stored = info.file_format.value
    if stored != needed:
        raise ValueError(
            f"{info.data_dir} is stored as {stored}, and {needed} is needed here; use "
            f"{instead}, or export it as {needed} to another data_dir"
        )
