"""The group of all commands: whatever goes wrong is told in one line."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click


class OneLineErrors(click.Group):
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
            _check(sys.argv[1:] if args is None else args)
            code = inner()
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except click.ClickException as error:
            click.echo(f"Error: {_on_one_line(error.format_message())}", err=True)
            code = error.exit_code
        except click.Abort:
            click.echo("Aborted.", err=True)
            code = 1
        code = code if isinstance(code, int) else 0
        if args is None:
            # This process is the command. It ignores Ctrl-C during exit, so that the exit code
            # stays; after a failure, Ctrl-C ends it at once.
            signal.signal(signal.SIGINT, signal.SIG_DFL if code else signal.SIG_IGN)
        sys.exit(code)


def _check(arguments: Sequence[str]) -> None:
    """Raises a usage error for what no library takes as the name of a file."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise click.UsageError(
                f"{argument}: not in UTF-8, which TensorFlow demands; rename it."
            ) from error
        if "\0" in argument:
            raise click.UsageError(f"{argument}: NUL cannot be part of an argument; leave it out.")


def _on_one_line(message: str) -> str:
    """`message` with what does not print, such as a line break in an argument, spelled out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
