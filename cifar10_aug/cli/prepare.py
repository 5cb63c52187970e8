"""The command that prepares images."""

from __future__ import annotations

import click

from cifar10_aug.cli import describe, shell


@shell.main.command()
@shell.dataset_options
@shell.source_option
@shell.mirror_option
@shell.data_dir_option
@click.option("--overwrite", is_flag=True, help="Replace what is prepared, once all is written.")
@shell.failing_in_one_line
def prepare(
    dataset: str, source: str | None, mirror: str | None, data_dir: str | None, overwrite: bool
) -> None:
    """Store a dataset for tfds.load, from a local file or by download."""
    shell.check_source(dataset, source, mirror)
    builder = shell.builder(dataset, source, mirror, data_dir)
    builder.download_and_prepare(download_config=shell.download_config(overwrite))
    click.echo(describe.prepared(builder.info))
    click.echo(
        f'Read it with tfds.load("{builder.name}/RECIPE"{shell.data_dir_argument(data_dir)})'
    )
