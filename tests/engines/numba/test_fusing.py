"""Images are read and written as seldom as their recipe allows."""

from typing import Any

import numpy as np
import pytest

from cifar10_aug import Recipe
from cifar10_aug.engines.numba import maps
from cifar10_aug.engines.numba.fusing import fused
from cifar10_aug.engines.numba.kernels.pass_arguments import ALIGNED, GENERAL, STRAIGHT
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


@pytest.mark.parametrize(
    "text",
    [
        "crop4+flip+trivialaugment",
        "rrc+flip+timmaugment",
        "crop4_fillmodereflect+flip_p0.5+trivialaugment_cval9",
        "translatex_p0.5+rotate_p0.5",
    ],
)
def test_one_map_of_several_is_followed_as_if_it_were_alone(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 8, 12, 3), np.uint8)
    recipe = Recipe.parse(text)
    found: list[tuple[np.ndarray, np.ndarray]] = []

    def seen(*given: Any) -> tuple[np.ndarray, np.ndarray]:
        found.append(methods(*given))
        return found[-1]

    monkeypatch.setattr(maps, "methods", seen)
    made = recipe(images)
    ways, only = found[0]
    assert {ALIGNED, STRAIGHT} & set(ways.tolist())
    assert only.any() or "rrc" in text
    monkeypatch.setattr(
        maps, "methods", lambda *given: (np.full(len(given[1]), GENERAL), methods(*given)[1])
    )
    assert (recipe(images) == made).all()
