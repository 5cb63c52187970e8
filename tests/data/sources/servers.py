"""Web servers that are slow, broken or wrong, each in its way."""

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator

from cifar10_aug.data.sources.official import BINARY

PAGE = b"<!DOCTYPE html><html>Please log in.</html>"


class Server(http.server.ThreadingHTTPServer):
    """Answers as it is told, until it is told to stop.

    Attributes:
        archive: what a good server sends.
        answer: what it does with a request.
        asked: how many there were.
        ranges: which parts were asked for; "" for all.
        over: set when those that stall may end.
    """

    daemon_threads = True
    archive = b""
    answer: Callable[["Handler"], None]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = 0
        self.ranges: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{BINARY.archive}"

    def handle_error(self, *args: object) -> None:
        """The other side has gone, as it should."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.ranges.append(self.headers.get("Range", ""))
        self.close_connection = True
        if self.path == "/page":
            self.send(PAGE)
        else:
            self.server.answer(self)

    def send(self, body: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keeps the tests' output quiet."""


@contextlib.contextmanager
def serving(archive: bytes, answer: Callable[[Handler], None]) -> Iterator[Server]:
    server = Server()
    server.archive, server.answer = archive, answer
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def good(handler: Handler) -> None:
    handler.send(handler.server.archive)


def resumable(handler: Handler, *, most: int | None = None, lies: bool = False) -> None:
    """Sends what is asked for, or breaks off after some bytes."""
    archive = handler.server.archive
    asked = handler.headers.get("Range")
    first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    if first >= len(archive):
        handler.send_response(416)
        handler.end_headers()
        return
    handler.send_response(206 if asked else 200)
    handler.send_header("Accept-Ranges", "bytes")
    if asked:
        handler.send_header("Content-Range", f"bytes {first}-{len(archive) - 1}/{len(archive)}")
    handler.send_header("Content-Length", str(len(archive) - first))
    handler.end_headers()
    rest = bytes(len(archive) - first) if lies else archive[first:]
    handler.wfile.write(rest if most is None else rest[:most])


def resumable_that_stalls(handler: Handler) -> None:
    resumable(handler, most=len(handler.server.archive) // 2)
    handler.wfile.flush()
    handler.server.over.wait()


def resumable_that_breaks_off(handler: Handler) -> None:
    resumable(handler, most=len(handler.server.archive) // 3)


def resumable_that_lies(handler: Handler) -> None:
    resumable(handler, lies=bool(handler.headers.get("Range")))


def wrong_part(handler: Handler) -> None:
    handler.send_response(206)
    handler.send_header("Content-Range", "bytes 7-9/10")
    handler.send_header("Content-Length", "3")
    handler.end_headers()
    handler.wfile.write(b"789")


def silent(handler: Handler) -> None:
    handler.server.over.wait()


def slow_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.server.over.wait(0.1):
        handler.wfile.write(b"X-Slow: yes\r\n")


def comes_back_tomorrow(handler: Handler) -> None:
    handler.send_response(503)
    handler.send_header("Retry-After", "86400")
    handler.end_headers()


def around_and_around(handler: Handler) -> None:
    handler.server.over.wait(0.1)
    handler.send_response(302)
    handler.send_header("Location", f"/{handler.server.asked}")
    handler.end_headers()


def silent_in_the_middle(handler: Handler) -> None:
    archive = handler.server.archive
    handler.send(archive[: len(archive) // 2], len(archive))
    handler.server.over.wait()


def a_byte_now_and_then(handler: Handler) -> None:
    handler.send(b"", len(handler.server.archive))
    for place in range(len(handler.server.archive)):
        if handler.server.over.wait(0.05):
            return
        handler.wfile.write(handler.server.archive[place : place + 1])


def a_block_now_and_then(handler: Handler) -> None:
    """Never silent, and never done: 8 kB, as much as is read at once, ten times a second."""
    archive = handler.server.archive
    handler.send(b"", len(archive))
    for first in range(0, len(archive), 2**13):
        if handler.server.over.wait(0.1):
            return
        handler.wfile.write(archive[first : first + 2**13])


def cut_off(handler: Handler) -> None:
    archive = handler.server.archive
    handler.send(archive[:-1000], len(archive))


def cut_off_without_a_word(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(handler.server.archive[:-1000])


def announces_too_much(handler: Handler) -> None:
    handler.send(handler.server.archive, 10**12)


def without_end(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.over.is_set():
        handler.wfile.write(bytes(2**16))


def redirects_to_a_page(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/page")
    handler.end_headers()


def wrong_bytes(handler: Handler) -> None:
    handler.send(bytes(len(handler.server.archive)))


def other_images(handler: Handler) -> None:
    handler.send(with_another_time(handler.server.archive))


def with_another_time(archive: bytes) -> bytes:
    """The same images, of which gzip says that they were packed at another time."""
    return archive[:4] + b"abcd" + archive[8:]
