"""Finds out whether frozen datasets are still what was written."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib.externals import loky

from cifar10_aug.data.images import LabelledSplits
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.data.records import examples
from cifar10_aug.data.records.formats import FORMATS
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.python import cores, worker_process
from cifar10_aug.errors import ExportError
from cifar10_aug.frozen import checksums, worker
from cifar10_aug.frozen.shards import FORMAT_VERSION, Frozen, Shard
from cifar10_aug.recipes.function_pickling import NOTHING, Carried
from cifar10_aug.recipes.recipe import config_name
from cifar10_aug.rng.names import example_id

_CONFIG = re.compile(rf".+-x[0-9]+(-s[0-9]+)?|{PLAIN}")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def datasets(folder: Path) -> list[Path]:
    """The datasets in a folder, frozen epochs and prepared images.

    That is the folder itself, or those below a config, dataset or data folder.
    """
    if _VERSION.fullmatch(folder.resolve().name):
        return [folder]
    return sorted(
        path
        for pattern in ("*", "*/*", "*/*/*")
        for path in folder.glob(pattern)
        if _VERSION.fullmatch(path.name) and _CONFIG.fullmatch(path.resolve().parent.name)
    )


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something that is not as it was written: a file's name, and what is wrong with it."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def verify(folder: Path) -> list[Fault]:
    """Compares all files with their recorded digests and with each other; [] if all is well."""
    try:
        metadata = checksums.read(folder)
    except ValueError as error:
        return [Fault(checksums.METADATA, str(error))]
    faults = [Fault(*fault) for fault in checksums.broken(folder, metadata["files"])]
    try:
        return faults or list(_inconsistent(folder, metadata))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        # Their digests match, so somebody has written them anew.
        return [Fault(checksums.METADATA, f"not what an export writes ({error!r})")]


def _inconsistent(folder: Path, metadata: dict[str, Any]) -> Iterator[Fault]:
    """What digests cannot find: metadata that do not belong to the name, or to the files."""
    if metadata["format_version"] != FORMAT_VERSION:
        yield Fault(
            checksums.METADATA,
            f"format version {metadata['format_version']}, which this version does not know",
        )
        return
    frozen = frozen_of(folder, metadata)
    name, theirs = name_of(frozen), "/".join(folder.resolve().parts[-3:-1])
    if name != theirs:
        yield Fault(checksums.METADATA, f"belongs to {name}, not to {theirs}")
    counts = _counts(folder)
    shards = shards_of(folder, metadata)
    for shard in shards:
        if shard.name not in metadata["files"]:
            yield Fault(shard.name, "missing")
        elif counts[shard.split][shard.place : shard.place + 1] != [len(shard)]:
            yield Fault(
                checksums.INFO, f"does not give {len(shard)} as the examples in {shard.name}"
            )
    yield from misplaced(folder, [shard for shard in shards if shard.name in metadata["files"]])


def misplaced(folder: Path, shards: Iterable[Shard]) -> Iterator[Fault]:
    """Files that begin with another example than theirs: they are swapped, or another dataset's."""
    for shard in shards:
        expected = {"id": example_id(shard.split, shard.first).encode(), "copy": shard.copy}
        records = FORMATS[shard.frozen.file_format].read(folder / shard.name)
        try:
            first = examples.parsed(next(records, b""))
        except ValueError as error:
            yield Fault(shard.name, f"its first record cannot be read ({error})")
            continue
        if {name: first.get(name) for name in expected} != expected:
            what = f"{example_id(shard.split, shard.first)} of copy {shard.copy}"
            yield Fault(shard.name, f"does not begin with {what}")


def name_of(frozen: Frozen) -> str:
    """The name by which `tfds.load` knows frozen epochs."""
    # Without parsing: a registered function need not be registered here.
    return f"{frozen.dataset}/{config_name(frozen.recipe, frozen.copies, frozen.seed)}"


def frozen_of(folder: Path, metadata: dict[str, Any]) -> Frozen:
    """What is frozen in a folder whose files match their digests."""
    info = json.loads((folder / checksums.INFO).read_text())
    return Frozen(
        dataset=info["name"],
        recipe=metadata["recipe"],
        copies=metadata["copies"],
        seed=metadata["seed"],
        file_format=info["fileFormat"],
        image_encoding=metadata["image_encoding"],
    )


def shards_of(folder: Path, metadata: dict[str, Any]) -> list[Shard]:
    """The shards that must be in a folder."""
    copies = metadata["copies"]
    totals = {split: sum(lengths) for split, lengths in _counts(folder).items()}
    totals["train"] //= copies
    return frozen_of(folder, metadata).shards(totals)


