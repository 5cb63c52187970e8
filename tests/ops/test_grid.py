"""Squares at even distances."""

import math

import numpy as np
import pytest
from scipy import stats

from cifar10_aug.recipes.recipe import Recipe

WHITE = np.full((30, 40, 48, 3), 255, np.uint8)


def authors(height: int, width: int, unit: int, top: int, left: int, ratio: float) -> np.ndarray:
    """What the paper keeps (mode 1, not turned): lines that are drawn one by one."""
    lines, kept = np.zeros((height, width), bool), math.ceil(unit * ratio)
    for number in range(-1, max(height, width) // unit + 1):
        first = unit * number + top
        lines[max(first, 0) : max(min(first + kept, height), 0)] = True
        first = unit * number + left
        lines[:, max(first, 0) : max(min(first + kept, width), 0)] = True
    return lines


@pytest.mark.parametrize("text", ["gridmask", "gridmask5-9_ratio0.5", "gridmask7-7_ratio0.3_fill9"])
def test_lines_stay_as_the_authors_draw_them(text: str) -> None:
    recipe = Recipe.parse(text)
    made = recipe(WHITE, epoch=1)
    log = recipe.parameters(np.arange(30), epoch=1)
    op = recipe.ops[0]
    for i in range(30):
        unit, top, left = (int(log[f"0.gridmask.{name}"][i]) for name in ("unit", "top", "left"))
        kept = authors(40, 48, unit, top, left, op.ratio)  # type: ignore[attr-defined]
        np.testing.assert_array_equal((made[i] == 255).all(-1), kept)
        assert (made[i][~kept] == op.fill).all()  # type: ignore[attr-defined]


def test_units_and_places_are_equally_likely() -> None:
    log = Recipe.parse("gridmask24-32").parameters(np.arange(20_000))
    units, counts = np.unique(log["0.gridmask.unit"], return_counts=True)
    assert units.tolist() == list(range(24, 33))
    assert stats.chisquare(counts).pvalue > 0.001
    for side in ("top", "left"):
        places = log[f"0.gridmask.{side}"][log["0.gridmask.unit"] == 24]
        assert stats.chisquare(np.bincount(places, minlength=24)).pvalue > 0.001
