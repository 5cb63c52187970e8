"""The command that writes the gallery: a page with every op at five strengths."""

from __future__ import annotations

from pathlib import Path

import click

from cifar10_aug.cli import output_file, shell
from cifar10_aug.data.sources import official
from cifar10_aug.data.spec import SAMPLE_NAME, SPECS


@shell.main.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="gallery.html",
    show_default=True,
    help="The page to write.",
)
@shell.images_options
@shell.imports_option
@shell.failing_in_one_line
def gallery(out: Path, images: shell.Images) -> None:
    """Write a page that shows every op at five strengths; it opens in any browser, offline."""
    import cifar10_aug
    from cifar10_aug.cli import gallery_page, picture

    out = output_file.checked(out)
    dataset, sample = SPECS[images.dataset], images.dataset == SAMPLE_NAME
    page = gallery_page.page(
        picture.training_images(images),
        dataset,
        pictures="drawn by the code" if sample else f"the first of {dataset.title}",
        command=f"cifar10-aug gallery{official.option(images.dataset)}",
        version=cifar10_aug.__version__,
    )
    output_file.write(out, page.encode())
    click.echo(f"{out}: {len(page) / 1e6:.1f} MB; open it in a browser")
