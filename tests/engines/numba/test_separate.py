"""A recipe has those functions compiled that it calls, and no others."""

import numpy as np
import pytest

from cifar10_aug import Recipe
from cifar10_aug.engines.numba import passes
from cifar10_aug.engines.numba.kernels import philox, separate
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    ALIGNED,
    BOX,
    DISPLACE,
    FLOATS,
    GENERAL,
    LEVELS,
    NEAR,
    NOISY_BOX,
    PACKED,
    TABLE,
    TILT,
)
from cifar10_aug.rng import draws


@pytest.mark.parametrize(
    ("recipe", "functions"),
    [
        ("plain", {LEVELS}),
        ("standard", {ALIGNED, LEVELS}),
        ("airbench94", {ALIGNED, LEVELS}),
        ("rotate30+erase", {NEAR, BOX, LEVELS}),
        ("rotate+erase_p1_fillnoise+normalize", {NEAR, NOISY_BOX, FLOATS}),
        ("rotate_fillmodereflect+posterize", {GENERAL, TABLE, LEVELS}),
        ("perspective+hue", {GENERAL, TILT, PACKED, LEVELS}),
        ("elastic", {GENERAL, DISPLACE, LEVELS}),
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
    images = np.random.default_rng(0).integers(0, 256, (2, 2, 4000, 3), np.uint8)
    recipe = Recipe.parse("zoom9-10")
    monkeypatch.setattr(separate, "ADDRESSES", np.zeros_like(separate.ADDRESSES))
    made = recipe(images)
    assert separate.ADDRESSES[GENERAL]
    monkeypatch.setattr(passes, "_quick", lambda *args: GENERAL)
    assert (made == recipe(images)).all()


def test_functions_have_numbers_of_their_own() -> None:
    with pytest.raises(AssertionError, match="number of another"):
        separate.Signature(None).separate(LEVELS)(lambda: None)


def test_what_is_compiled_for_compiled_callers_can_be_called_from_python() -> None:
    Recipe.parse("erase_p1_fillnoise")(np.zeros((1, 8, 8, 3), np.uint8))
    key, epoch, seed, first, *words = (np.uint64(n) for n in (0, 1, 2, 3, 0, 0, 1, 8, 2, 0))
    assert philox.noise(key, epoch, seed, first, 5) == draws.philox(*words)
