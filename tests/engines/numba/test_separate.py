"""A recipe has those functions compiled that it calls, and no others."""

import numpy as np
import pytest

from cifar10_aug import Recipe
from cifar10_aug.engines.numba.kernels import colours, levels, philox, separate
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    ALIGNED,
    BLEND,
    BOX,
    DISPLACE,
    FLOATS,
    FOLD,
    GENERAL,
    LEVELS,
    MIRRORED,
    NEAR,
    NOISY_BOX,
    OUTSIDE,
    REFLECTED,
    SCALE,
    SCALED,
    STRAIGHT,
    TILTED,
    UNPACKED,
)
from cifar10_aug.rng import draws


@pytest.mark.parametrize(
    ("recipe", "functions"),
    [
        ("plain", {MIRRORED, LEVELS}),
        ("flip+flipud", {MIRRORED, LEVELS}),
        ("brightness", {SCALED, SCALE, LEVELS}),
        ("standard", {UNPACKED, ALIGNED, LEVELS}),
        ("airbench94", {UNPACKED, ALIGNED, FOLD, LEVELS}),
        ("zoom", {UNPACKED, STRAIGHT, LEVELS}),
        ("rotate30+erase", {UNPACKED, BLEND, NEAR, BOX, LEVELS}),
        ("shear_fillmodeconstant", {UNPACKED, BLEND, NEAR, OUTSIDE, LEVELS}),
        ("rotate+erase_p1_fillnoise+normalize", {UNPACKED, BLEND, NEAR, NOISY_BOX, FLOATS}),
        (
            "rotate_fillmodereflect+posterize",
            {UNPACKED, BLEND, GENERAL, levels.posterize.number, LEVELS},
        ),
        ("perspective+hue", {UNPACKED, BLEND, TILTED, colours.turn_hue.number, LEVELS}),
        ("hue0", {MIRRORED, LEVELS}),
        ("hue+blur", {UNPACKED, colours.turn_hue.number, LEVELS}),
        ("elastic", {UNPACKED, BLEND, REFLECTED, GENERAL, DISPLACE, LEVELS}),
    ],
)
def test_a_pass_needs_what_its_recipe_calls(
    recipe: str, functions: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[int] = set()
    needed = separate.need

    def need(*numbers: int) -> None:
        asked.update(numbers)
        needed(*numbers)

    monkeypatch.setattr(separate, "need", need)
    Recipe.parse(recipe)(np.zeros((2, 8, 8, 3), np.uint8))
    assert asked == functions


def test_a_map_too_large_for_the_quick_way_goes_the_general_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(separate, "ADDRESSES", np.zeros_like(separate.ADDRESSES))
    Recipe.parse("rotate10+zoom9-10")(np.zeros((2, 2, 4000, 3), np.uint8))
    assert separate.ADDRESSES[GENERAL]
    assert not separate.ADDRESSES[NEAR]


def test_functions_have_different_numbers() -> None:
    with pytest.raises(AssertionError, match="number of another"):
        separate.Signature(None).separate(LEVELS)(lambda: None)


def test_what_is_compiled_for_compiled_callers_can_be_called_from_python() -> None:
    Recipe.parse("erase_p1_fillnoise")(np.zeros((1, 8, 8, 3), np.uint8))
    key, epoch, seed, first, *words = (np.uint64(n) for n in (0, 1, 2, 3, 0, 0, 1, 8, 2, 0))
    assert philox.noise(key, epoch, seed, first, 5) == draws.philox(*words)
