"""Labels that are not quite sure."""

import numpy as np
import pytest

from cifar10_aug.recipes.recipe import Recipe

IMAGES = np.random.default_rng(1).integers(0, 256, (40, 8, 8, 3), np.uint8)
LABELS = np.arange(40) % 10


@pytest.mark.parametrize("smoothing", ["0", "0.1", "0.2", "1"])
def test_all_classes_share_what_a_label_gives_away(smoothing: str) -> None:
    made, labels = Recipe.parse(f"flip_p0+labelsmooth{smoothing}")(IMAGES, LABELS)
    np.testing.assert_array_equal(made, IMAGES)
    share = float(smoothing)
    # PyTorch's CrossEntropyLoss(label_smoothing=…) compares with this.
    expected = np.full((40, 10), share / 10)
    expected[np.arange(40), LABELS] += 1 - share
    assert labels.dtype == np.float32
    np.testing.assert_allclose(labels, expected, atol=1e-7)


def test_smoothing_and_mixing_may_come_in_any_order() -> None:
    (_, before), (_, after) = (
        Recipe.parse(text)(IMAGES, LABELS, seed=2)
        for text in ("labelsmooth0.2+flip+mixup", "mixup_p1+flip_p0.5+labelsmooth0.2")
    )
    np.testing.assert_allclose(before.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(after.sum(1), 1, atol=1e-6)
    # The least share that any class has.
    np.testing.assert_allclose([before.min(), after.min()], 0.02, atol=1e-6)


def test_a_coin_may_decide_who_is_smooth() -> None:
    recipe = Recipe.parse("labelsmooth_p0.5")
    _, labels = recipe(IMAGES, LABELS)
    smooth = recipe.parameters(np.arange(40))["0.labelsmooth.applied"]
    np.testing.assert_array_equal(labels.max(1) < 1, smooth)
    assert 5 < smooth.sum() < 35
