"""Replaces a dataset's folder by a new one: after a crash, the old one or the new one is there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock


@contextlib.contextmanager
def replacing(final: Path) -> Iterator[Path]:
    """A temporary data folder beside `final`; on success, what is prepared in it replaces `final`.

    Args:
        final: the dataset's folder, DATA_DIR/dataset/config/version.
    """
    with tempfile.TemporaryDirectory(prefix="incomplete.", dir=final.parent) as place:
        yield Path(place)
        new = Path(place, *final.parts[-3:])
        with _locked(final) as old:
            _move_away(old, Path(place))
            # No system renames a folder onto one that is not empty. A crash between these two
            # lines is what `recover` is for.
            if final.exists():
                final.rename(old)
            new.rename(final)
            _move_away(old, Path(place))


def recover(final: Path) -> None:
    """Puts the old folder back if a process was killed while it replaced it."""
    if final.exists() or not _old(final).exists():
        return
    with _locked(final) as old:
        # Another process may have been at work until now.
        if not final.exists() and old.exists():
            old.rename(final)


def _old(final: Path) -> Path:
    """Where the old folder is until the new one has taken its place."""
    return final.with_name(f"replaced.{final.name}")


@contextlib.contextmanager
def _locked(final: Path) -> Iterator[Path]:
    old = _old(final)
    with filelock.FileLock(f"{os.fspath(old)}.lock"):
        yield old


def _move_away(old: Path, place: Path) -> None:
    """Moves a folder to where it will be deleted: half-deleted, it must not be recovered."""
    if old.exists():
        old.rename(tempfile.mkdtemp(dir=place))
