"""The command that shows what a recipe does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from cifar10_aug.cli import output_file, picture, shell
from cifar10_aug.recipes.recipe import Recipe


@shell.main.command()
@click.argument("recipe", type=shell.RecipeType())
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="preview.png",
    show_default=True,
    help="The PNG to write.",
)
@click.option(
    "--rows",
    type=click.IntRange(1, picture.MOST_ROWS),
    default=8,
    show_default=True,
    help="Examples to show.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, picture.MOST_EPOCHS),
    default=6,
    show_default=True,
    help="Epochs beside the original.",
)
@shell.seed_option
@click.option(
    "--scale",
    type=click.IntRange(1, picture.MOST_SCALE),
    default=3,
    show_default=True,
    help="Enlargement.",
)
@click.option("--explain", is_flag=True, help="Write what each op has drawn under the pictures.")
@click.option("--steps", is_flag=True, help="Show epoch 0 after each op in turn, explained.")
@shell.images_options
@shell.imports_option
@shell.failing_in_one_line
def preview(
    recipe: Recipe, out: Path, epochs: int, steps: bool, images: shell.Images, **others: Any
) -> None:
    """Draw a contact sheet of RECIPE: originals beside several epochs, or beside each step."""
    from cifar10_aug.cli import contact_sheet as sheets

    given = click.get_current_context().get_parameter_source("epochs")
    if steps and given is not ParameterSource.DEFAULT:
        raise click.UsageError("--steps shows epoch 0; leave --epochs out.")
    out = output_file.checked(out)
    others |= {"dataset": images.dataset, "source": images.source, "data_dir": images.data_dir}
    sheet = picture.preview(recipe, epochs=epochs, steps=steps, **others)
    sheets.save(sheet, out)
    what = "epoch 0 step by step" if steps else f"{epochs} epochs"
    click.echo(f"{out}: {recipe}, {what}, {sheet.width} x {sheet.height} pixels")
