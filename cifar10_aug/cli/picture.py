"""Sheets in Python, such as for a notebook, which shows them inline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cifar10_aug.cli import shell
from cifar10_aug.data.images import LabelledImages
from cifar10_aug.data.sources.official import PUBLISHED
from cifar10_aug.data.spec import SPECS
from cifar10_aug.recipes.recipe import Recipe

if TYPE_CHECKING:
    from PIL import Image

MOST_ROWS, MOST_EPOCHS, MOST_SCALE = 64, 32, 16


def preview(
    recipe: str | Recipe,
    images: Any = None,
    labels: Sequence[Any] | None = None,
    *,
    dataset: str = "cifar10_aug",
    rows: int = 8,
    epochs: int = 6,
    seed: int = 0,
    scale: int = 3,
    explain: bool = False,
    steps: bool = False,
    source: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> Image.Image:
    """Draws a contact sheet: originals beside several epochs, or beside each step of one.

    As `cifar10-aug preview`, but the sheet is returned; a notebook shows it below the cell.

        >>> import cifar10_aug
        >>> sheet = cifar10_aug.preview("rotate30+erase", dataset="cifar10_aug_sample", rows=2)
        >>> sheet.mode
        'RGB'

    Ops that set the range of numbers, such as `normalize`, make no colours and are left out. An
    example that is mixed comes after its partner, as the earlier ops have made it.

    Args:
        recipe: a recipe's name, or a `Recipe`.
        images: images of your own, uint8 [n, height, width, 3]; by default those of `dataset`.
            They are examples 0, 1, 2, …, and each other's partners.
        labels: what to write beside your own images, [n].
        dataset: "cifar10_aug", "cifar100_aug" or "cifar10_aug_sample": its first training images.
        rows: examples to show, 1 to 64.
        epochs: columns beside the original, 1 to 32; without effect on `steps`.
        seed: of the draws, 0 to 2**64 - 1.
        scale: screen pixels for each pixel, 1 to 16.
        explain: write what each op has drawn under the pictures.
        steps: show epoch 0 after each op in turn, with what the op has drawn.
        source: where the dataset's images are, as for `tfds.load`; by default those prepared.
        data_dir: where TFDS keeps datasets.

    Returns:
        An RGB image of Pillow's; `sheet.save("sheet.png")` writes it.

    Raises:
        RecipeError: if there is no such recipe.
        SourceError: if no images are prepared.
        ValueError: if an argument is wrong.
    """
    from cifar10_aug.cli import contact_sheet
    from cifar10_aug.engines.arguments import checked_images

    recipe = Recipe.parse(recipe) if isinstance(recipe, str) else recipe
    for name, value, most in (
        ("rows", rows, MOST_ROWS),
        ("epochs", epochs, MOST_EPOCHS),
        ("scale", scale, MOST_SCALE),
    ):
        if not isinstance(value, (int, np.integer)) or not 1 <= value <= most:
            raise ValueError(f"{name} is {value!r}; give a whole number from 1 to {most}")
    if images is None:
        if labels is not None:
            raise ValueError("labels are of images of your own; give those, too")
        paths = (None if one is None else os.fspath(one) for one in (source, data_dir))
        pool = training_images(shell.Images(dataset, *paths))
        names = list(SPECS[dataset].class_names)
        recipe = recipe.on(SPECS[dataset])
    else:
        images = checked_images(images)
        images = images[None] if images.ndim == 3 else images
        names = [""] * len(images) if labels is None else [str(label) for label in labels]
        if not 1 <= len(images) == len(names):
            raise ValueError(
                f"there are {len(images)} images and {len(names)} labels; give at least one image, "
                "and a label for each or none"
            )
        pool = LabelledImages(images, np.arange(len(images)))
    return contact_sheet.contact_sheet(
        recipe,
        pool,
        names,
        rows=rows,
        epochs=None if steps else epochs,
        seed=seed,
        scale=scale,
        explain=explain,
    )


def training_images(images: shell.Images) -> LabelledImages:
    """A dataset's training images: of the source, or as they are prepared.

    Raises:
        SourceError: if there are none.
        ValueError: if there is no such dataset.
    """
    from cifar10_aug.data import prepared
    from cifar10_aug.data import sample as drawn
    from cifar10_aug.data.sources import local

    if images.dataset not in SPECS:
        raise ValueError(f"there is no dataset {images.dataset!r}; give one of {', '.join(SPECS)}")
    if images.dataset not in PUBLISHED:
        return drawn.read().train
    published = PUBLISHED[images.dataset]
    path = published.environment_source if images.source is None else images.source
    if path is not None:
        return local.read(path, published=published).train
    builder = shell.prepared_builder(images)
    return prepared.read(prepared.described(builder.data_dir)).train
