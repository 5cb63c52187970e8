"""Downloads the published archive from the first server that sends it at a reasonable speed.

What arrives is kept in a file `….part` beside the archive, which has its name only once its SHA-256
is the published one. A part that a killed process has left is resumed, by any server that has the
same file and can do so, or deleted.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import filelock

from cifar10_aug.data.records.formats import digest_of
from cifar10_aug.data.sources import local, receiving
from cifar10_aug.data.sources.official import Layout, Published
from cifar10_aug.data.sources.receiving import Part, Patience, TooSlowError
from cifar10_aug.errors import SourceError

_LOCK = "downloading.lock"
_PART = ".part"


class NoServerError(Exception):
    """No server has sent the file; the message says why."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long servers are waited for.

    Attributes:
        hurried: while there is another one.
        patient: if there is none.
        worth: bytes; a server that breaks off after so many is asked for the rest.
    """

    hurried: Patience
    patient: Patience
    worth: int


LIMITS = Limits(
    hurried=Patience(answer=20.0, span=20.0, slowest=300_000),
    patient=Patience(answer=60.0, span=60.0, slowest=10_000),
    worth=2**20,
)


@dataclasses.dataclass(frozen=True)
class Offer:
    """An address, and the archives that may be there."""

    url: str
    layouts: tuple[Layout, ...]

    def part(self, folder: Path) -> Part:
        """What has arrived; servers of the same archive share it."""
        name = self.layouts[0].archive
        if len(self.layouts) > 1:
            name = f"mirror-{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"
        return Part(folder / (name + _PART), max(layout.size for layout in self.layouts))


def offers(published: Published, mirror: str | None) -> list[Offer]:
    """Where to download from: what the user names, or mirrors and the official host."""
    if mirror is not None:
        return [Offer(mirror, published.layouts)]
    layout = published.layouts[-1]
    return [Offer(url, (layout,)) for url in layout.urls]


def fetch(
    offered: Sequence[Offer],
    published: Published,
    folder: Path,
    limits: Limits,
    *,
    again: bool = False,
) -> Path:
    """An archive with a published SHA-256, downloaded unless it is in the folder already.

    Args:
        offered: where to download from, the best place first.
        published: the dataset.
        folder: where the archive is kept; nobody else writes there.
        limits: how long servers are waited for.
        again: whether an archive that is there already is downloaded anew.

    Raises:
        NoServerError: if no server sends a file.
        SourceError: if the only server sends something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        layouts = dict.fromkeys(layout for offer in offered for layout in offer.layouts)
        for layout in layouts:
            kept = folder / layout.archive
            if kept.exists() and (again or digest_of(kept) != layout.digest):
                kept.unlink()
            if kept.exists():
                return kept
        parts = {offer.part(folder).path: offer.part(folder) for offer in offered}
        _delete_parts(folder, but=set(parts))
        try:
            found = _Download(offered, published, parts, limits).run()
        except BaseException:
            for part in parts.values():
                if not part.resumable:
                    part.path.unlink(missing_ok=True)
            raise
        path, layout = found
        path.replace(folder / layout.archive)
        _delete_parts(folder)
        return folder / layout.archive


def tidy(folder: Path) -> None:
    """Deletes what killed downloads have left, unless another process is at work there."""
    if any(folder.glob(f"*{_PART}")):
        with contextlib.suppress(filelock.Timeout), _locked(folder, seconds=0):
            _delete_parts(folder)


def _delete_parts(folder: Path, but: set[Path] = frozenset()) -> None:  # type: ignore[assignment]
    for path in set(folder.glob(f"*{_PART}")) - but:
        path.unlink()


@contextlib.contextmanager
def _locked(folder: Path, seconds: float = -1) -> Iterator[None]:
    path = folder / _LOCK
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if seconds == 0:
            raise
        _tell("Waiting for another process, which is downloading to %s.", folder)
        lock.acquire()
    try:
        yield
    finally:
        # Others that wait see that the file has no name any more, and make a new one.
        if os.name == "posix":
            path.unlink(missing_ok=True)
        lock.release()


def _tell(message: str, *args: object) -> None:
    logging.getLogger("cifar10_aug").warning(message, *args)


