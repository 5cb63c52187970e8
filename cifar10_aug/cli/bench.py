"""The command that times a recipe on the user's machine."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cifar10_aug.cli import shell
from cifar10_aug.data.spec import SAMPLE_NAME
from cifar10_aug.recipes.recipe import Recipe

if TYPE_CHECKING:
    from cifar10_aug.builders.augmented import AugmentedBuilder

_FLOOR = "un-augmented"


@shell.main.command()
@click.argument("recipe", type=shell.RecipeType())
@click.option(
    "--batch-size",
    type=click.IntRange(1, 2**63 - 1),
    default=128,
    show_default=True,
    help="Of both rows.",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=5, show_default=True, help="Epochs to time."
)
@shell.images_options
@shell.imports_option
@shell.failing_in_one_line
def bench(recipe: Recipe, batch_size: int, rounds: int, images: shell.Images) -> None:
    """Time RECIPE beside TensorFlow's own pipeline without augmentation."""
    with _prepared(recipe, images) as builder:
        _time(builder, recipe, batch_size, rounds)


@contextlib.contextmanager
def _prepared(recipe: Recipe, images: shell.Images) -> Iterator[AugmentedBuilder]:
    """The recipe's builder; images of the sample, or of a source, are prepared for this once."""
    if images.dataset != SAMPLE_NAME and images.source is None:
        yield shell.prepared_builder(images, recipe.name)
        return
    with tempfile.TemporaryDirectory() as place:
        builder = shell.builder(images._replace(data_dir=place), recipe.name)
        builder.download_and_prepare()
        yield builder


def _time(builder: AugmentedBuilder, recipe: Recipe, batch_size: int, rounds: int) -> None:
    from cifar10_aug.cli import timing
    from cifar10_aug.data import prepared

    train = prepared.read(prepared.described(builder.data_dir)).train
    count = len(train)
    ours = builder.as_dataset(
        split="train", batch_size=batch_size, shuffle_files=True, as_supervised=True
    )
    floats = recipe.dtype == "float32"
    floor = timing.unaugmented(train.images, train.labels, batch_size, floats)
    passes = {_FLOOR: timing.iterated(floor), recipe.name: timing.iterated(ours)}
    with click.progressbar(length=rounds, label="Timing", file=sys.stderr) as bar:
        times = timing.in_turns(passes, count, rounds, lambda number: bar.update(1))
    wide = max(map(len, passes))
    click.echo(f"{'':{wide}}  us an image, median (least to most)   of {_FLOOR}   images/s")
    for name in passes:
        row = timing.against(times, name, _FLOOR)
        click.echo(
            f"{name:{wide}}  {row.spread:<38} {row.ratio:>6.2f} x {1e6 / row.median:>16,.0f}"
        )
    about = timing.machine()
    click.echo(
        f"{count:,} images, batches of {batch_size}, {recipe.dtype}, {rounds} rounds in turns; "
        f"{about['cores']} cores, Python {about['python']}, TensorFlow {about['tensorflow']}, "
        f"cifar10_aug {about['cifar10_aug']}"
    )
