"""What all commands share: the group, errors of this package in one line, and options."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cifar10_aug._compat import tensorflow_errors
from cifar10_aug.builders import paths
from cifar10_aug.cli.one_line_errors import OneLineErrors
from cifar10_aug.data.sources.official import DEFAULT, PUBLISHED, option
from cifar10_aug.data.spec import SAMPLE_NAME
from cifar10_aug.errors import (
    ExportError,
    PythonOpError,
    RecipeError,
    RegistrationError,
    SourceError,
)
from cifar10_aug.recipes.grammar import quote
from cifar10_aug.recipes.recipe import FROZEN, Recipe

if TYPE_CHECKING:
    from cifar10_aug.builders.augmented import AugmentedBuilder


class RecipeType(click.ParamType):
    """A recipe, by the one parser."""

    name = "recipe"

    def convert(self, value: Any, param: Any, ctx: Any) -> Recipe:
        try:
            return value if isinstance(value, Recipe) else Recipe.parse(value)
        except RecipeError as error:
            if frozen := FROZEN.fullmatch(value):
                seed = f" --seed {frozen[3]}" if frozen[3] else ""
                self.fail(
                    f"{quote(value)} names frozen epochs; give the recipe alone, {frozen[1]} "
                    f"(export takes --copies {frozen[2]}{seed})",
                    param,
                    ctx,
                )
            self.fail(str(error), param, ctx)


def failing_in_one_line(command: Callable[..., None]) -> Callable[..., None]:
    """Turns the errors that users can mend into one line and exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (SourceError, ExportError, RecipeError, RegistrationError) as error:
            raise click.ClickException(str(error)) from error
        except PythonOpError as error:
            # What follows is the traceback of the user's function.
            raise click.ClickException(str(error).splitlines()[0]) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error
        except Exception as error:
            if tensorflow_errors.is_interrupt(error):
                raise click.Abort from error
            # Of a bucket that cannot be reached, for example.
            if not tensorflow_errors.is_one(error):
                raise
            raise click.ClickException(tensorflow_errors.reason(error)) from error

    return wrapped


source_option = click.option(
    "--source",
    type=click.Path(),
    help="Published archive (such as cifar-10-binary.tar.gz), unpacked folder, or another form "
    "that the README lists.",
)
mirror_option = click.option("--mirror", help="URL of a published archive to download instead.")


def _placed(context: Any, option: Any, data_dir: str | None) -> str | None:
    """The folder as it was given, if datasets can be kept there."""
    if data_dir is not None:
        try:
            paths.check_name(paths.placed(data_dir))
        except SourceError as error:
            raise click.UsageError(str(error)) from error
    return data_dir


data_dir_option = click.option(
    "--data-dir",
    type=click.Path(),
    callback=_placed,
    help="Where TFDS keeps datasets [default: TFDS's own].",
)


def dataset_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --dataset and --sample to a command, which gets the name that TFDS knows, `dataset`."""

    @click.option(
        "--dataset",
        type=click.Choice([one.name for one in PUBLISHED.values()]),
        help=f"Which dataset [default: {DEFAULT.name}].",
    )
    @click.option("--sample", is_flag=True, help="Use the pictures that the code draws, instead.")
    @functools.wraps(command)
    def wrapped(*args: Any, dataset: str | None, sample: bool, **kwargs: Any) -> None:
        if sample and dataset:
            raise click.UsageError("Use either --sample or --dataset.")
        chosen = SAMPLE_NAME if sample else f"{dataset or DEFAULT.name}_aug"
        command(*args, dataset=chosen, **kwargs)

    return wrapped


class Images(NamedTuple):
    """Which images a command takes.

    Attributes:
        dataset: the name that TFDS knows.
        source: the path of what they are read from; None for those that are prepared.
        data_dir: where TFDS keeps datasets; None for TFDS's own place.
        mirror: the URL of an archive to download; None for the publisher's.
    """

    dataset: str
    source: str | None = None
    data_dir: str | None = None
    mirror: str | None = None


def images_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --dataset, --sample, --source and --data-dir to a command, which gets `images`.

    `mirror_option` before it adds --mirror.
    """

    @dataset_options
    @source_option
    @data_dir_option
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        dataset: str,
        source: str | None,
        data_dir: str | None,
        mirror: str | None = None,
        **kwargs: Any,
    ) -> None:
        if dataset == SAMPLE_NAME and (source or mirror):
            raise click.UsageError("--sample is drawn; leave --source and --mirror out.")
        command(*args, images=Images(dataset, source, data_dir, mirror), **kwargs)

    return wrapped


imports_option = click.option(
    "--imports",
    metavar="MODULES",
    callback=lambda context, option, modules: _import(modules),
    is_eager=True,
    expose_value=False,
    help="Python modules that register ops, separated by commas; also found in this folder.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="Seed of the draws.",
)


class FolderType(click.Path):
    """A folder that exists; ~ is home even where the shell has left it as it is."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return super().convert(os.path.expanduser(value), param, ctx)


FOLDER = FolderType(exists=True, file_okay=False, path_type=Path)


@click.group(
    cls=OneLineErrors,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="cifar10_aug")
def main() -> None:
    """Augmented CIFAR-10 and CIFAR-100 for tf.data."""
    # TensorFlow's notices about the machine would bury the commands' own lines.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _import(modules: str | None) -> None:
    """Imports the modules that register the user's ops."""
    if modules is None:
        return
    # As with `python -m`: a module beside the user is one that can be imported.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    for module in modules.split(","):
        if not all(part.isidentifier() for part in module.split(".")) or module.endswith(".py"):
            raise click.UsageError(
                f"--imports {module}: not the name of a module; write my_ops for my_ops.py."
            )
        try:
            importlib.import_module(module)
        except RegistrationError as error:
            raise click.UsageError(f"--imports {module}: {error}") from error
        except KeyboardInterrupt:
            raise
        # A module may call sys.exit, as scripts do.
        except BaseException as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            raise click.UsageError(f"--imports {module}: {said}") from error


def builder(images: Images, config: str = "plain", **kwargs: Any) -> AugmentedBuilder:
    """The builder of a dataset's config."""
    made = importlib.import_module(f"cifar10_aug.builders.{images.dataset}_dataset_builder").Builder
    if images.dataset in PUBLISHED:
        kwargs.update(source=images.source, mirror=images.mirror)
    place = None if images.data_dir is None else os.path.expanduser(images.data_dir)
    return made(config=config, data_dir=place, **kwargs)


def prepared_builder(images: Images, config: str = "plain") -> AugmentedBuilder:
    """The builder of a config whose images are prepared.

    Raises:
        SourceError: if there are none.
    """
    found = builder(images, config)
    if not found.is_prepared():
        raise SourceError(
            f"no {found.dataset.title} is prepared in {found.data_dir}; run cifar10-aug prepare"
            f"{option(images.dataset)}, or give --source PATH or --sample"
        )
    return found


def download_config(overwrite: bool, **kwargs: Any) -> Any:
    """What tells TFDS whether to write what is there anew."""
    import tensorflow_datasets as tfds

    modes = tfds.GenerateMode
    mode = modes.REUSE_CACHE_IF_EXISTS if overwrite else modes.REUSE_DATASET_IF_EXISTS
    return tfds.download.DownloadConfig(download_mode=mode, **kwargs)


def data_dir_argument(data_dir: str | None) -> str:
    """How `tfds.load` is told of the folder."""
    return "" if data_dir is None else f", data_dir={data_dir!r}"
