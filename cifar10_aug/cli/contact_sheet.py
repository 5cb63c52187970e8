"""Contact sheets: examples beside epochs or steps of their augmentation, large enough to see."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cifar10_aug.cli import output_file
from cifar10_aug.cli.sheet_columns import Column, Shown, one_below_the_other
from cifar10_aug.data.images import LabelledImages
from cifar10_aug.recipes.recipe import Recipe

_MARGIN = 12
_GAP = 6
_TITLE_SIZE = 20
_LABEL_SIZE = 14
_SMALL_SIZE = 10
_INK, _FAINT, _PAPER = (20, 20, 20), (110, 110, 110), (250, 250, 248)


def contact_sheet(
    recipe: Recipe,
    pool: LabelledImages,
    label_names: Sequence[str],
    *,
    rows: int = 8,
    epochs: int | None = 6,
    seed: int = 0,
    scale: int = 3,
    explain: bool = False,
) -> Image.Image:
    """A row an example: the original, then epochs 0, 1, 2, …, or epoch 0 step by step.

    Several views of an example have a row each, one below the other.

    Value-range ops are left out, since they make numbers that are not colours. What an example is
    mixed with is shown before the mixture, as earlier ops have made it.

    Args:
        recipe: what to show.
        pool: uint8 images [n, height, width, 3] and labels [n]: examples 0, 1, 2, …, which mix ops
            draw partners from.
        label_names: the classes.
        rows: how many examples to show; at most all.
        epochs: columns beside the original; None shows epoch 0 after each op in turn, explained.
        seed: of the draws.
        scale: enlargement; each pixel becomes so many wide and high.
        explain: write what was drawn under each picture, an op a line, in the order of
            `Recipe.parameters`.
    """
    count = min(rows, len(pool))
    of_views = []
    for view, one in enumerate(recipe.views or (recipe,)):
        shown = Shown(one, pool, count, seed, label_names, view)
        made = shown.steps() if epochs is None else shown.epochs(epochs, explain)
        of_views.append([shown.originals(), *made])
    shown_rows = [(row, view) for row in range(count) for view in range(len(of_views))]
    names = [label_names[int(pool.labels[row])] for row, _ in shown_rows]
    marks = [f"#{row}" + f" view {view}" * bool(recipe.views) for row, view in shown_rows]
    return _drawn(
        f"{recipe.name}   seed {seed}", names, marks, one_below_the_other(of_views), scale
    )


def _drawn(
    title_text: str,
    names: Sequence[str],
    marks: Sequence[str],
    columns: Sequence[Column],
    scale: int,
) -> Image.Image:
    """A sheet of columns, with a name and a mark at the beginning of each row."""
    title, label, small = _font(_TITLE_SIZE), _font(_LABEL_SIZE), _font(_SMALL_SIZE)
    count, height, width, _ = columns[0].images.shape
    wide, tall = width * scale, height * scale
    lines = max(text.count("\n") + bool(text) for column in columns for text in column.texts)
    down = tall + _GAP + lines * (_SMALL_SIZE + 2)
    left = _MARGIN + int(max(map(label.getlength, [*names, *marks]))) + 2 * _GAP
    top = _MARGIN + _TITLE_SIZE + 2 * _LABEL_SIZE + 3 * _GAP
    xs, x = [], left
    for i, column in enumerate(columns):
        written = [small.getlength(line) for text in column.texts for line in text.split("\n")]
        xs.append(x)
        x += int(np.ceil(max(wide, label.getlength(column.heading) + _GAP, *written))) + _GAP
        # The gap after the originals is wider, so that they are not taken for an augmentation.
        x += 0 if i else 2 * _GAP
    sheet_width = max(x - _GAP, _MARGIN + int(title.getlength(title_text))) + _MARGIN
    sheet = Image.new("RGB", (sheet_width, top + down * count - _GAP + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN - 2), title_text, _INK, title)
    for row in range(count):
        y = top + down * row
        draw.text((_MARGIN, y), names[row], _INK, label)
        draw.text((_MARGIN, y + _LABEL_SIZE + 4), marks[row], _FAINT, label)
    for x, column in zip(xs, columns, strict=True):
        draw.text((x, top - _LABEL_SIZE - _GAP), column.heading, _FAINT, label)
        for row in map(int, np.flatnonzero(column.shown)):
            y = top + down * row
            picture = Image.fromarray(column.images[row])
            sheet.paste(picture.resize((wide, tall), Image.Resampling.NEAREST), (x, y))
            draw.multiline_text((x, y + tall + 1), column.texts[row], _FAINT, small, spacing=1)
    return sheet


def save(sheet: Image.Image, path: str | os.PathLike[str]) -> None:
    """Writes a PNG at once: readers see the old file or the new one, never half of one.

    Raises:
        OSError: if it cannot be written; names the path.
    """
    file = io.BytesIO()
    sheet.save(file, format="png", optimize=True)
    output_file.write(Path(path), file.getvalue())


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
