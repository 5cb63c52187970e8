"""Receives one file from one server, which may be slow, silent or wrong."""

from __future__ import annotations

import dataclasses
import queue
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cifar10_aug.data.sources import connecting

# How soon a download ends that is not wanted any more.
_GLANCE_SECONDS = 0.5
_BLOCKS_AHEAD = 100
# Bytes; a block is handed over once all of it is there.
_BLOCK = 2**13


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        answer: seconds until it answers, redirections included.
        span: seconds over which its speed is measured.
        slowest: bytes a second that it has to send.
    """

    answer: float
    span: float
    slowest: int


class DownloadError(Exception):
    """A server that has not sent the file; the message is a clause."""


class TooSlowError(DownloadError):
    """A server that takes longer than it is waited for."""


class _BrokenOffError(Exception):
    """The connection has ended too early."""


@dataclasses.dataclass
class Part:
    """What has arrived of a file.

    Attributes:
        path: the file.
        largest: more bytes than this it cannot have.
        resumable: whether the server that was asked last sends the rest of a file.
    """

    path: Path
    largest: int
    resumable: bool = False

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0


def receive(
    url: str, part: Part, patience: Patience, arrived: Callable[[int, int | None], None]
) -> None:
    """Receives a file, or the rest of it if the server can send that.

    Args:
        url: where the file is.
        part: where it is put.
        patience: how long the server is waited for.
        arrived: is called with the size of what is there, and with that of the file, if known.

    Raises:
        DownloadError: if the server is too slow, or sends too much or too little.
        Exception: whatever else goes wrong on the way.
    """
    answer = _Answer(url, part.size, patience)
    try:
        first, length, part.resumable = answer.begin()
        if first not in (0, part.size):
            raise DownloadError(f"the rest from byte {first} instead of {part.size}")
        total = None if length is None else first + length
        with open(part.path, "r+b" if first else "wb") as file:
            size = file.seek(first)
            arrived(size, total)
            before, end = size, time.monotonic() + patience.span
            broken = False
            while True:
                if max(size, total or 0) > part.largest:
                    raise DownloadError(f"more than the {part.largest} bytes that it can have")
                try:
                    block = answer.next(end)
                except queue.Empty:
                    if size - before < patience.slowest * patience.span:
                        of = f" of {total}" if total else ""
                        raise TooSlowError(
                            f"only {size - before} bytes within {patience.span:g} seconds; "
                            f"{size}{of} bytes had arrived"
                        ) from None
                    before, end = size, time.monotonic() + patience.span
                    continue
                except _BrokenOffError:
                    block, broken = None, True
                if block is None:
                    break
                file.write(block)
                size += len(block)
                arrived(size, total)
    finally:
        answer.leave()
    if broken or (total is not None and size != total):
        of = f" of {total}" if total else ""
        raise DownloadError(f"cut off: {size}{of} bytes arrived")


class _Answer:
    """What a server answers.

    A separate thread talks to the server. Sockets' timeouts are for each piece that arrives, and
    a server that sends one byte a second, or its headers that slowly, never reaches them. The
    thread is left alone when its time is over; it ends with the process at the latest.
    """

    def __init__(self, url: str, first: int, patience: Patience):
        self._url, self._first, self._patience = url, first, patience
        self._arrived: queue.Queue[Any] = queue.Queue(_BLOCKS_AHEAD)
        self._left_alone = threading.Event()
        threading.Thread(target=self._talk, daemon=True, name=f"download of {url}").start()

    def begin(self) -> tuple[int, int | None, bool]:
        """The first byte that comes, how many there are, and whether it can resume."""
        try:
            return self.next(time.monotonic() + self._patience.answer)
        except queue.Empty:
            raise TooSlowError(f"no answer within {self._patience.answer:g} seconds") from None

    def next(self, end: float) -> Any:
        """What comes next; raises `queue.Empty` if nothing does before the end."""
        # A span of time also ends where blocks are always there.
        if (left := end - time.monotonic()) <= 0:
            raise queue.Empty
        item = self._arrived.get(timeout=left)
        if isinstance(item, Exception):
            raise item
        return item

    def leave(self) -> None:
        self._left_alone.set()

    # In the other thread.

    def _talk(self) -> None:
        try:
            self._put_blocks()
            self._put(None)
        except Exception as error:
            self._put(error)

    def _put_blocks(self) -> None:
        import urllib3

        connecting.check(self._url, self._patience.answer)
        response = self._asked(self._first)
        # There is no rest of this file.
        if response.status_code == 416:
            response.close()
            response = self._asked(0)
        with response:
            if response.status_code not in (200, 206):
                raise DownloadError(f"HTTP status {response.status_code} {response.reason}")
            self._put(_about(response))
            try:
                for block in response.raw.stream(_BLOCK, decode_content=False):
                    if not self._put(block):
                        return
            except urllib3.exceptions.ProtocolError as error:
                raise _BrokenOffError from error

    def _asked(self, first: int) -> Any:
        import requests

        # Compressed on the way, the file would have another size.
        headers = {"Accept-Encoding": "identity"}
        if first:
            headers["Range"] = f"bytes={first}-"
        # Only ends a thread that was left alone: longer than the two spans of time within which
        # silence is noticed by who waits for it.
        timeout = (self._patience.answer, self._patience.answer + 3 * self._patience.span)
        return requests.get(self._url, headers=headers, stream=True, timeout=timeout)

    def _put(self, item: Any) -> bool:
        """Hands it over; whether somebody still waits for it."""
        while not self._left_alone.is_set():
            try:
                self._arrived.put(item, timeout=_GLANCE_SECONDS)
            except queue.Full:
                continue
            return True
        return False


def _about(response: Any) -> tuple[int, int | None, bool]:
    """The first byte that will arrive, how many will, if known, and whether a rest can be asked."""
    length = response.headers.get("Content-Length", "")
    count = int(length) if length.isdecimal() else None
    if response.status_code == 200:
        return 0, count, response.headers.get("Accept-Ranges", "").strip().lower() == "bytes"
    place = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if place is None:
        raise DownloadError("a part of the file, and not which part")
    return int(place[1]), count, True
