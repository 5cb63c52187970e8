"""One export at a time: those that come later wait as long as the one at work gets on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from cifar10_aug.errors import ExportError
from cifar10_aug.frozen.progress import log
from cifar10_aug.frozen.staging import Staging

# How long another export may take for a shard, and how often to look.
PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 0.1


class AtWorkError(ExportError):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(staging: Staging, final: Path, *, patience: float = 0) -> Iterator[None]:
    """Holds the staging folder's lock; on leaving, deletes the folder if it is of no use.

    Args:
        staging: the folder.
        final: the dataset's.
        patience: how many seconds to wait for another export that finishes no shard.

    Raises:
        ExportError: if another export is at work for longer.
        OSError: if the folder cannot be made.
    """
    made = [staging.folder, *staging.folder.parents]
    made = made[: next(i for i, folder in enumerate(made) if folder.exists())]
    lock = filelock.FileLock(staging.lock)
    waiting = Waiting(staging, final, patience)
    while not acquired(staging, lock):
        waiting.go_on()
    try:
        yield
    finally:
        if not staging.has_plan:
            staging.clear()
            # Others that wait for it see that the file has no name any more, and make a new one.
            staging.lock.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # Not empty: no longer ours alone.
                for folder in made or [staging.folder]:
                    folder.rmdir()
        lock.release()


def acquired(staging: Staging, lock: filelock.BaseFileLock) -> bool:
    """Whether it has the lock now."""
    if staging.folder.is_file():
        raise ExportError(
            f"{staging.folder}: there is a file, and exports need a folder; delete it"
        )
    try:
        staging.folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except (filelock.Timeout, FileNotFoundError, FileExistsError):
        # Another export has it, or has just deleted the folder.
        return False
    return True


class Waiting:
    """Waits for another export as long as that one gets on, and says so once."""

    def __init__(self, staging: Staging, final: Path, patience: float):
        """Takes the folders, and for how many seconds the other one may finish no shard."""
        self._staging, self._final, self._patience = staging, final, patience
        self._said = False
        self._finished = -1
        self._since = time.monotonic()

    def go_on(self) -> None:
        """Waits for a moment, or raises an `AtWorkError`."""
        if self._patience and not self._said:
            self._said = True
            log.warning("%s: waiting for another process that is writing it", self._final)
        if (finished := self._staging.count()) != self._finished:
            self._finished, self._since = finished, time.monotonic()
        if time.monotonic() - self._since >= self._patience:
            raise AtWorkError(
                f"{self._final}: another export is writing it, and has finished nothing for "
                f"{self._patience:.0f} seconds; wait until that has ended, or end it, or choose "
                "another data_dir"
            )
        time.sleep(_LOOK_SECONDS)
