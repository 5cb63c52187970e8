"""The command that shows what a recipe does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cifar10_aug.cli import shell
from cifar10_aug.data.sources.official import PUBLISHED
from cifar10_aug.data.spec import SPECS
from cifar10_aug.recipes.recipe import Recipe

if TYPE_CHECKING:
    from cifar10_aug.data.images import LabelledImages


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
    "--rows", type=click.IntRange(1, 64), default=8, show_default=True, help="Examples to show."
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 32),
    default=6,
    show_default=True,
    help="Epochs beside the original.",
)
@shell.seed_option
@click.option(
    "--scale", type=click.IntRange(1, 16), default=3, show_default=True, help="Enlargement."
)
@click.option("--explain", is_flag=True, help="Write what each op has drawn under the pictures.")
@shell.dataset_options
@shell.source_option
@shell.data_dir_option
@shell.imports_option
@shell.failing_in_one_line
def preview(
    recipe: Recipe,
    out: Path,
    rows: int,
    epochs: int,
    seed: int,
    scale: int,
    explain: bool,
    dataset: str,
    source: str | None,
    data_dir: str | None,
) -> None:
    """Draw a contact sheet of RECIPE: originals beside several epochs."""
    from cifar10_aug.cli import contact_sheet as sheets

    shell.check_source(dataset, source, None)
    out = Path(os.path.expanduser(out))
    if not out.parent.is_dir():
        raise click.UsageError(f"--out {out}: the folder {out.parent} does not exist; make it.")
    examples = _examples(dataset, source, data_dir)
    shown = type(examples)(examples.images[:rows], examples.labels[:rows])
    sheet = sheets.contact_sheet(
        recipe.on(SPECS[dataset]),
        shown,
        SPECS[dataset].class_names,
        epochs=epochs,
        seed=seed,
        scale=scale,
        explain=explain,
        partners=examples,
    )
    sheets.save(sheet, out)
    click.echo(
        f"{out}: {recipe} on {len(shown)} images, {epochs} epochs, "
        f"{sheet.width} x {sheet.height} pixels"
    )


def _examples(dataset: str, source: str | None, data_dir: str | None) -> LabelledImages:
    """Training images to show."""
    from cifar10_aug.data import prepared
    from cifar10_aug.data import sample as drawn
    from cifar10_aug.data.sources import choose, local

    if dataset not in PUBLISHED:
        return drawn.read().train
    published = PUBLISHED[dataset]
    if (path := source or choose.environment_source(published)) is not None:
        return local.read(path, published=published).train
    return prepared.read(shell.prepared_builder(dataset, data_dir).info).train
