"""The gallery: one page that shows every op at five strengths, without anything from outside."""

from __future__ import annotations

import base64
import html
import importlib.resources
import io
import re
import string
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from cifar10_aug.cli import listing
from cifar10_aug.cli.sheet_columns import Shown
from cifar10_aug.data.images import LabelledImages
from cifar10_aug.data.spec import DatasetSpec
from cifar10_aug.ops import OPS, Op, PythonOp
from cifar10_aug.ops.base import LabelOp
from cifar10_aug.ops.fields import Field, IntervalField, NumberField, fields_of, fixed, main_field
from cifar10_aug.ops.fields import show_number as shown_number
from cifar10_aug.recipes.presets import NAMED, Preset
from cifar10_aug.recipes.recipe import Recipe

STRENGTHS = 5
# Which field says how strong an op is, where it is not the main one.
_FIELDS = {
    **{"erase": "area", "randaugment": "m", "timmaugment": "m"},
    **{"colorjitter": None, "trivialaugment": None, "autoaugment": None},
}
_SIDE = 2
_GAP = 2


class Tile(NamedTuple):
    """Four pictures: the recipe that makes them, in which epoch, and what is written below."""

    recipe: str
    epoch: int
    caption: str


def tiles(name: str) -> list[Tile]:
    """Five strengths of an op, from little to much; or five epochs, where no number says it."""
    op = OPS.get(name)
    if op is not None and not issubclass(op, PythonOp):
        field = _strength(op)
        kind = fields_of(op)[field] if field else None
        if field and isinstance(kind, (NumberField, IntervalField)):
            # The op is done to all of the pictures.
            often = "_p1" if field != "p" and fields_of(op)["p"].default != 1 else ""
            values = _values(kind, often=field == "p")
            recipes = [f"{_prefix(op, field)}{_spelled(kind, value)}{often}" for value in values]
            return [
                Tile(recipe, 0, f'<button title="copy">{recipe}</button>') for recipe in recipes
            ]
    return [Tile(name, epoch, f"epoch {epoch}") for epoch in range(STRENGTHS)]


def _values(kind: NumberField | IntervalField, often: bool) -> list[float]:
    """Five values of a field, from low to high."""
    low, high = (kind.default,) * 2 if isinstance(kind, NumberField) else kind.default
    if often:
        low, high = 0.2, 1.0
    elif low == high or low == -high:
        # Half of the default to two and a half times as much, if the field allows that.
        low, high = high / 2, high * 5 / 2
        if high > kind.high or (kind.whole and low < 1):
            low, high = max(kind.low, kind.high / STRENGTHS), kind.high
    else:
        # Less would hardly be seen.
        low = max(low, high / STRENGTHS)
    values = np.linspace(low, high, STRENGTHS)
    return [float(f"{value:.0f}" if kind.whole else f"{value:.3g}") for value in values]


def _spelled(kind: NumberField | IntervalField, value: float) -> str:
    number = shown_number(value)
    alone = isinstance(kind, NumberField) or kind.single is fixed
    return number if alone else f"{number}-{number}"


def page(
    pool: LabelledImages, dataset: DatasetSpec, *, pictures: str, command: str, version: str
) -> str:
    """The whole page, which needs nothing from outside.

    Args:
        pool: the examples: the first four are shown, and mix ops draw partners from all.
        dataset: of which they are.
        pictures: what they are, in words that follow "the same four".
        command: what makes the page again.
        version: of the package.
    """
    groups = listing.groups()
    sections = [
        _section(title, [_op_card(name, op, pool, dataset) for name, op in ops.items()])
        for title, ops in groups.items()
    ]
    sections.append(
        _section("Presets", [_preset_card(one, pool, dataset) for one in NAMED.values()])
    )
    template = importlib.resources.files(__package__).joinpath("gallery_page.html")
    return string.Template(template.read_text(encoding="utf-8")).substitute(
        originals=_data_uri(pool.images[: _SIDE**2]),
        pictures=html.escape(pictures),
        count=sum(map(len, groups.values())) + len(NAMED),
        groups=" ".join(
            f'<a href="#{_anchor(title)}">{html.escape(title)}</a>'
            for title in (*groups, "Presets")
        ),
        sections="\n".join(sections),
        command=html.escape(command),
        version=html.escape(version),
    )


