"""Tells how far an export is: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from tensorflow_datasets.core.utils import tqdm_utils

log = logging.getLogger("cifar10_aug")
_LINE_SECONDS = 10.0


class Progress:
    """Counts images; a context manager."""

    def __init__(self, name: str, total: int, already: int):
        """Takes what is written, how many images there will be and how many there are."""
        self._name, self._total = name, total
        self._already = self._done = already
        self._start = self._last_line = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            self._bar = tqdm_utils.tqdm(
                desc=self._name, total=self._total, initial=self._already, unit=" images"
            )
        elif self._already:
            log.info("%s: %s of %s images are there already", self._name, *self._counts())
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, images: int) -> None:
        self._done += images
        if self._bar is not None:
            self._bar.update(images)
        elif time.monotonic() - self._last_line > _LINE_SECONDS or self._done == self._total:
            self._last_line = time.monotonic()
            log.info("%s: %s of %s images, %s", self._name, *self._counts(), self._speed())

    def _counts(self) -> tuple[str, str]:
        return f"{self._done:,}", f"{self._total:,}"

    def _speed(self) -> str:
        rate = (self._done - self._already) / max(time.monotonic() - self._start, 1e-3)
        left = (self._total - self._done) / max(rate, 1e-3)
        return f"{rate:,.0f} images/s" + (f", {left:.0f} s left" if left else "")
