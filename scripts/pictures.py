"""Draws the pictures of the README from the sample: python scripts/pictures.py [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

import example_functions  # noqa: F401  It registers them.
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cifar10_aug import Recipe
from cifar10_aug.cli import contact_sheet
from cifar10_aug.data import sample
from cifar10_aug.data.images import LabelledImages
from cifar10_aug.data.spec import SAMPLE
from cifar10_aug.ops import OPS, PythonOp, ValueRangeOp
from cifar10_aug.ops.fields import fields_of

FOLDER = Path(__file__).parent / "pictures"
RECIPES = ("rotate30+erase", "sepia0.8+softfocus1.5+speckle")

_EXAMPLES, _COLUMNS, _SCALE = 4, 4, 2
_TILE, _GAP, _TEXT = 32 * _SCALE, 4, 14


def shown_ops() -> dict[str, str]:
    """A recipe for each built-in op that changes pixels, in which it is always applied."""
    recipes = {}
    for name, op in OPS.items():
        if not issubclass(op, (PythonOp, ValueRangeOp)):
            severity = "_severity3" if name.startswith("corrupt") else ""
            recipes[name] = f"{name}{severity}{'_p1' if 'p' in fields_of(op) else ''}"
    return recipes


def ops_sheet() -> tuple[Image.Image, dict[str, list[tuple[int, int]]]]:
    """All ops on the same examples, and where each op's pictures are on the sheet."""
    train = sample.read().train
    images, numbers = train.images[:_EXAMPLES], np.arange(_EXAMPLES)
    slice_ = (train.images, None, np.arange(len(train)))
    pictures = {"(as they are)": images}
    for name, text in shown_ops().items():
        recipe = Recipe.parse(text)
        partners = slice_ if recipe.mixes else None
        pictures[name] = recipe(images, ids=numbers, partners=partners)
    rows = -(-len(pictures) // _COLUMNS)
    wide = _EXAMPLES * (_TILE + _GAP) + 4 * _GAP
    tall = _TILE + _TEXT + 3 * _GAP
    sheet = Image.new("RGB", (_COLUMNS * wide + 2 * _GAP, rows * tall + _GAP), (250, 250, 248))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT - 2)
    places = {}
    for i, (name, made) in enumerate(pictures.items()):
        x, y = i // rows * wide + 3 * _GAP, i % rows * tall + _GAP
        draw.text((x, y), name, (20, 20, 20), font)
        places[name] = [(x + k * (_TILE + _GAP), y + _TEXT + _GAP) for k in range(_EXAMPLES)]
        for image, place in zip(made, places[name], strict=True):
            tile = Image.fromarray(image).resize((_TILE, _TILE), Image.Resampling.NEAREST)
            sheet.paste(tile, place)
    return sheet, places


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    train = sample.read().train
    shown = LabelledImages(train.images[:6], train.labels[:6])
    sheets = {
        name: contact_sheet.contact_sheet(Recipe.parse(name), shown, SAMPLE.class_names)
        for name in RECIPES
    }
    sheets["ops"], _ = ops_sheet()
    for name, sheet in sheets.items():
        contact_sheet.save(sheet, folder / f"{name}.png")
        print(f"{folder / f'{name}.png'}: {sheet.width} x {sheet.height} pixels")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
