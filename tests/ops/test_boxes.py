import re

import numpy as np
import pytest
from scipy import stats

from cifar10_aug.recipes.recipe import Recipe

BLACK = np.zeros((2000, 32, 32, 3), np.uint8)


def boxes_of(changed: np.ndarray) -> np.ndarray:
    """[n, 4]: top, left, bottom, right of the changed pixels, which must be full rectangles."""
    found = []
    for mask in changed:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
        assert mask[box[0] : box[2], box[1] : box[3]].all()
        found.append(box)
    return np.array(found)


def erased(text: str) -> np.ndarray:
    return (Recipe.parse(text)(BLACK) == 200).all(axis=-1)


def test_p_says_how_many_images_are_erased() -> None:
    assert abs(erased("erase_fill200").any(axis=(1, 2)).mean() - 0.5) < 0.04
    assert not erased("erase_p0_fill200").any()
    assert erased("erase_p1_fill200").any(axis=(1, 2)).all()


def test_areas_are_uniform_over_their_range() -> None:
    areas = erased("erase_p1_fill200").mean(axis=(1, 2))
    # Whole pixels: a side is off by half a pixel at most.
    assert 0.01 < np.min(areas) < 0.03
    assert 0.38 < np.max(areas) < 0.42
    quantiles = np.quantile(areas, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quantiles, [0.115, 0.21, 0.305], atol=0.02)


def test_aspects_are_uniform_in_the_logarithm() -> None:
    boxes = boxes_of(erased("erase_p1_area0.1_fill200"))
    aspect = np.log((boxes[:, 2] - boxes[:, 0]) / (boxes[:, 3] - boxes[:, 1]))
    quantiles = np.quantile(aspect, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(
        quantiles, np.quantile([np.log(0.3), np.log(3.3)], [0.25, 0.5, 0.75]), atol=0.12
    )


def test_boxes_reach_every_side() -> None:
    boxes = boxes_of(erased("erase_p1_fill200"))
    assert boxes.min(axis=0)[:2].tolist() == [0, 0]
    assert boxes.max(axis=0)[2:].tolist() == [32, 32]


def test_a_box_that_fits_at_no_aspect_is_cut_to_the_image() -> None:
    boxes = boxes_of(erased("erase_p1_area0.9_aspect3-3_fill200"))
    assert set(map(tuple, boxes[:, [0, 2]].tolist())) == {(0, 32)}


def test_an_area_of_one_is_the_whole_image() -> None:
    assert erased("erase_p1_area1_fill200").all()


def test_a_random_fill_is_one_gray_level_an_image() -> None:
    filled = Recipe.parse("erase_p1_area1")(BLACK)
    assert (filled == filled[:, :1, :1, :1]).all()
    levels = filled[:, 0, 0, 0]
    assert (levels.min(), levels.max()) == (0, 255)
    assert len(np.unique(levels)) > 200


def test_noise_differs_for_every_pixel_and_channel() -> None:
    noise = Recipe.parse("erase_p1_area1_fillnoise")(BLACK[:50])
    assert noise.min() == 0
    assert noise.max() == 255
    assert abs(noise.mean() - 127.5) < 1
    flat = noise.reshape(50, -1).astype(float)
    assert abs(np.corrcoef(flat[:, :-1].ravel(), flat[:, 1:].ravel())[0, 1]) < 0.01
    assert len(np.unique(noise.reshape(50, -1), axis=0)) == 50


def test_the_mean_is_that_of_cifar10() -> None:
    filled = Recipe.parse("erase_p1_area1_fillmean")(BLACK[:3])
    assert filled.reshape(-1, 3).tolist() == [[125, 123, 114]] * (3 * 1024)


@pytest.mark.parametrize("level", [0, 255])
def test_a_number_is_a_level(level: int) -> None:
    gray = np.full((3, 32, 32, 3), 9, np.uint8)
    assert (Recipe.parse(f"erase_p1_area1_fill{level}")(gray) == level).all()


@pytest.mark.parametrize("text", ["cutout12_inside1", "cutout5_inside1_holes3"])
def test_squares_inside_are_whole_and_equally_likely(text: str) -> None:
    log = Recipe.parse(text).parameters(np.arange(40_000))
    size = int(re.findall("[0-9]+", text)[0])
    for key in (key for key in log if re.search("top|left", key)):
        end = log[key.replace("top", "bottom").replace("left", "right")]
        assert (end - log[key] == size).all()
        assert stats.chisquare(np.bincount(log[key], minlength=33 - size)).pvalue > 0.001
        assert log[key].max() == 32 - size


def test_several_squares_are_drawn_independently_and_all_painted() -> None:
    recipe = Recipe.parse("cutout8_holes3_fill7")
    images = np.full((50, 32, 32, 3), 200, np.uint8)
    made, log = recipe(images), recipe.parameters(np.arange(50))
    for i in range(50):
        expected = np.zeros((32, 32), bool)
        for number in ("", "2", "3"):
            top, left, bottom, right = (
                log[f"0.cutout.{side}{number}"][i] for side in ("top", "left", "bottom", "right")
            )
            expected[top:bottom, left:right] = True
        np.testing.assert_array_equal((made[i] == 7).all(-1), expected)
    many = recipe.parameters(np.arange(20_000))
    assert abs(np.corrcoef(many["0.cutout.top"], many["0.cutout.top2"])[0, 1]) < 0.03


def test_the_first_square_is_that_of_one_alone() -> None:
    one, several = (
        Recipe.parse(text).parameters(np.arange(100)) for text in ("cutout", "cutout_holes4")
    )
    for side in ("top", "left", "bottom", "right"):
        np.testing.assert_array_equal(one[f"0.cutout.{side}"], several[f"0.cutout.{side}"])


def test_a_square_larger_than_the_image_covers_it() -> None:
    images = np.full((5, 8, 10, 3), 200, np.uint8)
    assert (Recipe.parse("cutout20_inside1_fill3")(images) == 3).all()
