"""The command that writes frozen epochs."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import click

from cifar10_aug.cli import describe, shell
from cifar10_aug.data.records.examples import IMAGE_ENCODINGS
from cifar10_aug.data.records.formats import FORMATS
from cifar10_aug.errors import ExportError
from cifar10_aug.frozen.shards import not_for_png
from cifar10_aug.recipes.recipe import MOST_COPIES, Config, Recipe


@shell.main.command()
@click.argument("recipe", type=shell.RecipeType())
@click.option(
    "--copies", type=click.IntRange(1, MOST_COPIES), required=True, help="Epochs to freeze."
)
@shell.seed_option
@click.option(
    "--jobs", "n_jobs", type=click.IntRange(1), help="Processes that write [default: all cores]."
)
@shell.mirror_option
@shell.images_options
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
    seed: int,
    images: shell.Images,
    file_format: str,
    resume: bool,
    beam_pipeline_options: str | None,
    **writing: Any,
) -> None:
    """Freeze epochs 0 to N-1 of RECIPE into files that any TensorFlow program can read."""
    if writing["n_jobs"] is not None and beam_pipeline_options is not None:
        raise click.UsageError("--jobs is for this machine alone; with Beam, leave it out.")
    if writing["image_encoding"] == "png" and (made := not_for_png(recipe)):
        raise click.UsageError(f"--image-encoding png: {recipe} makes {made}; leave it out.")
    # After an interrupt, joblib's own clean-up process warns of what is cleaned up already.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("cifar10_aug").setLevel(logging.INFO)
    builder = shell.builder(images, str(Config(recipe, copies, seed)), **writing)
    already = resume and builder.is_prepared()
    try:
        builder.download_and_prepare(
            download_config=_download_config(resume, beam_pipeline_options), file_format=file_format
        )
    except KeyboardInterrupt:
        click.echo(
            "Interrupted; finished shards are kept: the same command goes on from there.", err=True
        )
        raise
    click.echo(describe.summary(builder, images.data_dir, already))


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
