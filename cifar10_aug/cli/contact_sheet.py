"""Contact sheets: examples beside several epochs of their augmentation, large enough to see."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cifar10_aug.data.images import LabelledImages
from cifar10_aug.ops.policy_space import IDENTITY
from cifar10_aug.recipes.recipe import Recipe

_MARGIN = 12
_GAP = 6
_TITLE_SIZE = 20
_LABEL_SIZE = 14
_SMALL_SIZE = 10
# Of what is written under a picture, in characters.
_LONGEST_LINE = 30
_INK, _FAINT, _PAPER = (20, 20, 20), (110, 110, 110), (250, 250, 248)


def contact_sheet(
    recipe: Recipe,
    examples: LabelledImages,
    label_names: Sequence[str],
    *,
    ids: Sequence[int] | None = None,
    epochs: int = 6,
    seed: int = 0,
    scale: int = 3,
    explain: bool = False,
    partners: LabelledImages | None = None,
) -> Image.Image:
    """A row an example: the original, then epochs 0, 1, 2, …, each pixel `scale` pixels wide.

    Several views of an example have a row each, one below the other.

    Value-range ops are left out, since they make numbers that are not colours.

    Args:
        recipe: what to show.
        examples: uint8 images [n, height, width, 3] and labels [n].
        label_names: the classes.
        ids: the examples' numbers, [n]; 0, 1, 2, … if not given.
        epochs: columns beside the original.
        seed: of the draws.
        scale: enlargement.
        explain: write what was drawn under each picture, an op a line, in the order of
            `Recipe.parameters`.
        partners: the slice that mix ops draw partners from, in order from number 0 on; the
            examples themselves if not given.
    """
    numbers = np.arange(len(examples)) if ids is None else np.asarray(ids)
    count, height, width, _ = examples.images.shape
    visible = _without_value_range(recipe)
    pool = partner_ids = None
    if visible.mixes and partners is not None:
        partner_ids = np.arange(len(partners))
        pool = (partners.images, None, partner_ids)
    views = range(len(visible.views)) if visible.views else [None]
    columns = [examples.images.repeat(len(views), axis=0)]
    columns += [
        visible(examples.images, ids=numbers, seed=seed, epoch=epoch, partners=pool).reshape(
            -1, height, width, 3
        )
        for epoch in range(epochs)
    ]
    title, label, small = _font(_TITLE_SIZE), _font(_LABEL_SIZE), _font(_SMALL_SIZE)
    size = {"height": height, "width": width}
    logs = [
        _alternating(
            _explained(
                visible.parameters(
                    numbers, seed=seed, epoch=e, view=view, partners=partner_ids, **size
                ),
                count,
            )
            if explain
            else [""] * count
            for view in views
        )
        for e in range(epochs)
    ]
    lines = max(text.count("\n") + bool(text) for log in logs for text in log)
    longest = max(small.getlength(line) for log in logs for t in log for line in t.split("\n"))
    wide, tall = width * scale, height * scale
    across = max(wide, int(np.ceil(longest))) + _GAP
    down = tall + _GAP + lines * (_SMALL_SIZE + 2)
    rows = [(example, view) for example in range(count) for view in views]
    names = [label_names[int(examples.labels[example])] for example, _ in rows]
    marks = [
        f"#{int(numbers[example])}" + ("" if view is None else f" view {view}")
        for example, view in rows
    ]
    left = _MARGIN + int(max(map(label.getlength, [*names, *marks]))) + 2 * _GAP
    top = _MARGIN + _TITLE_SIZE + 2 * _LABEL_SIZE + 3 * _GAP
    # The gap after the originals is wider, so that they are not taken for an augmentation.
    xs = [left + (wide + 3 * _GAP + across * (i - 1) if i else 0) for i in range(len(columns))]
    title_text = f"{recipe.name}   seed {seed}"
    sheet_width = max(xs[-1] + across - _GAP, _MARGIN + int(title.getlength(title_text))) + _MARGIN
    sheet = Image.new("RGB", (sheet_width, top + down * len(rows) - _GAP + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN - 2), title_text, _INK, title)
    for i, x in enumerate(xs):
        heading = "original" if i == 0 else f"epoch {i - 1}"
        draw.text((x, top - _LABEL_SIZE - _GAP), heading, _FAINT, label)
    for row in range(len(rows)):
        y = top + down * row
        draw.text((_MARGIN, y), names[row], _INK, label)
        draw.text((_MARGIN, y + _LABEL_SIZE + 4), marks[row], _FAINT, label)
        for x, images in zip(xs, columns, strict=True):
            picture = Image.fromarray(images[row])
            sheet.paste(picture.resize((wide, tall), Image.Resampling.NEAREST), (x, y))
        for x, log in zip(xs[1:], logs, strict=True):
            draw.multiline_text((x, y + tall + 1), log[row], _FAINT, small, spacing=1)
    return sheet


def save(sheet: Image.Image, path: str | os.PathLike[str]) -> None:
    """Writes a PNG at once: readers see the old file or the new one, never half of one.

    Raises:
        OSError: if it cannot be written; names the path.
    """
    path = Path(path)
    try:
        # Beside `path`, because a file cannot be renamed onto another disk.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".preview.") as place:
            partial = Path(place, "sheet.png")
            sheet.save(partial, optimize=True)
            partial.replace(path)
    except OSError as error:
        # The user does not know the temporary file.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _alternating(of_views: Iterable[list[str]]) -> list[str]:
    """What is written of each example's views, one after the other."""
    return [text for texts in zip(*of_views, strict=True) for text in texts]


def _explained(log: dict[str, np.ndarray], count: int) -> list[str]:
    """For each example a line an op: its name, and the names and values of what it has drawn."""
    by_op: dict[str, dict[str, np.ndarray]] = {}
    for key, values in log.items():
        op, name = key.rsplit(".", 1)
        by_op.setdefault(op, {})[name] = values
    return [
        "\n".join(
            line
            for op, drawn in by_op.items()
            if _is_done(op, by_op, i)
            for line in textwrap.wrap(
                _line(op.split(".", 1)[1], {name: values[i] for name, values in drawn.items()}),
                _LONGEST_LINE,
                subsequent_indent="  ",
            )
        )
        for i in range(count)
    ]


def _is_done(op: str, by_op: dict[str, dict[str, np.ndarray]], i: int) -> bool:
    """Whether it is what an example does, where it is one of several."""
    position, name = op.split(".", 1)
    choice = by_op.get(f"{position}.or")
    return choice is None or name == "or" or name.split(".")[0] == choice["op"][i]


def _line(op: str, drawn: dict[str, Any]) -> str:
    shown = [f"{name} {text}" for name, value in drawn.items() if (text := _shown(value))]
    return f"{op}: {', '.join(shown)}" if shown else op


def _shown(value: Any) -> str:
    if isinstance(value, np.bool_):
        return "yes" if value else "no"
    if isinstance(value, str):
        return "" if value == IDENTITY else str(value)
    if isinstance(value, np.integer):
        return str(value)
    # NaN is a number that an op does not take.
    return "" if np.isnan(value) else f"{value:.2f}"


def _without_value_range(recipe: Recipe) -> Recipe:
    kept = tuple(op for op in recipe.ops if not op.value_range)
    views = tuple(map(_without_value_range, recipe.views))
    return dataclasses.replace(recipe, ops=kept, views=views)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
