"""Images are read and written as seldom as their recipe allows."""

from typing import Any

import numpy as np
import pytest

from cifar10_aug import Recipe
from cifar10_aug.engines.numba import maps
from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.fusing import fused
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    ALIGNED,
    CHAINED,
    GENERAL,
    NEAR,
    SLANTED,
    STACKED,
    STRAIGHT,
)
from cifar10_aug.engines.numba.methods import methods
from cifar10_aug.engines.stages import Pass


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("contrast", ["Pass"]),
        ("crop4+contrast_p0.5+hue+erase+colorjitter", ["Pass"]),
        ("contrast+rotate", ["Pass", "Pass"]),
        ("trivialaugment", ["Pass"]),
        ("standard+randaugment_n3+cutout8", ["Pass", "Pass", "Pass"]),
        ("hue+blur+gray", ["Pass", "Process", "Pass"]),
        ("augmix", ["Pass", "Mixture", "Pass"]),
        ("crop4+gray+mixup+labelsmooth", ["MixedPass"]),
        ("mixup+cutmix+gray", ["MixedPass", "MixedPass", "Pass"]),
        ("labelsmooth", ["Pass"]),
    ],
)
def test_what_can_be_one_pass_is_one(text: str, stages: list[str]) -> None:
    assert [type(stage).__name__ for stage in fused(Recipe.parse(text).plan.stages)] == stages


def test_each_example_does_one_stroke_of_a_choice() -> None:
    (made,) = fused(Recipe.parse("trivialaugment+gray-or-invert-or-hue+gray").plan.stages)
    assert isinstance(made, Pass)
    assert [[step.op.name for step in stroke] for stroke in made.strokes][1:] == [
        ["invert", "gray", "hue"],
        ["gray"],
    ]


_TURNED = "rotate60_fillmodeconstant_cval7"
_MOVED = "translatex0.9_fillmodeconstant_cval7+flip+translatey0.9_fillmodeconstant"
WAYS = {
    "crop4+flip+trivialaugment": {ALIGNED, CHAINED, STACKED},
    "rrc+flip+timmaugment": {STRAIGHT, CHAINED},
    "crop4_fillmodereflect+flip_p0.5+trivialaugment_cval9": {ALIGNED, CHAINED, STACKED},
    "translatex_p0.5+rotate_p0.5": {ALIGNED, NEAR, CHAINED},
    **{f"{first}+{_TURNED}": {CHAINED} for first in ("zoom0.3-3_fillmodeconstant", "rrc+flip")},
    **{f"{one}_fillmodereflect+{_TURNED}": {CHAINED} for one in ("crop5", "shift0.9", "zoom0.3")},
    **{f"crop5{one}+flip+{_MOVED}": {STACKED} for one in ("", "_fillmodereflect")},
    **{
        f"shear{axis}0.9{border}": {SLANTED}
        for axis in "xy"
        for border in ("", "_fillmodeconstant")
    },
    "timmaugment_n1_prob1": {SLANTED},
}


@pytest.mark.parametrize("text", WAYS)
def test_ways_show_what_the_general_way_shows(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, recipe = np.random.default_rng(0), Recipe.parse(text)
    images = [rng.integers(0, 256, (150, *size, 3), np.uint8) for size in ((16, 8), (5, 9))]
    found = set()

    def seen(*given: Any) -> tuple[np.ndarray, np.ndarray]:
        ways, only = methods(*given)
        found.update(ways.tolist())
        return ways, only

    def general(*given: Any) -> tuple[np.ndarray, np.ndarray]:
        ways, only = methods(*given)
        return np.full_like(ways, GENERAL), only

    # What outcomes ask for is kept.
    monkeypatch.setattr(Batch, "can_tabulate", lambda batch, steps: False)
    monkeypatch.setattr(maps, "methods", seen)
    made = [recipe(some) for some in images]
    monkeypatch.setattr(maps, "methods", general)
    assert all((recipe(some) == one).all() for some, one in zip(images, made, strict=True))
    assert WAYS[text] <= found