def _section(title: str, cards: Sequence[str]) -> str:
    return (
        f'<section id="{_anchor(title)}"><h2>{html.escape(title)}</h2>\n'
        + "\n".join(cards)
        + "\n</section>"
    )


def _op_card(name: str, op: type[Op], pool: LabelledImages, dataset: DatasetSpec) -> str:
    paragraphs = (op.__doc__ or "").strip().split("\n\n")
    about = [" ".join(paragraph.split()) for paragraph in paragraphs]
    about.append(f"Runs with {listing.engines(op)}.")
    invisible = op.value_range or issubclass(op, LabelOp)
    if invisible:
        about.append("It changes no colours, so there are no pictures of it.")
    shown = [] if invisible else tiles(name)
    return _card(name, about, shown, pool, dataset, _fields_table(fields_of(op)))


def _preset_card(preset: Preset, pool: LabelledImages, dataset: DatasetSpec) -> str:
    about = [f"{preset.recipe or '(no op)'}", preset.about]
    return _card(preset.name, about, tiles(preset.name), pool, dataset, "")


def _card(
    name: str,
    about: Sequence[str],
    shown: Sequence[Tile],
    pool: LabelledImages,
    dataset: DatasetSpec,
    table: str,
) -> str:
    figures = "".join(_figure(tile, pool, dataset) for tile in shown)
    original = (
        '<figure><div class="picture original" role="img" aria-label="the four pictures as they '
        'are"></div><figcaption>as they are</figcaption></figure>'
    )
    head = f'<h3>{name}</h3> <button title="copy">{_training(name)}</button>'
    parts = [
        f'<article class="op" id="{name}"><div class="head">{head}</div>',
        *(f"<p>{_text(paragraph)}</p>" for paragraph in about),
        *([f'<div class="tiles">{original}{figures}</div>'] if shown else []),
        f"{table}</article>",
    ]
    return "\n".join(parts)


def _text(paragraph: str) -> str:
    """A paragraph of a docstring, in which code is between backticks."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(paragraph))


def _training(name: str) -> str:
    """How a recipe spells the op with its default, so that it is seen what its number is."""
    op = OPS.get(name)
    field = _strength(op) if op else None
    kind = fields_of(op)[field] if op and field else None
    if op and field and isinstance(kind, (NumberField, IntervalField)):
        return f"{_prefix(op, field)}{kind.show(kind.default)}"
    return name


def _strength(op: type[Op]) -> str | None:
    """The field that says how strong an op is."""
    return _FIELDS.get(op.name, main_field(op))


def _prefix(op: type[Op], field: str) -> str:
    """The text before a field's value."""
    return op.name if field == main_field(op) else f"{op.name}_{field}"


def _figure(tile: Tile, pool: LabelledImages, dataset: DatasetSpec) -> str:
    recipe = Recipe.parse(tile.recipe).on(dataset)
    shown = Shown(recipe, pool, min(len(pool), _SIDE**2))
    return (
        f'<figure><img class="picture" alt="{tile.recipe}, epoch {tile.epoch}" '
        f'src="{_data_uri(shown.levels(tile.epoch))}">'
        f"<figcaption>{tile.caption}</figcaption></figure>"
    )


def _fields_table(fields: dict[str, Field]) -> str:
    if not fields:
        return ""
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
        for cells in _field_rows(fields)
    )
    return (
        f"<details><summary>Fields: {', '.join(fields)}</summary><table>"
        "<tr><th>field</th><th>default</th><th>what it is</th><th>takes</th></tr>"
        f"{rows}</table></details>"
    )


def _field_rows(fields: dict[str, Field]) -> Iterator[tuple[str, str, str, str]]:
    for spelling, field in fields.items():
        about = ", ".join(text for text in (field.unit, field.about) if text)
        yield spelling, field.show(field.default), about, field.allowed()


def _data_uri(images: np.ndarray) -> str:
    """Four pictures as one, two by two, with nothing between them."""
    height, width = images.shape[1:3]
    sheet = np.zeros((_SIDE * height + _GAP, _SIDE * width + _GAP, 4), np.uint8)
    for i, image in enumerate(images):
        top, left = i // _SIDE * (height + _GAP), i % _SIDE * (width + _GAP)
        sheet[top : top + height, left : left + width, :3] = image
        sheet[top : top + height, left : left + width, 3] = 255
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _anchor(title: str) -> str:
    return "group-" + "-".join(title.lower().split())
