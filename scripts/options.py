"""What the command lines of scripts share. Only the standard library is needed to show --help."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

MODELS = ("cnn", "resnet")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"Error: {message}\n")


def count(text: str) -> int:
    """A number of things, at least one."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def seed(text: str) -> int:
    """A seed that NumPy, Python and TensorFlow all take."""
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return number


def positive(text: str) -> float:
    """A rate of learning, or another number greater than 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number greater than 0")
    return number


def recipe(text: str) -> str:
    """The name of a recipe that makes one image of each."""
    from cifar10_aug import Recipe, RecipeError

    try:
        views = Recipe.parse(text).views
    except RecipeError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if views:
        raise argparse.ArgumentTypeError(
            f"{text!r} makes {len(views)} views of each image, and one is trained on; "
            f"name one recipe, such as {views[0].name}"
        )
    return text


def training_options(parser: Parser, default: Any, out: Path) -> None:
    """Adds the options that the scripts share which train one model at a time.

    Args:
        parser: is added to.
        default: has the default of each as an attribute.
        out: the default of --out.
    """
    for option, kind, about in (
        ("--epochs", count, ""),
        ("--batch-size", count, ""),
        ("--learning-rate", positive, "the greatest "),
    ):
        value = getattr(default, option[2:].replace("-", "_"))
        parser.add_argument(option, type=kind, default=value, help=f"{about}[default: {value}]")
    parser.add_argument(
        "--model", default=default.model, choices=MODELS, help="[default: %(default)s]"
    )
    parser.add_argument("--images", type=count, help="of the training split [default: all]")
    parser.add_argument(
        "--engine",
        default=default.engine,
        choices=("eager", "graph"),
        help="[default: %(default)s]",
    )
    parser.add_argument(
        "--threads", type=count, help="of the pipeline; they change nothing [default: all cores]"
    )
    parser.add_argument("--source", help="archive or folder of CIFAR-10 [default: the sample]")
    parser.add_argument("--data-dir", help="where TFDS keeps datasets [default: TFDS's own]")
    parser.add_argument(
        "--out", type=Path, default=out, help="folder of the result [default: %(default)s]"
    )


def table_options() -> argparse.Namespace:
    """The options of train_table.py."""
    parser = Parser(
        description="Trains the same model on several inputs, and says what each costs."
    )
    parser.add_argument("--source", help="archive or folder of CIFAR-10 [default: the sample]")
    parser.add_argument(
        "--model", default="cnn", choices=MODELS, help="what is trained [default: %(default)s]"
    )
    parser.add_argument("--images", type=count, help="of the training split [default: all]")
    parser.add_argument("--epochs", type=count, default=5, help="[default: %(default)s]")
    parser.add_argument(
        "--learning-rate", type=positive, default=0.02, help="[default: %(default)s]"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write [default: none]")
    parser.add_argument("--memory", nargs=2, metavar=("WAY", "DATA_DIR"), help=argparse.SUPPRESS)
    return parser.parse_args()


@contextlib.contextmanager
def failing_in_one_line() -> Iterator[None]:
    """Turns the errors that users can mend into one line and exit code 1."""
    from cifar10_aug import ExportError, PythonOpError, RecipeError, SourceError

    try:
        yield
    except (ExportError, PythonOpError, RecipeError, SourceError) as error:
        sys.exit(f"Error: {str(error).splitlines()[0]}")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"Error: {where}{error.strerror or error}")
