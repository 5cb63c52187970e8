from collections import Counter

import cv2
import numpy as np
import pytest

from cifar10_aug.recipes.recipe import Recipe

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