def _counts(folder: Path) -> dict[str, list[int]]:
    """Examples in each shard, by split, as TFDS knows them."""
    info = json.loads((folder / checksums.INFO).read_text())
    return {split["name"]: [int(n) for n in split["shardLengths"]] for split in info["splits"]}


class Deep:
    """Augments the source anew and compares every example; for datasets that `verify` passes.

    Attributes:
        images: how many will be compared.
    """

    def __init__(self, folder: Path, read_images: Callable[[str], LabelledSplits]):
        """Takes the dataset's folder, and what gives the images to augment, by dataset name.

        Raises:
            ExportError: if the source has other images than the dataset was made from.
            SourceError: if there is no source.
        """
        metadata = checksums.read(folder)
        self._folder = folder
        self._shards = shards_of(folder, metadata)
        self.images = sum(map(len, self._shards))
        labelled = read_images(self._shards[0].frozen.dataset)
        if labelled.content_digest() != metadata["content"]:
            raise ExportError(
                f"{folder}: made from other images than {labelled.provenance.source} "
                f"{labelled.provenance.name}; give the ones it was made from ({metadata['source']} "
                f"{metadata['name']}, {metadata['content']})"
            )
        self._splits = labelled.splits

    def run(self, jobs: int | None = None) -> Iterator[tuple[Shard, Fault | None]]:
        """Yields each shard with the first fault in it; `jobs` processes, None for all cores.

        Raises:
            RecipeError: if the recipe has a registered function that is not registered here.
            RegistrationError: if one cannot be sent to other processes.
            PythonOpError: if one fails.
            ExportError: if a process ends unexpectedly.
        """
        # joblib maps large arrays into the workers' memory.
        sources = {name: Source.of(split.images) for name, split in self._splits.items()}
        jobs = cores.count() if jobs is None else jobs
        recipe = self._shards[0].frozen.parsed
        carried = NOTHING if jobs == 1 else Carried.by(recipe)
        parallel = joblib.Parallel(
            jobs,
            return_as="generator_unordered",
            mmap_mode="c",
            initializer=worker_process.serve,
            initargs=(os.getpid(),),
        )
        compare = joblib.delayed(_compared)
        try:
            yield from parallel(
                compare(
                    carried,
                    self._folder,
                    shard,
                    sources[shard.split],
                    self._splits[shard.split].labels,
                )
                for shard in self._shards
            )
        except loky.BrokenProcessPool as error:
            raise ExportError(
                f"{self._folder}: a worker process ended unexpectedly, perhaps because memory ran "
                "out; run the same command again, with fewer jobs"
            ) from error


def _compared(
    carried: Carried, folder: Path, shard: Shard, source: Source, labels: np.ndarray
) -> tuple[Shard, Fault | None]:
    carried.register()
    source = dataclasses.replace(source, pixels=np.asarray(source.pixels))
    try:
        what = _first_fault(_stored(folder, shard), shard, source, labels)
    except _RecordError as error:
        what = str(error)
    return shard, Fault(shard.name, what) if what else None


def _first_fault(
    stored: Iterator[tuple[dict[str, Any], bytes]], shard: Shard, source: Source, labels: np.ndarray
) -> str | None:
    place = 0
    for numbers, images, theirs in worker.augmented(shard, source, labels):
        coarse = shard.frozen.parsed.dataset.coarse(labels[numbers])
        for i, number in enumerate(numbers.tolist()):
            expected = {
                "copy": shard.copy,
                "id": example_id(shard.split, number).encode(),
                "label": examples.label_of(theirs[i]),
                **{feature: examples.label_of(found[i]) for feature, found in coarse.items()},
            }
            found = next(stored, None)
            if found is None:
                return f"{place} examples instead of {len(shard)}"
            # As bytes, since even NaNs have to be the same.
            if found != (expected, images[i].tobytes()):
                return f"record {place} is not what the recipe makes"
            place += 1
    return None if next(stored, None) is None else f"more than {len(shard)} examples"


class _RecordError(Exception):
    """A record that cannot be read; the message is a clause."""


def _stored(folder: Path, shard: Shard) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The examples in a file, each with its image's bytes apart from all else."""
    recipe, encoding = shard.frozen.parsed, shard.frozen.image_encoding
    try:
        for record in FORMATS[shard.frozen.file_format].read(folder / shard.name):
            found = examples.parsed(record)
            stored = found.pop("image", b"")
            image = examples.decoded(stored, encoding, recipe.dtype, recipe.shape)
            yield found, image.tobytes()
    except ValueError as error:
        raise _RecordError(f"a record cannot be read ({error})") from error
