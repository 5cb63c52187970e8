"""Replaces a dataset's folder by a new one: after a crash, the old one or the new one is there."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock

# What the file is called that a process holds while it writes.
_MARK = "writing."


@contextlib.contextmanager
def replacing(final: Path) -> Iterator[Path]:
    """A temporary data folder beside `final`; on success, what is prepared in it replaces `final`.

    Args:
        final: the dataset's folder, DATA_DIR/dataset/config/version.
    """
    with (
        writing(final),
        tempfile.TemporaryDirectory(prefix="incomplete.", dir=final.parent) as place,
    ):
        yield Path(place)
        replace(final, Path(place, *final.parts[-3:]), Path(place))


@contextlib.contextmanager
def writing(final: Path) -> Iterator[None]:
    """Shows other processes that what is unfinished beside `final` may belong to this one."""
    final.parent.mkdir(parents=True, exist_ok=True)
    mark = final.with_name(f"{_MARK}{secrets.token_hex(8)}.lock")
    with filelock.FileLock(mark):
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


def sweep(final: Path) -> None:
    """Deletes what killed processes have left unfinished beside `final`.

    Does nothing while any process writes there, or if nothing can be deleted there.
    """
    # Before the marks: who begins in between is not in this list.
    unfinished = list(final.parent.glob("incomplete.*"))
    marks = list(final.parent.glob(f"{_MARK}*.lock"))
    if not (unfinished or marks) or not os.access(final.parent, os.W_OK):
        return
    if any(not _dead(mark) for mark in marks):
        return
    for folder in unfinished:
        # Another process may be deleting the same.
        shutil.rmtree(folder, ignore_errors=True)


def _dead(mark: Path) -> bool:
    """Whether no process holds a mark, which is deleted then."""
    try:
        with filelock.FileLock(mark, timeout=0):
            mark.unlink(missing_ok=True)
    except filelock.Timeout:
        return False
    return True


def replace(final: Path, new: Path, place: Path) -> None:
    """Renames `new` to `final`, and moves the old folder into `place`.

    Args:
        final: the dataset's folder, which may be missing.
        new: the new one.
        place: a folder on the same disk that the caller deletes.

    Raises:
        OSError: if renaming fails; the old folder is there then.
    """
    with _locked(final) as old:
        _move_away(old, place)
        # No system renames a folder onto one that is not empty. A crash between these two
        # renamings is what `recover` is for.
        if final.exists():
            final.rename(old)
        try:
            new.rename(final)
        except OSError:
            if old.exists():
                old.rename(final)
            raise
        _flush(final.parent)
        _move_away(old, place)


def recover(final: Path) -> None:
    """Puts the old folder back if a process was killed while it replaced it."""
    if final.exists() or not _old(final).exists():
        return
    with _locked(final) as old:
        # Another process may have been at work until now.
        if not final.exists() and old.exists():
            old.rename(final)


def left(final: Path) -> bool:
    """Whether a killed process has left something beside `final` that `tidy` removes."""
    return _old(final).exists() or _lock(final).exists()


def tidy(final: Path, place: Path) -> None:
    """Moves the old folder into `place` if a process was killed after it had replaced it."""
    if left(final):
        with _locked(final) as old:
            if final.exists():
                _move_away(old, place)


def _old(final: Path) -> Path:
    """Where the old folder is until the new one has taken its place."""
    return final.with_name(f"replaced.{final.name}")


def _lock(final: Path) -> Path:
    return final.with_name(f"replaced.{final.name}.lock")


@contextlib.contextmanager
def _locked(final: Path) -> Iterator[Path]:
    path = _lock(final)
    with filelock.FileLock(path):
        try:
            yield _old(final)
        finally:
            # Others that wait see that the file has no name any more, and make a new one.
            if os.name == "posix":
                path.unlink(missing_ok=True)


def _move_away(old: Path, place: Path) -> None:
    """Moves a folder to where it will be deleted: half-deleted, it must not be recovered."""
    if old.exists():
        old.rename(Path(tempfile.mkdtemp(dir=place), "old"))


def _flush(folder: Path) -> None:
    """Makes the renaming last, where folders can be flushed."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
