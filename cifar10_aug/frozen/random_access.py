"""Random access to frozen epochs: what TFDS reads, with errors of this package."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, SupportsIndex

from cifar10_aug.frozen import stored


def check(sources: Any, folder: Path) -> None:
    """Makes data sources of TFDS, one or a dict or list of them, name damage that they find."""
    if isinstance(sources, dict):
        sources = list(sources.values())
    # A source is a sequence, too.
    if isinstance(sources, (list, tuple)):
        for source in sources:
            check(source, folder)
        return
    sources.data_source = _Records(sources.data_source, folder)


class _Records:
    """The records of a data source; picklable."""

    def __init__(self, records: Any, folder: Path):
        self._records, self._folder = records, folder

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, key: SupportsIndex) -> bytes:
        with self._reading():
            return bytes(self._records[key])

    def __getitems__(self, keys: Sequence[SupportsIndex]) -> Sequence[bytes]:
        with self._reading():
            found: Sequence[bytes] = self._records.__getitems__(keys)
        return found

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            # The library's only kind of error.
            reason = " ".join(str(error).split())
            raise stored.damaged(self._folder, f"a record cannot be read: {reason}") from error
