"""The command that prepares images."""

from __future__ import annotations

import click

from cifar10_aug.cli import describe, shell


@shell.main.command()
@shell.mirror_option
@shell.images_options
@click.option("--overwrite", is_flag=True, help="Replace what is prepared, once all is written.")
@shell.failing_in_one_line
def prepare(images: shell.Images, overwrite: bool) -> None:
    """Store a dataset for tfds.load, from a local file or by download."""
    builder = shell.builder(images)
    builder.download_and_prepare(download_config=shell.download_config(overwrite))
    click.echo(describe.prepared(builder.info))
    click.echo(
        f'Read it with tfds.load("{builder.name}/RECIPE"{shell.data_dir_argument(images.data_dir)})'
    )
