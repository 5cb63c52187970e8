"""Draws the pictures of the README from the sample: python scripts/pictures.py [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

import example_functions  # noqa: F401  It registers them.

from cifar10_aug import Recipe, preview
from cifar10_aug.source import drawn
from cifar10_aug.source.images import LabelledImages

FOLDER = Path(__file__).parent / "pictures"
RECIPES = ("rotate30+erase", "sepia0.8+softfocus1.5+speckle")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    train = drawn.read().train
    shown = LabelledImages(train.images[:6], train.labels[:6])
    for name in RECIPES:
        sheet = preview.contact_sheet(Recipe.parse(name), shown, drawn.SHAPE_NAMES)
        preview.save(sheet, folder / f"{name}.png")
        print(f"{folder / f'{name}.png'}: {sheet.width} x {sheet.height} pixels")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
