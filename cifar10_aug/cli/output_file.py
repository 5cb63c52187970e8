"""The file that a command writes: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click


def checked(out: Path) -> Path:
    """The file that --out names; ~ is home even where the shell has left it as it is.

    Raises:
        click.UsageError: if its folder does not exist.
    """
    out = Path(os.path.expanduser(out))
    if not out.parent.is_dir():
        raise click.UsageError(f"--out {out}: the folder {out.parent} does not exist; make it.")
    return out


def write(path: Path, content: bytes) -> None:
    """Writes a file at once: readers see the old file or the new one, never half of one.

    Raises:
        OSError: if it cannot be written; names the path.
    """
    try:
        # Beside `path`, because a file cannot be renamed onto another disk.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as place:
            partial = Path(place, path.name)
            partial.write_bytes(content)
            partial.replace(path)
    except OSError as error:
        # The user does not know the temporary file.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
