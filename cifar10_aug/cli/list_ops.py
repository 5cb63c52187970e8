"""`cifar10-aug list`."""

from __future__ import annotations

import shutil

import click

from cifar10_aug.cli import shell
from cifar10_aug.errors import RecipeError


@shell.main.command("list")
@click.argument("name", required=False)
@shell.imports_option
def list_command(name: str | None) -> None:
    """List ops and presets, a line each; with a NAME, everything about one."""
    from cifar10_aug.cli.listing import about, listing

    width = min(shutil.get_terminal_size().columns, 100)
    try:
        click.echo(listing(width) if name is None else about(name, width))
    except RecipeError as error:
        raise click.UsageError(str(error)) from error
