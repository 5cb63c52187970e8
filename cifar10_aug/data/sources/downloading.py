"""Limits of time and size for downloads, which TFDS's downloader has none of."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core import utils
from tensorflow_datasets.core.download import checksums, downloader, resource

from cifar10_aug.data.sources import connecting
from cifar10_aug.data.sources.official import BINARY

# How long a server may take to answer, redirections and TFDS's repeated attempts included.
ANSWER_SECONDS = 60.0
# How much it has to send, on average over this time.
SPEED_SECONDS = 60.0
SLOWEST_SPEED = 10_000
# Nothing that is larger can be the file.
LARGEST = BINARY.size
# How soon a download ends that is not wanted any more.
_GLANCE_SECONDS = 0.5
_BLOCKS_AHEAD = 100


class DownloadError(Exception):
    """A download that has taken too long, or brought something else; the message is a clause."""


def limited(manager: tfds.download.DownloadManager) -> tfds.download.DownloadManager:
    """The same manager, whose downloads keep to the limits."""
    # It makes its downloader when it is first asked for; there is no argument for another.
    limited_downloader = _LimitedDownloader()
    manager._DownloadManager__downloader = limited_downloader
    assert manager._downloader is limited_downloader
    return manager


def stop(manager: tfds.download.DownloadManager) -> None:
    """Ends what a limited manager is downloading, and waits until it has ended."""
    manager._downloader.stop()


def forget(manager: tfds.download.DownloadManager, path: Any) -> None:
    """Deletes a file that the manager has downloaded, so that it is downloaded again."""
    # Files elsewhere are of other datasets, or put there by hand.
    if path.parent == manager.download_dir / manager._dataset_name:
        resource.get_info_path(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)


class _LimitedDownloader(downloader._Downloader):
    """TFDS's downloader, with limits."""

    def __init__(self) -> None:
        super().__init__()
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()
        self._executor.shutdown(wait=True)

    def _sync_download(self, url: str, destination_path: Any, verify: bool = True) -> Any:
        if not url.startswith(("http", "ftp")):
            # A path, or a bucket that TensorFlow knows.
            return super()._sync_download(url, destination_path, verify)
        # Whatever the server calls it: a name from elsewhere is no part of a path.
        path = destination_path / BINARY.archive
        digest, size = hashlib.sha256(), 0
        answer = _Answer(url, verify, self._stopped)
        self._pbar_dl_size.update_total((answer.length or 0) // 2**20)
        with path.open("wb") as file:
            for block in answer.blocks():
                self._pbar_dl_size.update((size + len(block)) // 2**20 - size // 2**20)
                size += len(block)
                digest.update(block)
                file.write(block)
        self._pbar_url.update(1)
        info = checksums.UrlInfo(utils.Size(size), digest.hexdigest(), path.name)
        return downloader.DownloadResult(path=path, url_info=info)


class _Answer:
    """What a server answers.

    A separate thread talks to the server. Sockets' timeouts are for each piece that arrives, and
    a server that sends one byte a second, or its headers that slowly, or says to come back
    tomorrow, never reaches them. The thread is left alone when its time is over; it ends with the
    process at the latest.

    Attributes:
        length: the bytes that are announced, if they are.
    """

    def __init__(self, url: str, verify: bool, stopped: threading.Event):
        self._url, self._verify, self._stopped = url, verify, stopped
        self._arrived: queue.Queue[Any] = queue.Queue(_BLOCKS_AHEAD)
        self._left_alone = threading.Event()
        threading.Thread(target=self._talk, daemon=True, name=f"download of {url}").start()
        try:
            self.length: int | None = self._next(time.monotonic() + ANSWER_SECONDS)
        except queue.Empty:
            self._left_alone.set()
            raise DownloadError(f"no answer within {ANSWER_SECONDS:g} seconds") from None

    def blocks(self) -> Iterator[bytes]:
        """What arrives.

        Raises:
            DownloadError: if it is too slow, too much, or not everything.
        """
        try:
            yield from self._limited()
        finally:
            self._left_alone.set()

    def _limited(self) -> Iterator[bytes]:
        size = before = 0
        of = f" of {self.length}" if self.length else ""
        end = time.monotonic() + SPEED_SECONDS
        while True:
            if max(size, self.length or 0) > LARGEST:
                raise DownloadError(f"more than the {LARGEST} bytes that {BINARY.archive} has")
            try:
                block = self._next(end)
            except queue.Empty:
                if size - before < SLOWEST_SPEED * SPEED_SECONDS:
                    raise DownloadError(
                        f"only {size - before} bytes within {SPEED_SECONDS:g} seconds; "
                        f"{size}{of} bytes had arrived"
                    ) from None
                before, end = size, time.monotonic() + SPEED_SECONDS
                continue
            if block is None:
                break
            size += len(block)
            yield block
        if self.length is not None and size != self.length:
            raise DownloadError(f"cut off: {size}{of} bytes arrived")

    def _next(self, end: float) -> Any:
        """What comes next; raises `queue.Empty` if nothing does before the end."""
        while True:
            if self._stopped.is_set():
                raise DownloadError("interrupted")
            left = end - time.monotonic()
            if left <= 0:
                raise queue.Empty
            try:
                item = self._arrived.get(timeout=min(left, _GLANCE_SECONDS))
            except queue.Empty:
                continue
            if isinstance(item, Exception):
                raise item
            return item

    # In the other thread.

    def _talk(self) -> None:
        try:
            connecting.check(self._url, ANSWER_SECONDS)
            # Only ends a thread that was left alone: longer than the two spans of time within which
            # silence is noticed by who waits for it.
            timeout = (ANSWER_SECONDS, ANSWER_SECONDS + 3 * SPEED_SECONDS)
            opened = downloader._open_url(self._url, verify=self._verify, timeout=timeout)
            with opened as (response, blocks):
                self._put(_length(response))
                for block in blocks:
                    if not self._put(block):
                        return
            self._put(None)
        except Exception as error:
            self._put(error)

    def _put(self, item: Any) -> bool:
        """Hands it over; whether somebody still waits for it."""
        while not self._left_alone.is_set():
            try:
                self._arrived.put(item, timeout=_GLANCE_SECONDS)
            except queue.Full:
                continue
            return True
        return False


def _length(response: Any) -> int | None:
    """The bytes that will arrive, if a server says so, and if they arrive as they are sent."""
    length = response.headers.get("Content-Length", "")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    return int(length) if length.isdecimal() and not encoded else None
