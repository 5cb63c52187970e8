"""A real browser, Chromium without a window, asked through a pipe."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_OPTIONS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    *("--disable-dev-shm-usage", "--remote-debugging-pipe", "--disable-extensions"),
)
# Of an answer; a browser that is at work gives one in less than a second.
_PATIENCE = 120


class Page:
    """One page, by the DevTools protocol: https://chromedevtools.github.io/devtools-protocol/.

    Attributes:
        events: what the browser has told without being asked, in order.
    """

    def __init__(self, asked: int, answers: int):
        self._asked, self._answers = asked, answers
        self._number, self._session, self._buffer = 0, "", b""
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._asked, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, path: Path) -> None:
        """Loads a file, and waits until it is loaded."""
        self.send("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, or what its promise gives."""
        told = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def show(self, *, width: int, dark: bool) -> None:
        """Sets the window's width, and which colours the user prefers."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], until - time.monotonic())
            assert ready, "the browser does not answer"
            read = os.read(self._answers, 1 << 16)
            assert read, "the browser has ended"
            self._buffer += read
        message, self._buffer = self._buffer.split(b"\0", 1)
        told: dict[str, Any] = json.loads(message)
        return told


@contextmanager
def page(profile: Path) -> Iterator[Page]:
    """A page of a new browser, which ends afterwards.

    Args:
        profile: an empty folder, for what the browser keeps.
    """
    assert PROGRAM is not None
    its_end, asked = os.pipe()
    answers, other_end = os.pipe()
    # Chromium does not start its sandbox for root.
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    command = [PROGRAM, *_OPTIONS, *root, f"--user-data-dir={profile}", "about:blank"]
    # It reads commands from descriptor 3 and answers on 4.
    shell = f'exec "$@" 3<&{its_end} 4>&{other_end}'
    process = subprocess.Popen(
        ["bash", "-c", shell, "bash", *command],
        pass_fds=(its_end, other_end),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_end)
    os.close(other_end)
    try:
        yield Page(asked, answers)
    finally:
        os.close(asked)
        process.terminate()
        process.wait()
        os.close(answers)
