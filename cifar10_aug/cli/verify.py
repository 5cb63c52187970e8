"""The command that compares datasets with what was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cifar10_aug.cli import folders, shell
from cifar10_aug.data.sources.official import PUBLISHED
from cifar10_aug.errors import ExportError, SourceError

if TYPE_CHECKING:
    from cifar10_aug.data.images import LabelledSplits


@shell.main.command()
@click.argument("folder", metavar="DIR", type=shell.FOLDER)
@click.option("--deep", is_flag=True, help="Augment the source again, and compare every image.")
@shell.source_option
@click.option("--jobs", type=click.IntRange(1), help="Processes for --deep [default: all cores].")
@shell.imports_option
@shell.failing_in_one_line
def verify(folder: Path, deep: bool, source: str | None, jobs: int | None) -> None:
    """Find out whether frozen epochs, and prepared images, are still what was written.

    DIR is a dataset's folder, or one above: then all of them below it are verified.
    """
    faulty = []
    found = folders.datasets(folder)
    for one in found:
        faults = list(_faults(one, deep, source, jobs))
        for fault in faults:
            click.echo(fault)
        if faults:
            faulty.append(one)
        else:
            compared = deep and not folders.is_plain(one)
            click.echo(f"{one}: whole{', and what the recipe makes' if compared else ''}")
    if faulty:
        # Lines about prepared images say themselves what to do.
        advice = (
            "" if all(map(folders.is_plain, faulty)) else "; export them again with --overwrite"
        )
        raise ExportError(
            f"{len(faulty)} of {len(found)} datasets are not what was written{advice}"
        )
    click.echo("OK")


def _faults(folder: Path, deep: bool, source: str | None, jobs: int | None) -> Iterator[str]:
    """Lines that name what is wrong with a dataset."""
    from cifar10_aug.data import prepared as plain
    from cifar10_aug.frozen import checksums
    from cifar10_aug.frozen import verify as checks
    from cifar10_aug.frozen.progress import Progress

    if folders.is_plain(folder):
        try:
            info = plain.described(folder)
            plain.read(info)
        except SourceError as error:
            yield str(error)
            return
        _check_source(folder, source, info.metadata)
        return
    faults = checks.verify(folder)
    yield from (f"{folder}/{fault}" for fault in faults)
    if faults:
        return
    if not deep:
        _check_source(folder, source, checksums.read(folder))
        return
    comparing = checks.Deep(folder, lambda name: _source_images(folder, name, source))
    with Progress(f"Comparing {folder.parent.name}", comparing.images, 0) as progress:
        for shard, found in comparing.run(jobs):
            progress.add(len(shard))
            if found:
                yield f"{folder}/{found}"


def _check_source(folder: Path, source: str | None, metadata: Mapping[str, Any]) -> None:
    """Raises a `SourceError` if a dataset was not made from the source that is named."""
    from cifar10_aug.data.sources import choose

    if published := PUBLISHED.get(folder.resolve().parents[1].name):
        choose.Source(source, None, published).check_prepared(
            str(folder), metadata, frozen=not folders.is_plain(folder)
        )


def _source_images(folder: Path, dataset: str, source: str | None) -> LabelledSplits:
    """The images that frozen epochs should have been made from; nothing is downloaded."""
    from cifar10_aug.data import prepared as plain
    from cifar10_aug.data import sample as drawn
    from cifar10_aug.data.sources import local, tfds_cifar

    if dataset not in PUBLISHED:
        return drawn.read()
    published = PUBLISHED[dataset]
    if (path := source or published.environment_source) is not None:
        return local.read(path, published=published)
    data_dir = str(folder.resolve().parents[2])
    by_default = shell.builder(shell.Images(dataset))
    prepared = shell.builder(shell.Images(dataset, data_dir=data_dir))
    if prepared.is_prepared():
        return plain.read(plain.described(prepared.data_dir))
    if (found := tfds_cifar.read(data_dir, published)) is not None:
        return found
    if by_default.is_prepared():
        return plain.read(plain.described(by_default.data_dir))
    raise SourceError(
        f"{folder}: no {published.title} to compare with is in {data_dir} or "
        f"{by_default.data_dir_root}; give the images with --source PATH"
    )
