"""The command that lists ops and presets."""

from __future__ import annotations

import shutil

import click

from cifar10_aug.cli import shell


@shell.main.command("list")
@shell.imports_option
def list_command() -> None:
    """List ops with their fields, defaults and units, and presets."""
    from cifar10_aug.cli.listing import listing

    click.echo(listing(min(shutil.get_terminal_size().columns, 100)))
