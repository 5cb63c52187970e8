import numpy as np
import pytest

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