class _Download:
    """One download, from one server after the other."""

    def __init__(
        self,
        offered: Sequence[Offer],
        published: Published,
        parts: dict[Path, Part],
        limits: Limits,
    ):
        self._published, self._parts, self._limits = published, parts, limits
        self._folder = next(iter(parts)).parent
        self._left = collections.deque((offer, False) for offer in offered)
        self._failed: dict[str, Exception] = {}

    def run(self) -> tuple[Path, Layout]:
        """Where the file is, and which one it is.

        Raises:
            NoServerError: if no server sends a file.
            SourceError: if the only server sends something else.
        """
        while self._left:
            offer, patient = self._left.popleft()
            part = self._parts[offer.part(self._folder).path]
            before = part.size
            hurried = bool(self._left) and not patient
            patience = self._limits.hurried if hurried else self._limits.patient
            try:
                if not self._layout(offer, part):
                    if part.size >= part.largest:
                        part.path.unlink()
                    _receive(offer.url, part, patience)
                if layout := self._layout(offer, part):
                    return part.path, layout
                self._refuse(offer, part, resumed=before > 0)
            except Exception as error:
                # Whatever went wrong (network, server, content), another server may do better.
                self._failed[offer.url] = error
                gained = part.size - before
                if isinstance(error, TooSlowError):
                    later = hurried
                else:
                    later = part.resumable and gained >= self._limits.worth
                if later:
                    self._left.append((offer, True))
                if self._left:
                    _tell(
                        "%s: %s; going on with %s.", offer.url, reason(error), self._left[0][0].url
                    )
        raise self._error()

    def _layout(self, offer: Offer, part: Part) -> Layout | None:
        """The archive that has arrived, if it is whole."""
        if part.size not in {layout.size for layout in offer.layouts}:
            return None
        digest = digest_of(part.path)
        return next((layout for layout in offer.layouts if layout.digest == digest), None)

    def _refuse(self, offer: Offer, part: Part, *, resumed: bool) -> None:
        """Deletes a wrong file and raises an error about it, or has it sent anew.

        Raises:
            SourceError: if the server has sent all of it.
        """
        if resumed:
            # What was there before may have come from elsewhere.
            part.path.unlink()
            self._left.appendleft((offer, False))
            return
        digest = digest_of(part.path)
        try:
            local.read(part.path, offer.url, self._published)
        finally:
            part.path.unlink()
        expected = " or ".join(f"{layout.archive} ({layout.digest})" for layout in offer.layouts)
        raise SourceError(
            f"{offer.url}: expected the official {expected}, found {digest}; use another mirror, "
            "or, if you trust the file, pass its path as source"
        )

    def _error(self) -> Exception:
        if len(self._failed) == 1:
            ((url, error),) = self._failed.items()
            if isinstance(error, SourceError):
                return error
            return NoServerError(f"{url}: could not be downloaded ({reason(error)})")
        each = "; ".join(
            str(error) if isinstance(error, SourceError) else f"{url}: {reason(error)}"
            for url, error in self._failed.items()
        )
        return NoServerError(f"{self._published.title} could not be downloaded ({each})")


def reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _receive(url: str, part: Part, patience: Patience) -> None:
    if not url.startswith(("http://", "https://")):
        # A path, or a bucket that TensorFlow knows.
        import tensorflow as tf

        tf.io.gfile.copy(url, str(part.path), overwrite=True)
        return
    with _bar(url) as arrived:
        receiving.receive(url, part, patience, arrived)


@contextlib.contextmanager
def _bar(url: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar with what has arrived, the rate, and the time left; nothing in a log."""
    from tensorflow_datasets.core.utils import tqdm_utils

    bar: Any = None
    before = 0

    def arrived(size: int, total: int | None) -> None:
        nonlocal bar, before
        if bar is None:
            what = f"Downloading {url}"
            bar = tqdm_utils.tqdm(
                desc=what, total=total, initial=size, unit="B", unit_scale=True, disable=None
            )
        else:
            bar.update(size - before)
        before = size

    try:
        yield arrived
    finally:
        if bar is not None:
            bar.close()
