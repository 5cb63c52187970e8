"""The command line: a thin shell; nothing is decided here. TensorFlow is imported when needed."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cifar10_aug.errors import RecipeError, SourceError
from cifar10_aug.recipe import Recipe

if TYPE_CHECKING:
    from cifar10_aug.builder import AugmentedBuilder
    from cifar10_aug.source.images import LabelledImages


class RecipeType(click.ParamType):
    """A recipe, by the one parser."""

    name = "recipe"

    def convert(self, value: Any, param: Any, ctx: Any) -> Recipe:
        try:
            return value if isinstance(value, Recipe) else Recipe.parse(value)
        except RecipeError as error:
            self.fail(str(error), param, ctx)


def _failing_in_one_line(command: Callable[..., None]) -> Callable[..., None]:
    """Turns the errors that users can mend into one line and exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except SourceError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error

    return wrapped


_source = click.option(
    "--source",
    type=click.Path(),
    help="Archive (cifar-10-binary.tar.gz, cifar-10-python.tar.gz) or unpacked folder.",
)
_data_dir = click.option(
    "--data-dir", type=click.Path(), help="Where TFDS keeps datasets [default: TFDS's own]."
)
_sample = click.option(
    "--sample", is_flag=True, help="Use the pictures that the code draws, instead of CIFAR-10."
)


class _OneLineErrors(click.Group):
    """A group whose errors are one line, without the usage that click puts before them."""

    def main(
        self, args: Any = None, *others: Any, standalone_mode: bool = True, **kwargs: Any
    ) -> Any:
        inner: Callable[[], Any] = functools.partial(
            super().main, args, *others, standalone_mode=False, **kwargs
        )
        if not standalone_mode:
            return inner()
        try:
            code = inner()
        except click.ClickException as error:
            click.echo(f"Error: {error.format_message()}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("Aborted.", err=True)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=_OneLineErrors,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="cifar10_aug")
def main() -> None:
    """Augmented CIFAR-10 for tf.data."""
    # TensorFlow's notices about the machine would bury the commands' own lines.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@main.command("list")
def list_command() -> None:
    """List ops with their fields, defaults and units, and presets."""
    from cifar10_aug.listing import listing

    click.echo(listing(min(shutil.get_terminal_size().columns, 100)))


@main.command()
@click.argument("recipe", type=RecipeType())
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
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="Seed of the draws.",
)
@click.option(
    "--scale", type=click.IntRange(1, 16), default=3, show_default=True, help="Enlargement."
)
@_sample
@_source
@_data_dir
@_failing_in_one_line
def preview(
    recipe: Recipe,
    out: Path,
    rows: int,
    epochs: int,
    seed: int,
    scale: int,
    sample: bool,
    source: str | None,
    data_dir: str | None,
) -> None:
    """Draw a contact sheet of RECIPE: originals beside several epochs."""
    from cifar10_aug import preview as sheets

    if sample and source:
        raise click.UsageError("--sample and --source exclude each other; leave one out.")
    if not out.parent.is_dir():
        raise click.UsageError(f"--out {out}: the folder {out.parent} does not exist; make it.")
    examples, names = _examples(sample, source, data_dir)
    shown = type(examples)(examples.images[:rows], examples.labels[:rows])
    sheet = sheets.contact_sheet(recipe, shown, names, epochs=epochs, seed=seed, scale=scale)
    sheets.save(sheet, out)
    click.echo(
        f"{out}: {recipe} on {len(shown)} images, {epochs} epochs, "
        f"{sheet.width} x {sheet.height} pixels"
    )


@main.command()
@_sample
@_source
@click.option("--mirror", help="URL of cifar-10-binary.tar.gz to download instead.")
@_data_dir
@_failing_in_one_line
def prepare(sample: bool, source: str | None, mirror: str | None, data_dir: str | None) -> None:
    """Store CIFAR-10 for tfds.load, from a local file or by download."""
    if sample and (source or mirror):
        raise click.UsageError("--sample is drawn; leave --source and --mirror out.")
    builder = _builder(sample, source, mirror, data_dir)
    builder.download_and_prepare()
    click.echo(_description(builder))
    click.echo(f'Read it with tfds.load("{builder.name}/RECIPE"{_data_dir_argument(data_dir)})')


@main.command()
@_sample
@_data_dir
@_failing_in_one_line
def info(sample: bool, data_dir: str | None) -> None:
    """Say what is prepared, and whether it is the official CIFAR-10."""
    builder = _builder(sample, None, None, data_dir)
    if not builder.is_prepared():
        option = " --sample" if sample else ""
        raise SourceError(
            f"nothing is prepared in {builder.data_dir}; run cifar10-aug prepare{option}"
        )
    click.echo(_description(builder))


def _builder(
    sample: bool, source: str | None, mirror: str | None, data_dir: str | None
) -> AugmentedBuilder:
    from cifar10_aug import cifar10_aug_dataset_builder, cifar10_aug_sample_dataset_builder

    place = None if data_dir is None else os.path.expanduser(data_dir)
    if sample:
        return cifar10_aug_sample_dataset_builder.Builder(config="plain", data_dir=place)
    return cifar10_aug_dataset_builder.Builder(
        config="plain", data_dir=place, source=source, mirror=mirror
    )


def _description(builder: AugmentedBuilder) -> str:
    metadata = builder.info.metadata
    counts = ", ".join(
        f"{name} {split.num_examples}" for name, split in builder.info.splits.items()
    )
    lines = {
        "dataset": f"{builder.name} in {builder.data_dir}",
        "images": counts,
        "size": f"{builder.info.dataset_size}",
        "source": f"{metadata['source']} {metadata['name']}",
        "digest": metadata["digest"] or "none",
        "content": metadata["content"],
        "official": f"{'yes' if metadata['official'] else 'no'} (checked: {metadata['checked']})",
    }
    return "\n".join(f"{key + ':':<10}{value}" for key, value in lines.items())


def _data_dir_argument(data_dir: str | None) -> str:
    return "" if data_dir is None else f", data_dir={data_dir!r}"


def _examples(
    sample: bool, source: str | None, data_dir: str | None
) -> tuple[LabelledImages, tuple[str, ...]]:
    """Training images to show, and the names of their classes."""
    from cifar10_aug.source import choose, drawn, local
    from cifar10_aug.source.images import CLASS_NAMES, LabelledImages

    if sample:
        return drawn.read().train, drawn.SHAPE_NAMES
    if (path := source or choose.environment_source()) is not None:
        return local.read(path).train, CLASS_NAMES
    builder = _builder(False, None, None, data_dir)
    if not builder.is_prepared():
        raise SourceError(
            f"no CIFAR-10 is prepared in {builder.data_dir}; run cifar10-aug prepare, "
            "or give --source PATH or --sample"
        )
    batch = next(iter(builder.as_dataset(split="train", batch_size=64).as_numpy_iterator()))
    return LabelledImages(batch["image"], batch["label"]), CLASS_NAMES
