"""Ops apply left to right: what one has pushed out of the image does not come back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_aug.recipes.recipe import Recipe

rng = np.random.default_rng(23)
IMAGES = rng.integers(1, 256, (24, 9, 12, 3), np.uint8)

# Ops that move whole pixels, so that doing them one by one resamples nothing.
MODES = st.sampled_from(["constant", "nearest", "reflect"])
WHOLE = st.one_of(
    st.builds("crop{}_fillmode{}".format, st.integers(0, 6), MODES),
    st.builds("translate{}0.4_fillmode{}".format, st.sampled_from("xy"), MODES),
    st.sampled_from(["flip", "flipud", "altflip", "rot90"]),
)
STEPS = st.one_of(
    WHOLE,
    st.builds("{}_p{}".format, WHOLE, st.sampled_from(["0.3", "0.7"])),
    st.builds("{}-or-{}".format, WHOLE, WHOLE),
)


def one_by_one(steps: list[str], images: np.ndarray, **key: Any) -> np.ndarray:
    """Each step alone, in its place: with p0, the others leave images as they are."""
    for place, step in enumerate(steps):
        others = ["flip_p0"] * len(steps)
        others[place] = step
        images = Recipe.parse("+".join(others))(images, **key)
    return images


def without_two_p(step: str) -> bool:
    return step.count("_p") < 2


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS.filter(without_two_p), min_size=1, max_size=6), st.integers(0, 5))
def test_a_recipe_is_its_ops_one_by_one(steps: list[str], epoch: int) -> None:
    whole = Recipe.parse("+".join(steps))(IMAGES, seed=4, epoch=epoch)
    np.testing.assert_array_equal(whole, one_by_one(steps, IMAGES, seed=4, epoch=epoch))


def hidden(text: str, images: np.ndarray, **key: Any) -> np.ndarray:
    """The pixels that show a black border, bool [batch, height, width]."""
    return (Recipe.parse(text)(images, **key) == 0).all(-1)


WHITE = np.full((200, 32, 32, 3), 255, np.uint8)


def test_what_was_pushed_out_does_not_come_back() -> None:
    once = hidden("translatex0.5-0.5_fillmodeconstant", WHITE)
    assert once.mean() == 0.5
    both = hidden("translatex0.5_fillmodeconstant+translatex0.5_fillmodeconstant", WHITE)
    log = Recipe.parse("translatex0.5+translatex0.5").parameters(np.arange(200))
    first, second = (np.trunc(log[f"{i}.translatex.fraction"] * 32) for i in range(2))
    # In the middle row: what the first has covered, moved by the second, and what that covers.
    shown = np.zeros((200, 32), bool)
    for i in range(200):
        for x in range(32):
            middle = x + second[i]
            shown[i, x] = 0 <= middle < 32 and 0 <= middle + first[i] < 32
    np.testing.assert_array_equal(both[:, 16], ~shown)


def test_an_image_that_was_made_small_stays_small() -> None:
    text = "zoom2-2_fillmodeconstant+zoom0.5-0.5_fillmodeconstant"
    # Half the size, and then the middle of that in full: the border is outside again.
    assert not hidden(text, WHITE).any()
    turned = "zoom0.5-0.5_fillmodeconstant+zoom2-2_fillmodeconstant"
    # The middle in full, and then at half the size: three quarters are border.
    assert 0.7 < hidden(turned, WHITE).mean() < 0.8


def test_a_crop_after_an_enlargement_shows_its_border() -> None:
    expected = hidden("crop4", WHITE).mean()
    assert 0.11 < expected < 0.15
    # The crop's own draws, in the second place.
    assert hidden("scalecrop+crop4", WHITE).mean() == hidden("flip_p0+crop4", WHITE).mean()


@pytest.mark.parametrize(
    "op", ["shearx0.01-0.01", "sheary0.01-0.01", "perspective0.02_p1"], ids=str
)
def test_a_border_of_pillows_begins_half_a_pixel_outside(op: str) -> None:
    assert not hidden(f"{op}_fillmodeconstant", WHITE).any()


def test_a_border_of_kerass_begins_at_the_outermost_centres() -> None:
    shown = hidden("shift_width0.01-0.01_height0-0_fillmodeconstant", WHITE[:1])[0]
    assert shown[:, -1].all()
    assert not shown[:, :-1].any()
