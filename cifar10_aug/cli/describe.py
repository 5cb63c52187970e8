"""What the commands tell of prepared images and frozen epochs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar10_aug.cli.shell import data_dir_argument
from cifar10_aug.data.images import OFFICIAL_ORDER
from cifar10_aug.errors import ExportError

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

    from cifar10_aug.builders.augmented import AugmentedBuilder


def prepared(info: tfds.core.DatasetInfo) -> str:
    """A line for each property of what is prepared as `plain`.

    Raises:
        SourceError: if what is recorded is damaged.
    """
    from cifar10_aug.data import prepared

    try:
        return _lines({**_dataset(info), **_source(info.metadata)})
    except (KeyError, TypeError) as error:
        raise prepared.damaged(str(info.data_dir), prepared.NO_METADATA) from error


def frozen(folder: Path) -> str:
    """A line for each property of the frozen epochs in a folder.

    Raises:
        ExportError: if they are not whole.
    """
    import tensorflow_datasets as tfds

    from cifar10_aug.frozen import checksums

    try:
        metadata = checksums.read(folder)
    except ValueError as error:
        raise ExportError(
            f"{folder}: {checksums.METADATA} is {error}; export it again with --overwrite"
        ) from error
    try:
        info = tfds.builder_from_directory(folder).info
    except Exception as error:
        # TFDS expects what it wrote, and raises nearly anything if it is not that.
        raise ExportError(
            f"{folder}: dataset_info.json or features.json is damaged "
            f"({' '.join(str(error).split())}); export it again with --overwrite"
        ) from error
    return _lines(
        {
            **_dataset(info),
            "recipe": metadata["recipe"],
            **_functions(metadata),
            "copies": f"{metadata['copies']}, seed {metadata['seed']}",
            "files": f"{len(metadata['files'])}, {info.file_format.value}, "
            f"{metadata['image_encoding']} images",
            **_source(metadata),
            "written": f"by cifar10_aug {metadata['package_version']}",
            "sealed": metadata["dataset_digest"],
        }
    )


def summary(builder: AugmentedBuilder, data_dir: str | None, already: bool) -> str:
    """One line: what was written, how large it is, and how to read it."""
    info = builder.info
    counts = ", ".join(f"{name} {split.num_examples:,}" for name, split in info.splits.items())
    shards = sum(split.num_shards for split in info.splits.values())
    load = "data_source" if info.file_format.value == "array_record" else "load"
    return (
        f"{'There already' if already else 'Written'}: {builder.data_dir}: {counts} images, "
        f"{info.dataset_size} in {shards} shards; read it with "
        f'tfds.{load}("{builder.name}/{builder.builder_config.name}"{data_dir_argument(data_dir)})'
    )


def _dataset(info: tfds.core.DatasetInfo) -> dict[str, str]:
    counts = ", ".join(f"{name} {split.num_examples}" for name, split in info.splits.items())
    return {
        "dataset": f"{info.name} in {info.data_dir}",
        "images": counts,
        "size": f"{info.dataset_size}",
    }


def _functions(metadata: Mapping[str, Any]) -> dict[str, str]:
    found = metadata.get("functions")
    if not found:
        return {}
    return {"python": ", ".join(f"{name} {digest}" for name, digest in found.items())}


def _source(metadata: Mapping[str, Any]) -> dict[str, str]:
    order = metadata.get("order", OFFICIAL_ORDER)
    return {
        "source": f"{metadata['source']} {metadata['name']}",
        "digest": metadata["digest"] or "none",
        "content": metadata["content"],
        "official": f"{'yes' if metadata['official'] else 'no'} (checked: {metadata['checked']})",
        **({} if order == OFFICIAL_ORDER else {"order": order}),
    }


def _lines(properties: Mapping[str, str]) -> str:
    return "\n".join(f"{name + ':':<10}{value}" for name, value in properties.items())
