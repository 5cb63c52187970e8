"""Writes a frozen dataset: all of it, or nothing that could be loaded."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_aug._compat import tensorflow_errors
from cifar10_aug.data import prepared, replacing
from cifar10_aug.data.images import SHAPE, Cifar10
from cifar10_aug.data.records import examples
from cifar10_aug.errors import ExportError
from cifar10_aug.frozen import checksums, locking
from cifar10_aug.frozen.locking import AtWorkError, locked
from cifar10_aug.frozen.progress import Progress
from cifar10_aug.frozen.shards import FORMAT_VERSION, TRAIN, Frozen, Shard
from cifar10_aug.frozen.staging import Finished, Staging
from cifar10_aug.frozen.writers import Crew
from cifar10_aug.recipes.function_pickling import fingerprints
from cifar10_aug.recipes.recipe import Recipe

# Bytes around an image: its id, label and copy, the names of these, checksums, and its part of the
# small files beside; of a share of a class; and of a coarser label with its name.
_RECORD_OVERHEAD, _SHARE, _COARSE_LABEL = 144, 4, 24
# How many are encoded to learn the size of PNGs.
_SOME_IMAGES = 100

# Writes what TFDS wants to find beside the shards: into a folder, given the metadata and shards.
WriteInfo = Callable[[Path, dict[str, Any], Sequence[tuple[Shard, Finished]]], None]


def export(
    frozen: Frozen,
    final: Path,
    *,
    read_images: Callable[[], Cifar10],
    write_info: WriteInfo,
    crew: Crew,
    overwrite: bool = False,
) -> bool:
    """Writes a frozen dataset into `final`, going on where an interrupted export stopped.

    While another process is writing it, it waits, as long as that one gets on.

    Args:
        frozen: what to write.
        final: the dataset's folder; appears once everything is written.
        read_images: gives the images to augment.
        write_info: see `WriteInfo`.
        crew: who does the work.
        overwrite: replace what is in `final`, once everything is written; an interrupted export
            of something else is given up.

    Returns:
        Whether it has written it; if not, it was there, or another process has written it.

    Raises:
        ExportError: if another export that is at work there does not get on, if an interrupted one
            wrote something else, if there is not enough space, or if writing fails.
        SourceError: if there are no images.
        OSError: if the folder cannot be made.
    """
    staging = Staging.of(final)
    with locked(staging, final, patience=locking.PATIENCE_SECONDS):
        try:
            replacing.recover(final)
            _delete_what_is_left(staging, final)
        except OSError as error:
            raise ExportError(
                f"{final}: what an earlier export left cannot be deleted "
                f"({error.strerror or error}); mend it and run the same command again"
            ) from error
        if final.exists() and not overwrite:
            _check_whole(final)
            return False
        with crew.starting(frozen):
            cifar10 = read_images()
            metadata = _metadata(frozen, cifar10)
            try:
                shards = _begin(staging, frozen, cifar10, metadata, final, overwrite)
                _write(staging, crew, shards, final)
                written = [(shard, _known(staging, shard)) for shard in shards]
                with tensorflow_errors.of_files():
                    write_info(_empty(staging.folder / "info"), metadata, written)
                digests = {shard.name: finished.digest for shard, finished in written}
                checksums.seal(staging.folder / "info", metadata, digests)
                _publish(staging, final, set(digests))
            except OSError as error:
                raise ExportError(
                    f"{final}: {error.strerror or error}; finished shards are kept, so mend it "
                    "and run the same command again"
                ) from error
    return True


def tidy(final: Path) -> None:
    """Deletes what an export left that was killed when it had just written `final`.

    It does nothing while another export is at work, or where nothing may be deleted.
    """
    staging = Staging.of(final)
    published = staging.folder.exists() and not staging.shards.exists()
    if not (published or staging.replaced.exists() or replacing.left(final)):
        return
    if os.access(final.parent, os.W_OK):
        with contextlib.suppress(AtWorkError), locked(staging, final):
            _delete_what_is_left(staging, final)


def _delete_what_is_left(staging: Staging, final: Path) -> None:
    if not staging.shards.exists():
        # They have become the dataset, or there never were any.
        staging.clear()
    staging.replaced.mkdir(exist_ok=True)
    replacing.tidy(final, staging.replaced)
    shutil.rmtree(staging.replaced)


def _metadata(frozen: Frozen, cifar10: Cifar10) -> dict[str, Any]:
    return {
        "recipe": frozen.recipe,
        "seed": frozen.seed,
        "copies": frozen.copies,
        "image_encoding": frozen.image_encoding,
        **prepared.about(cifar10),
        "format_version": FORMAT_VERSION,
        **_functions(frozen),
    }


def _functions(frozen: Frozen) -> dict[str, dict[str, str]]:
    """What is known of registered functions, if there are any."""
    found = fingerprints(frozen.parsed)
    return {"functions": found} if found else {}


def _check_whole(final: Path) -> None:
    if not (final / checksums.INFO).exists():
        raise ExportError(
            f"{final}: there is a folder without {checksums.INFO}, which is no dataset; delete "
            "it, or overwrite it (--overwrite)"
        )


def _begin(
    staging: Staging,
    frozen: Frozen,
    cifar10: Cifar10,
    metadata: dict[str, Any],
    final: Path,
    overwrite: bool,
) -> list[Shard]:
    """Prepares the folder, or checks that an interrupted export wanted the same."""
    # Where the images came from may differ, as long as they are the same.
    plan = {
        **dataclasses.asdict(frozen),
        **{name: metadata[name] for name in ("content", "package_version", "format_version")},
        **_functions(frozen),
    }
    try:
        begun = staging.plan
    except ValueError as error:
        if not overwrite:
            raise ExportError(
                f"{final}: an interrupted export is there of which {error}; overwrite it "
                "(--overwrite)"
            ) from error
        begun = None
    if begun is not None and begun != plan and not overwrite:
        other = ", ".join(name for name in plan if begun.get(name) != plan[name])
        raise ExportError(
            f"{final}: an interrupted export is there that differs in {other}; run it again as it "
            "was to go on with it, or overwrite it (--overwrite)"
        )
    if begun != plan:
        staging.clear()
    # It is written anew each time.
    staging.remove_source()
    staging.make()
    shards = frozen.shards({name: len(split) for name, split in cifar10.splits.items()})
    staging.tidy(shards)
    missing = [shard for shard in shards if not staging.intact(shard)]
    for shard in missing:
        staging.forget(shard)
    _check_space(staging, frozen, cifar10, sum(map(len, missing)))
    staging.write_plan(plan)
    staging.write_source(cifar10)
    return shards


def _check_space(staging: Staging, frozen: Frozen, cifar10: Cifar10, missing: int) -> None:
    packed = 4 * int(np.prod(SHAPE[:2])) * sum(map(len, cifar10.splits.values()))
    needed = missing * (_image_size(frozen, cifar10) + _overhead(frozen.parsed)) + packed
    free = shutil.disk_usage(staging.folder).free
    if free < needed:
        raise ExportError(
            f"{staging.folder.parent}: {_megabytes(needed)} are needed and {_megabytes(free)} are "
            "free; make room, or choose another data_dir"
        )


def _overhead(recipe: Recipe) -> int:
    """Bytes of a record besides its image, at most."""
    shares = recipe.dataset.num_classes if recipe.softens else 0
    return _RECORD_OVERHEAD + _SHARE * shares + _COARSE_LABEL * len(recipe.dataset.groupings)


def _image_size(frozen: Frozen, cifar10: Cifar10) -> int:
    """Bytes of an image in a record; of PNG, the average of some that are not augmented."""
    if frozen.image_encoding == "png":
        images = cifar10.splits[TRAIN].images
        some = images[:: -(-len(images) // _SOME_IMAGES)]
        return sum(len(examples.png(image)) for image in some) // len(some)
    return int(np.prod(frozen.parsed.shape)) * np.dtype(frozen.parsed.dtype).itemsize


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _write(staging: Staging, crew: Crew, shards: list[Shard], final: Path) -> None:
    missing = [shard for shard in shards if staging.finished(shard) is None]
    total = sum(map(len, shards))
    already = total - sum(map(len, missing))
    with Progress(f"{final.parent.name}", total, already) as progress:
        for shard in crew.write(staging, missing):
            progress.add(len(shard))


def _known(staging: Staging, shard: Shard) -> Finished:
    finished = staging.finished(shard)
    assert finished is not None, shard.name
    return finished


def _empty(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def _publish(staging: Staging, final: Path, names: set[str]) -> None:
    """Makes the shards a dataset, and the dataset visible."""
    # First, so that a crash after the renaming leaves no large files.
    staging.remove_source()
    info = staging.folder / "info"
    # What makes it loadable comes last.
    for path in sorted(info.iterdir(), key=lambda path: path.name == checksums.INFO):
        path.rename(staging.shards / path.name)
        names.add(path.name)
    strange = {path.name for path in staging.shards.iterdir()} - names
    assert not strange, strange
    staging.replaced.mkdir()
    replacing.replace(final, staging.shards, staging.replaced)
    staging.clear()
