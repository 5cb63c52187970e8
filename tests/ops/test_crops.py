import math
from collections import Counter
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import stats

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.crops import RandomResizedCrop
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng.draws import Draws

NUMPY_MODES = {"constant": "constant", "nearest": "edge", "reflect": "reflect"}


@pytest.mark.parametrize("border", NUMPY_MODES)
def test_a_crop_is_one_of_the_81_crops_of_the_padded_image(
    border: str, sample_images: np.ndarray
) -> None:
    images = np.random.default_rng(2).integers(0, 256, (400, 32, 32, 3), dtype=np.uint8)
    cropped = Recipe.parse(f"crop4_fillmode{border}")(images)
    found: Counter[tuple[int, int]] = Counter()
    for before, after in zip(images, cropped, strict=True):
        padded = np.pad(before, ((4, 4), (4, 4), (0, 0)), NUMPY_MODES[border])  # type: ignore[call-overload]
        places = [
            (y, x)
            for y in range(9)
            for x in range(9)
            if (padded[y : y + 32, x : x + 32] == after).all()
        ]
        assert len(places) == 1
        found[places[0]] += 1
    # Offsets 0 … 8, both ends included, in both directions.
    assert {y for y, _ in found} == set(range(9))
    assert {x for _, x in found} == set(range(9))


def test_scalecrop_is_a_crop_of_the_image_resized_by_opencv(sample_images: np.ndarray) -> None:
    images = sample_images[:60]
    cropped = Recipe.parse("scalecrop48")(images)
    found = set()
    for before, after in zip(images, cropped, strict=True):
        large = cv2.resize(before, (48, 48), interpolation=cv2.INTER_LINEAR).astype(int)
        errors = {
            (y, x): np.abs(large[y : y + 32, x : x + 32] - after)
            for y in range(17)
            for x in range(17)
        }
        place = min(errors, key=lambda at: errors[at].mean())
        assert errors[place].max() <= 2
        assert errors[place].mean() <= 0.5
        found.add(place)
    assert len(found) > 40


def test_scalecrop_at_the_image_size_changes_nothing(sample_images: np.ndarray) -> None:
    assert (Recipe.parse("scalecrop32")(sample_images[:9]) == sample_images[:9]).all()


def torchvisions_window(
    tries: list[tuple[float, float]], height: int, width: int, aspect: tuple[float, float]
) -> tuple[int, int] | None:
    """The height and width of the first of ten draws that fits; None if none does."""
    for area, ratio in tries:
        wide, tall = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < wide <= width and 0 < tall <= height:
            return tall, wide
    return None


@pytest.mark.parametrize(
    ("text", "size"),
    [("rrc", (32, 32)), ("rrc", (17, 60)), ("rrc_area0.5-1_aspect0.3-4", (40, 20))],
)
def test_rrc_draws_a_part_as_torchvision_does(text: str, size: tuple[int, int]) -> None:
    height, width = size
    op: Any = Recipe.parse(text).ops[0]
    words = np.random.default_rng(3).integers(0, 2**32, (op.slots, 3000), np.uint32)
    drawn = Draws(words)
    window = op.window(drawn, height, width)
    low, high = op.aspect
    fallen = 0
    for i in range(3000):
        unit = words[:, i] / (2**32 - 1)
        tries = [
            (
                (op.area[0] + (op.area[1] - op.area[0]) * unit[2 * k]) * height * width,
                math.exp(math.log(low) + (math.log(high) - math.log(low)) * unit[2 * k + 1]),
            )
            for k in range(10)
        ]
        found = torchvisions_window(tries, height, width, op.aspect)
        top, left, tall, wide = (int(side[i]) for side in window)
        if found is None:
            fallen += 1
            # The middle, as much of it as the aspect allows.
            expected = (height, width)
            if width / height < low:
                expected = (round(width / low), width)
            elif width / height > high:
                expected = (height, round(height * high))
            assert (tall, wide) == expected
            assert (top, left) == ((height - tall) // 2, (width - wide) // 2)
        else:
            assert (tall, wide) == found
            assert 0 <= top <= height - tall
            assert 0 <= left <= width - wide
    assert (fallen > 0) == (size != (32, 32))


def test_rrc_places_are_equally_likely() -> None:
    log = Recipe.parse("rrc").parameters(np.arange(50_000))
    for side, along in (("top", "height"), ("left", "width")):
        places = log[f"0.rrc.{side}"][log[f"0.rrc.{along}"] == 20]
        assert stats.chisquare(np.bincount(places, minlength=13)).pvalue > 0.001
    shown = log["0.rrc.height"] * log["0.rrc.width"] / 1024
    # Small areas always fit; large ones are drawn again at times.
    assert stats.kstest(shown[shown < 0.4], stats.uniform(0.08, 0.32).cdf).statistic < 0.05


def test_rrc_enlarges_a_part_as_torchvisions_crop_and_resize_do() -> None:
    images = np.random.default_rng(4).integers(0, 256, (60, 24, 32, 3), np.uint8)
    recipe = Recipe.parse("rrc_area0.01-1")
    made = recipe(images, epoch=1)
    log = recipe.parameters(np.arange(60), epoch=1, height=24, width=32)
    for i in range(60):
        top, left, tall, wide = (
            int(log[f"0.rrc.{name}"][i]) for name in ("top", "left", "height", "width")
        )
        part = images[i, top : top + tall, left : left + wide].astype(float)
        rows = np.clip((np.arange(24) + 0.5) * tall / 24 - 0.5, 0, tall - 1)
        columns = np.clip((np.arange(32) + 0.5) * wide / 32 - 0.5, 0, wide - 1)
        expected = bilinear(bilinear(part, rows, 0), columns, 1)
        assert np.abs(made[i] - expected).max() <= 2


def bilinear(image: np.ndarray, at: np.ndarray, axis: int) -> np.ndarray:
    """Lines between the lines of an image."""
    lower = np.floor(at).astype(int)
    upper = np.minimum(lower + 1, image.shape[axis] - 1)
    weight = (at - lower).reshape([-1 if i == axis else 1 for i in range(3)])
    return image.take(lower, axis) * (1 - weight) + image.take(upper, axis) * weight


@pytest.mark.parametrize(("fill", "colour"), [("mean", (125, 123, 114)), ("77", (77,) * 3)])
def test_a_crops_padding_has_the_colour_that_it_is_given(fill: str, colour: Any) -> None:
    images = np.zeros((100, 32, 32, 3), np.uint8)
    made = Recipe.parse(f"crop4_fill{fill}")(images)
    log = Recipe.parse("crop4").parameters(np.arange(100))
    for i in range(100):
        y, x = np.mgrid[:32, :32]
        down, right = log["0.crop.top"][i] + y, log["0.crop.left"][i] + x
        outside = (down < 0) | (down > 31) | (right < 0) | (right > 31)
        assert (made[i][outside] == colour).all()
        assert not made[i][~outside].any()


def test_a_border_that_shows_the_image_takes_no_fill() -> None:
    with pytest.raises(RecipeError, match="fill is for fill mode constant; leave one of them out"):
        Recipe.parse("crop4_fillmodereflect_fillmean")


def test_a_window_is_worked_out_once_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, window = [], RandomResizedCrop._window

    def counted(op: RandomResizedCrop, *given: Any) -> Any:
        asked.append(op)
        return window(op, *given)

    monkeypatch.setattr(RandomResizedCrop, "_window", counted)
    Recipe.parse("rrc+rrc0.5-0.6")(np.zeros((3, 8, 8, 3), np.uint8))
    assert sorted(op.area for op in asked) == [(0.08, 1.0), (0.5, 0.6)]
