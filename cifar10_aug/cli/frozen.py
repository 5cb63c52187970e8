"""The commands about frozen epochs, and `info`, which also tells of the images themselves."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cifar10_aug.cli import describe, shell
from cifar10_aug.data.records.examples import IMAGE_ENCODINGS
from cifar10_aug.data.records.formats import FORMATS
from cifar10_aug.data.sources.official import DEFAULT, PUBLISHED
from cifar10_aug.errors import ExportError, SourceError
from cifar10_aug.recipes.recipe import MOST_COPIES, Config, Recipe

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

    from cifar10_aug.data.images import Cifar10


@shell.main.command()
@click.argument("recipe", type=shell.RecipeType())
@click.option(
    "--copies", type=click.IntRange(1, MOST_COPIES), required=True, help="Epochs to freeze."
)
@shell.data_dir_option
@shell.seed_option
@click.option("--jobs", type=click.IntRange(1), help="Processes that write [default: all cores].")
@shell.dataset_options
@shell.source_option
@shell.mirror_option
@click.option(
    "--format",
    "file_format",
    type=click.Choice(list(FORMATS)),
    default="tfrecord",
    show_default=True,
    help="array_record is for random access, with tfds.data_source.",
)
@click.option(
    "--image-encoding",
    type=click.Choice(list(IMAGE_ENCODINGS)),
    default="raw",
    show_default=True,
    help="png makes smaller files, and takes many times as long to write and to read.",
)
@click.option(
    "--resume/--overwrite",
    default=True,
    show_default=True,
    help="Go on where an interrupted export stopped; or replace what is there.",
)
@click.option(
    "--beam-pipeline-options",
    metavar="K=V,K=V…",
    help="Let Apache Beam write, for example runner=FlinkRunner,flink_master=HOST:8081.",
)
@shell.imports_option
@shell.failing_in_one_line
def export(
    recipe: Recipe,
    copies: int,
    data_dir: str | None,
    seed: int,
    jobs: int | None,
    dataset: str,
    source: str | None,
    mirror: str | None,
    file_format: str,
    image_encoding: str,
    resume: bool,
    beam_pipeline_options: str | None,
) -> None:
    """Freeze epochs 0 to N-1 of RECIPE into files that any TensorFlow program can read."""
    shell.check_source(dataset, source, mirror)
    if jobs is not None and beam_pipeline_options is not None:
        raise click.UsageError("--jobs is for this machine alone; with Beam, leave it out.")
    if image_encoding == "png" and recipe.dtype != "uint8":
        raise click.UsageError(
            f"--image-encoding png: {recipe} makes {recipe.dtype} images, which PNG cannot hold; "
            "leave it out."
        )
    # After an interrupt, joblib's own clean-up process warns of what is cleaned up already.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("cifar10_aug").setLevel(logging.INFO)
    builder = shell.builder(
        dataset,
        source,
        mirror,
        data_dir,
        config=str(Config(recipe, copies, seed)),
        n_jobs=jobs,
        image_encoding=image_encoding,
    )
    already = resume and builder.is_prepared()
    try:
        builder.download_and_prepare(
            download_config=_download_config(resume, beam_pipeline_options),
            file_format=file_format,
        )
    except KeyboardInterrupt:
        click.echo(
            "Interrupted; finished shards are kept: the same command goes on from there.", err=True
        )
        raise
    click.echo(describe.summary(builder, data_dir, already))


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
    folders = _datasets(folder)
    for one in folders:
        faults = list(_faults(one, deep, source, jobs))
        for fault in faults:
            click.echo(fault)
        if faults:
            faulty.append(one)
        else:
            compared = deep and not _is_plain(one)
            click.echo(f"{one}: whole{', and what the recipe makes' if compared else ''}")
    if faulty:
        # Lines about prepared images say themselves what to do.
        advice = "" if all(map(_is_plain, faulty)) else "; export them again with --overwrite"
        raise ExportError(
            f"{len(faulty)} of {len(folders)} datasets are not what was written{advice}"
        )
    click.echo("OK")


@shell.main.command()
@click.argument("folder", metavar="[DIR]", required=False, type=shell.FOLDER)
@shell.dataset_options
@shell.data_dir_option
@shell.failing_in_one_line
def info(folder: Path | None, dataset: str, data_dir: str | None) -> None:
    """Say what is prepared, and whether it is the official dataset.

    With DIR, tell of the dataset in that folder, or of all below it.
    """
    if folder is not None:
        if dataset != f"{DEFAULT.name}_aug" or data_dir:
            raise click.UsageError("Use either DIR or --dataset, --sample and --data-dir.")
        click.echo("\n\n".join(map(_described, _datasets(folder))))
        return
    builder = shell.builder(dataset, data_dir=data_dir)
    if not builder.is_prepared():
        raise SourceError(
            f"nothing is prepared in {builder.data_dir}; run cifar10-aug prepare"
            f"{shell.option(dataset)}"
        )
    click.echo(_of_images(builder.info))


def _download_config(resume: bool, beam_pipeline_options: str | None) -> Any:
    if beam_pipeline_options is None:
        return shell.download_config(not resume)
    try:
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise ExportError(
            "Apache Beam is not installed; pip install 'cifar10_aug[beam]', or leave "
            "--beam-pipeline-options out"
        ) from error
    # As `tfds build` spells them.
    options = PipelineOptions([f"--{option}" for option in beam_pipeline_options.split(",")])
    return shell.download_config(not resume, beam_options=options)


def _datasets(folder: Path) -> list[Path]:
    from cifar10_aug.frozen.verify import datasets

    if not (found := datasets(folder)):
        raise ExportError(
            f"{folder}: no frozen epochs or prepared images there; give the data_dir they were "
            "written to, or a folder such as DATA_DIR/cifar10_aug/rotate30+erase-x5/1.0.0"
        )
    return found


def _is_plain(folder: Path) -> bool:
    from cifar10_aug.data.prepared import PLAIN

    return folder.resolve().parent.name == PLAIN


def _described(folder: Path) -> str:
    from cifar10_aug.data import prepared as plain

    return _of_images(plain.info_of(folder)) if _is_plain(folder) else describe.frozen(folder)


def _of_images(info: tfds.core.DatasetInfo) -> str:
    """What is prepared, once it is compared with what is recorded of it."""
    from cifar10_aug.data import prepared as plain
    from cifar10_aug.pipelines import resident as prepared

    described = describe.prepared(info)
    plain.check_files(info)
    for split in info.splits.values():
        prepared.resident(split)
    return described


def _faults(folder: Path, deep: bool, source: str | None, jobs: int | None) -> Iterator[str]:
    """Lines that name what is wrong with a dataset."""
    from cifar10_aug.data import prepared as plain
    from cifar10_aug.frozen import checksums
    from cifar10_aug.frozen import verify as checks
    from cifar10_aug.frozen.progress import Progress

    if _is_plain(folder):
        try:
            info = plain.info_of(folder)
            plain.read(info)
        except SourceError as error:
            yield str(error)
            return
        _check_source(folder, source, dict(info.metadata.items()))
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
            str(folder), metadata, frozen=not _is_plain(folder)
        )


def _source_images(folder: Path, dataset: str, source: str | None) -> Cifar10:
    """The images that frozen epochs should have been made from; nothing is downloaded."""
    from cifar10_aug.data import prepared as plain
    from cifar10_aug.data import sample as drawn
    from cifar10_aug.data.sources import choose, local, tfds_cifar

    if dataset not in PUBLISHED:
        return drawn.read()
    published = PUBLISHED[dataset]
    if (path := source or choose.environment_source(published)) is not None:
        return local.read(path, published=published)
    data_dir = str(folder.resolve().parents[2])
    prepared, by_default = shell.builder(dataset, data_dir=data_dir), shell.builder(dataset)
    if prepared.is_prepared():
        return plain.read(prepared.info)
    if (found := tfds_cifar.read(data_dir, published)) is not None:
        return found
    if by_default.is_prepared():
        return plain.read(by_default.info)
    raise SourceError(
        f"{folder}: no {published.title} to compare with is in {data_dir} or "
        f"{by_default.data_dir_root}; give the images with --source PATH"
    )
