"""Draws the pictures of the README from the sample: python scripts/pictures.py [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

from cifar10_aug import Recipe, preview
from cifar10_aug.source import drawn
from cifar10_aug.source.images import LabelledImages

FOLDER = Path(__file__).parent / "pictures"
RECIPE = "rotate30+erase"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    train = drawn.read().train
    shown = LabelledImages(train.images[:6], train.labels[:6])
    sheet = preview.contact_sheet(Recipe.parse(RECIPE), shown, drawn.SHAPE_NAMES)
    preview.save(sheet, folder / f"{RECIPE}.png")
    print(f"{folder / f'{RECIPE}.png'}: {sheet.width} x {sheet.height} pixels")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
