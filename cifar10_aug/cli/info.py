"""The command that tells what is prepared or frozen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cifar10_aug.cli import describe, folders, shell
from cifar10_aug.data.sources.official import DEFAULT, option
from cifar10_aug.errors import SourceError

if TYPE_CHECKING:
    import tensorflow_datasets as tfds


@shell.main.command()
@click.argument("folder", metavar="[DIR]", required=False, type=shell.FOLDER)
@shell.dataset_options
@shell.data_dir_option
@shell.failing_in_one_line
def info(folder: Path | None, dataset: str, data_dir: str | None) -> None:
    """Say what is prepared, and whether it is the official dataset.

    With DIR, tell of the dataset in that folder, or of all below it.
    """
    if folder is not None:
        if dataset != f"{DEFAULT.name}_aug" or data_dir:
            raise click.UsageError("Use either DIR or --dataset, --sample and --data-dir.")
        click.echo("\n\n".join(map(_described, folders.datasets(folder))))
        return
    builder = shell.builder(shell.Images(dataset, data_dir=data_dir))
    if not builder.is_prepared():
        raise SourceError(
            f"nothing is prepared in {builder.data_dir}; run cifar10-aug prepare{option(dataset)}"
        )
    click.echo(_of_images(builder.info))


def _described(folder: Path) -> str:
    from cifar10_aug.data import prepared as plain

    return (
        _of_images(plain.info_of(folder)) if folders.is_plain(folder) else describe.frozen(folder)
    )


def _of_images(info: tfds.core.DatasetInfo) -> str:
    """What is prepared, once it is compared with what is recorded of it."""
    from cifar10_aug.data import prepared as plain
    from cifar10_aug.pipelines import resident as prepared

    described = describe.prepared(info)
    files = plain.described(info.data_dir)
    plain.check_files(files)
    for split in files.splits.values():
        prepared.resident(split)
    return described
