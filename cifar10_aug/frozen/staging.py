"""The folder in which an export works, beside the dataset's own.

    incomplete.1.0.0/
        lock          held by the export that is at work
        plan.json     what is being written; a rerun must want the same
        source/       the images, in the form that engines read
        digests/      one small file for each finished shard
        shards/       becomes the dataset's folder by being renamed
        info/         what TFDS wants beside the shards, until it is moved to them
        replaced/     an older dataset that is being deleted

Every file appears under its name only once it is whole, so whatever is there after a crash can be
used. Nothing that TFDS would load is written before all shards are there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_aug.data.images import SHAPE, LabelledSplits
from cifar10_aug.data.records.formats import digest_of
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.frozen.shards import Shard

_WRITING = ".writing-"
_IMAGES_A_WRITE = 500


@dataclasses.dataclass(frozen=True)
class Finished:
    """What is known of a written shard: examples, bytes, and "sha256:…" of the file."""

    examples: int
    size: int
    digest: str


@dataclasses.dataclass(frozen=True)
class Staging:
    """The folder; picklable, and meant to be reached by every worker."""

    folder: Path

    @staticmethod
    def of(final: Path) -> Staging:
        """The folder for a dataset that will be in `final`."""
        return Staging(final.parent / f"incomplete.{final.name}")

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def shards(self) -> Path:
        return self.folder / "shards"

    @property
    def replaced(self) -> Path:
        """Where an older dataset goes once this one has taken its place."""
        return self.folder / "replaced"

    def make(self) -> None:
        for folder in ("source", "digests", "shards"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)

    def clear(self) -> None:
        """Deletes everything but the lock."""
        if not self.folder.exists():
            return
        for entry in self.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry != self.lock:
                entry.unlink()

    def tidy(self, shards: Sequence[Shard]) -> None:
        """Deletes what a killed export left, but for finished shards."""
        for partial in self.folder.glob(f"*/*{_WRITING}*"):
            partial.unlink(missing_ok=True)
        names = {shard.name for shard in shards}
        for path in self.shards.iterdir():
            if path.name not in names:
                path.unlink()

    # The plan.

    @property
    def has_plan(self) -> bool:
        return self._plan.exists()

    @property
    def plan(self) -> dict[str, Any] | None:
        """What is being written, if that is known.

        Raises:
            ValueError: if the file is damaged.
        """
        if not self.has_plan:
            return None
        plan = _parsed(self._plan)
        if not isinstance(plan, dict):
            raise ValueError(f"{self._plan.name} is damaged")
        return plan

    @property
    def _plan(self) -> Path:
        return self.folder / "plan.json"

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        with _appearing(self._plan) as path:
            path.write_text(json.dumps(plan))

    # The images.

    def write_source(self, labelled: LabelledSplits) -> None:
        # Anew each time, so it need not survive a power cut.
        for name, split in labelled.splits.items():
            with _appearing(self._pixels(name), lasting=False) as path:
                _pack(split.images, path)
            with _appearing(self._labels(name), lasting=False) as path, open(path, "wb") as file:
                np.save(file, split.labels.astype(np.int64))

    def remove_source(self) -> None:
        if (folder := self.folder / "source").exists():
            shutil.rmtree(folder)

    def read_source(self, split: str) -> tuple[Source, np.ndarray]:
        """A split's images, mapped into memory, and its labels."""
        # Mapped copy-on-write: kernels are compiled for arrays that can be written to.
        pixels = np.asarray(np.memmap(self._pixels(split), np.uint32, "c"))
        labels = np.load(self._labels(split), allow_pickle=False)
        return Source(pixels, len(labels), *SHAPE[:2]), labels

    def _pixels(self, split: str) -> Path:
        return self.folder / "source" / f"{split}.pixels"

    def _labels(self, split: str) -> Path:
        return self.folder / "source" / f"{split}_labels.npy"

    # The shards.

    @contextlib.contextmanager
    def writing(self, shard: Shard) -> Iterator[Path]:
        """A path to write a shard to; on leaving, the file gets the shard's name."""
        with _appearing(self.shards / shard.name) as path:
            yield path

    def finished(self, shard: Shard) -> Finished | None:
        """What is known of a shard, if it is written and its digest recorded.

        A damaged record counts as none, so that the shard is written again.
        """
        record, path = self._record(shard), self.shards / shard.name
        if not record.exists() or not path.exists():
            return None
        match _parsed(record):
            case {"examples": examples, "size": size, "digest": str(digest), **others}:
                found = Finished(examples, size, digest)
                right = not others and found == Finished(len(shard), path.stat().st_size, digest)
                return found if right else None
        return None

    def count(self) -> int:
        """How many shards are finished."""
        return len(list(self.folder.glob("digests/*.json")))

    def intact(self, shard: Shard) -> bool:
        """Whether a shard is finished and its bytes are still those that were written."""
        found = self.finished(shard)
        return found is not None and digest_of(self.shards / shard.name) == found.digest

    def forget(self, shard: Shard) -> None:
        """Makes sure that a shard is written anew."""
        self._record(shard).unlink(missing_ok=True)
        (self.shards / shard.name).unlink(missing_ok=True)

    def record(self, shard: Shard, finished: Finished) -> None:
        with _appearing(self._record(shard)) as path:
            path.write_text(json.dumps(dataclasses.asdict(finished)))

    def _record(self, shard: Shard) -> Path:
        return self.folder / "digests" / f"{shard.name}.json"


def _parsed(path: Path) -> Any:
    """What a JSON file holds; None if that cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _pack(images: np.ndarray, path: Path) -> None:
    """Writes what `Source.of` would hold in memory.

    Written and not mapped: on a full disk, writing to mapped memory ends the process.
    """
    part = Source.empty(_IMAGES_A_WRITE, *images.shape[1:3])
    size = int(np.prod(images.shape[1:3]))
    with open(path, "wb") as file:
        for first in range(0, len(images), _IMAGES_A_WRITE):
            some = images[first : first + _IMAGES_A_WRITE]
            part.write(0, some)
            file.write(part.pixels[: len(some) * size].data)
        file.write(part.pixels[_IMAGES_A_WRITE * size :].data)


@contextlib.contextmanager
def _appearing(final: Path, *, lasting: bool = True) -> Iterator[Path]:
    """A temporary path; on success it is renamed, on failure deleted."""
    path = final.with_name(f"{final.name}{_WRITING}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        yield path
        if lasting:
            # Or a power cut could leave a file that is named and empty.
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        path.replace(final)
    finally:
        path.unlink(missing_ok=True)
