"""A bar chart of what benchmark.py or benchmark_ops.py wrote: chart.py result.json chart.png."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark_ops import MOST, Row
from peers import PEERS
from PIL import Image, ImageDraw, ImageFont

from cifar10_aug.cli import contact_sheet

_BAR, _GAP, _MARGIN, _LONGEST = 18, 6, 16, 520
_OURS, _FLOOR, _OTHERS = (38, 110, 180), (120, 120, 120), (214, 137, 60)
_INK, _PAPER = (20, 20, 20), (250, 250, 248)


def _colour(row: str) -> tuple[int, int, int]:
    if "no augmentation" in row:
        return _FLOOR
    return _OTHERS if row.removesuffix(", batch 128") in PEERS else _OURS


def draw(rows: Mapping[str, float], about: Mapping[str, Any], path: Path) -> None:
    """Draws rows of microseconds an image, batch 128 and uint8 only, the shortest first."""
    shown = {
        row.replace(", batch 128", ""): (time, _colour(row))
        for row, time in sorted(rows.items(), key=lambda item: item[1])
        if (row.endswith("batch 128") and "float32" not in row and "normalize" not in row)
        or row.startswith("stock")
    }
    words = (
        f"{about['images']:,} images, batches of 128, {about['cores']} cores, "
        f"TensorFlow {about['tensorflow']}, medians of {about['rounds']} rounds"
    )
    longest = 6 * min(time for time, _ in shown.values()) + 12
    _bars(
        "microseconds an image, rotating and erasing; less is better", shown, longest, words, path
    )


def draw_ops(result: Mapping[str, Any], path: Path) -> None:
    """Draws what `benchmark_ops.py` wrote: each op's time as a share of the fastest other's."""
    rows = {name: Row(**row) for name, row in result["ops"].items()}
    ratios = {row.recipe: row.ratio(row.fastest) for row in rows.values() if row.fastest}
    shown = {
        recipe: (ratio, _OURS if ratio <= MOST else _OTHERS)
        for recipe, ratio in sorted(ratios.items(), key=lambda item: item[1])
    }
    about = result["about"]
    words = f"{about['images']:,} images, one core, medians of {about['rounds']} rounds"
    _bars("time of an op, as a share of the fastest other library's", shown, 1.5, words, path)


def _bars(
    title: str,
    shown: Mapping[str, tuple[float, tuple[int, int, int]]],
    longest: float,
    words: str,
    path: Path,
) -> None:
    """Draws rows, each a number and a colour.

    Bars longer than `longest` are cut off; the number beside each says how long it is.
    """
    font, small = ImageFont.load_default(13), ImageFont.load_default(11)
    digits = 2 if longest < 10 else 1
    left = _MARGIN + int(max(font.getlength(row) for row in shown)) + 10
    scale = _LONGEST / longest
    height = 2 * _MARGIN + (len(shown) + 2) * (_BAR + _GAP)
    sheet = Image.new("RGB", (left + _LONGEST + 110, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_MARGIN, _MARGIN - 6), title, _INK, font)
    for i, (row, (number, colour)) in enumerate(shown.items()):
        y = _MARGIN + (i + 1) * (_BAR + _GAP)
        length = min(int(number * scale), _LONGEST)
        pen.text((_MARGIN, y + 1), row, _INK, font)
        pen.rectangle((left, y, left + length, y + _BAR), colour)
        if number * scale > _LONGEST:
            pen.polygon(
                [
                    (left + length - 12, y + _BAR),
                    (left + length - 4, y),
                    (left + length, y),
                    (left + length - 8, y + _BAR),
                ],
                _PAPER,
            )
        pen.text((left + length + 6, y + 1), f"{number:.{digits}f}", _INK, font)
    pen.text((_MARGIN, height - _MARGIN - 8), words, _FLOOR, small)
    contact_sheet.save(sheet, path)


def main(result: Path, picture: Path) -> None:
    found = json.loads(result.read_text())
    if "ops" in found:
        draw_ops(found, picture)
        return
    times = {row: statistics.median(each) for row, each in found["microseconds"].items()}
    draw(times, found["about"], picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
