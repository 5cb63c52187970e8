"""Each op that recolours against Pillow, SciPy or the standard library."""

from __future__ import annotations

import colorsys
import dataclasses
import io
import itertools
from collections.abc import Callable
from typing import Any

import albumentations
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage, stats

from cifar10_aug.recipes.recipe import Recipe

Reference = Callable[[Image.Image], Any]


@pytest.fixture(scope="module")
def images(sample_images: np.ndarray) -> np.ndarray:
    """Pictures, noise, and images of one colour and two."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (8, 32, 32, 3), np.uint8)
    narrow = rng.integers(90, 130, (4, 32, 32, 3), np.uint8)
    flat = np.full((1, 32, 32, 3), [7, 200, 90], np.uint8)
    two = np.where(rng.random((1, 32, 32, 1)) < 0.5, flat, 255 - flat).astype(np.uint8)
    return np.concatenate([sample_images[:30], noise, narrow, flat, two])


def enhanced(enhancer: Any, factor: float) -> Reference:
    return lambda image: enhancer(image).enhance(factor)


def blurred(sigma: float) -> Reference:
    def blur(image: Image.Image) -> np.ndarray:
        levels = np.asarray(image).astype(float)
        made = ndimage.gaussian_filter(levels, (sigma, sigma, 0), mode="reflect", truncate=3.001)
        return np.rint(made)

    return blur


def turned(turn: float) -> Reference:
    def turn_hue(image: Image.Image) -> np.ndarray:
        levels = np.asarray(image) / 255.0
        made = np.empty_like(levels)
        for place in np.ndindex(levels.shape[:2]):
            hue, saturation, value = colorsys.rgb_to_hsv(*levels[place])
            made[place] = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
        return np.rint(made * 255)

    return turn_hue


def raised(gamma: float) -> Reference:
    """As torchvision's adjust_gamma on Pillow's images."""
    table = [int((255 + 1 - 1e-3) * pow(level / 255.0, gamma)) for level in range(256)]
    return lambda image: image.point(3 * table)


def added(addition: int, threshold: int) -> Reference:
    """As timm's solarize_add."""
    table = [min(255, level + addition) for level in range(threshold)]
    return lambda image: image.point(3 * [*table, *range(threshold, 256)])


FACTORS = (0, 0.3, 0.7, 1, 1.5, 5)
# recipe, what it is to equal, and how many levels apart a few pixels may be
CASES: list[tuple[str, Reference, int]] = [
    *((f"brightness{f}-{f}", enhanced(ImageEnhance.Brightness, f), 1) for f in FACTORS),
    *((f"contrast{f}-{f}", enhanced(ImageEnhance.Contrast, f), 1) for f in FACTORS),
    *((f"saturation{f}-{f}", enhanced(ImageEnhance.Color, f), 1) for f in FACTORS),
    *((f"sharpness{f}-{f}", enhanced(ImageEnhance.Sharpness, f), 1) for f in FACTORS),
    *((f"gamma{g}-{g}", raised(g), 0) for g in (0.1, 0.5, 1, 1.7, 10)),
    *((f"solarizeadd{n}_threshold128", added(n, 128), 0) for n in (0, 37, 110)),
    *((f"solarizeadd255_threshold{t}", added(255, t), 0) for t in (0, 3, 256)),
    ("gray_p1", lambda image: image.convert("L").convert("RGB"), 0),
    ("invert_p1", ImageOps.invert, 0),
    ("autocontrast_p1", ImageOps.autocontrast, 0),
    ("equalize_p1", ImageOps.equalize, 0),
    *((f"posterize{n}_p1", lambda image, n=n: ImageOps.posterize(image, n), 0) for n in (1, 4, 8)),
    *((f"solarize{n}_p1", lambda image, n=n: ImageOps.solarize(image, n), 0) for n in (0, 99, 256)),
    *((f"blur{s}-{s}", blurred(s), 1) for s in (0.1, 0.5, 1, 2, 5)),
    *((f"hue{t}-{t}", turned(t), 1) for t in (0, 0.1, 0.3, 0.5)),
]


@pytest.mark.parametrize(("text", "expected", "apart"), CASES, ids=[text for text, *_ in CASES])
def test_levels_are_those_of_an_independent_reference(
    text: str, expected: Reference, apart: int, images: np.ndarray
) -> None:
    if text.startswith("hue"):
        images = images[::5]
    made = Recipe.parse(text)(images).astype(int)
    theirs = np.stack([np.asarray(expected(Image.fromarray(image))) for image in images])
    differences = np.abs(made - theirs.astype(int))
    assert differences.max() <= apart
    assert differences.mean() <= 0.05


@pytest.mark.parametrize("by", [-200, -20.5, 0, 13.7, 255])
def test_a_channel_shift_keeps_to_the_images_range(by: float, images: np.ndarray) -> None:
    keras = pytest.importorskip("tensorflow").keras.preprocessing.image
    op = Recipe.parse("channelshift").ops[0]
    recipe = Recipe("shifted", (dataclasses.replace(op, range=(by, by)),))  # type: ignore[call-arg]
    theirs = np.stack([keras.apply_channel_shift(image.astype(float), by) for image in images])
    np.testing.assert_array_equal(recipe(images), theirs.astype(np.uint8))


@pytest.mark.parametrize("text", ["rgbshift100", "rgbshift10-100"])
def test_each_channel_is_shifted_by_what_is_logged(text: str, images: np.ndarray) -> None:
    log = Recipe.parse(text).parameters(np.arange(len(images)))
    for i, (image, ours) in enumerate(zip(images, Recipe.parse(text)(images), strict=True)):
        shifts = [float(log[f"0.rgbshift.{channel}"][i]) for channel in ("red", "green", "blue")]
        theirs = np.clip(image + np.array(shifts), 0, 255).astype(np.uint8)
        np.testing.assert_array_equal(ours, theirs)
        if min(shifts) > 1:  # Less is a fraction there.
            transform = albumentations.RGBShift(*((by, by) for by in shifts), p=1)
            assert np.abs(transform(image=image)["image"].astype(int) - ours).max() <= 1


def test_channels_are_shuffled_as_logged(images: np.ndarray) -> None:
    made = Recipe.parse("channelshuffle")(images)
    log = Recipe.parse("channelshuffle").parameters(np.arange(len(images)))
    orders = log["0.channelshuffle.channels"]
    assert set(orders.tolist()) == {"rgb", "rbg", "grb", "gbr", "brg", "bgr"}
    for image, ours, order in zip(images, made, orders, strict=True):
        np.testing.assert_array_equal(ours, image[..., ["rgb".index(c) for c in order]])


@pytest.mark.parametrize("amount", [0.03, 0.5, 1])
def test_salt_and_pepper_are_whole_pixels_equally_often(amount: float) -> None:
    grey = np.full((200, 32, 32, 3), [9, 128, 77], np.uint8)
    made = Recipe.parse(f"saltpepper{amount}")(grey)
    salt, pepper = (made == 255).all(-1), (made == 0).all(-1)
    np.testing.assert_array_equal(made[~salt & ~pepper], grey[~salt & ~pepper])
    found = [salt.sum(), pepper.sum(), (~salt & ~pepper).sum()]
    expected = np.array([amount / 2, amount / 2, 1 - amount]) * salt.size
    kinds = expected > 0
    assert stats.chisquare(np.array(found)[kinds], expected[kinds]).pvalue > 0.001
    assert sum(found) == sum(np.array(found)[kinds])
    for one, other in ((salt[:, :, 1:], salt[:, :, :-1]), (salt[:, 1:], salt[:, :-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01
    assert (Recipe.parse(f"saltpepper{amount}")(grey, epoch=1) != made).any()


def test_every_example_has_its_own_amount_of_salt_and_pepper() -> None:
    white = np.full((300, 32, 32, 3), 128, np.uint8)
    made = Recipe.parse("saltpepper0-1")(white)
    amounts = Recipe.parse("saltpepper0-1").parameters(np.arange(300))["0.saltpepper.amount"]
    shares = (made != 128).any(-1).mean(axis=(1, 2))
    # Five deviations of a share of 1,024 pixels.
    assert np.abs(shares - amounts).max() < 5 * 0.5 / 32
    assert (Recipe.parse("saltpepper0")(white) == white).all()


def test_jpeg_is_pillows_at_the_quality_that_is_logged(images: np.ndarray) -> None:
    made = Recipe.parse("jpeg1-100")(images)
    log = Recipe.parse("jpeg1-100").parameters(np.arange(len(images)))["0.jpeg.quality"]
    for image, ours, quality in zip(images, made, log.tolist(), strict=True):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        np.testing.assert_array_equal(ours, np.asarray(Image.open(file)))


def test_noise_is_normal_and_independent() -> None:
    grey = np.full((200, 32, 32, 3), 128, np.uint8)
    made = Recipe.parse("noise20-20")(grey).astype(int) - 128
    # Rounded to levels, which adds a variance of 1/12.
    assert abs(made.mean()) < 0.2
    assert abs(made.std() - np.sqrt(400 + 1 / 12)) < 0.2
    assert stats.kstest(made.ravel()[::37] + np.random.default_rng(0).uniform(-0.5, 0.5, 16606),
                        stats.norm(0, 20).cdf).pvalue > 0.001  # fmt: skip
    for one, other in ((made[..., 0], made[..., 1]), (made[:, :, 1:], made[:, :, :-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01
    again = Recipe.parse("noise20-20")(grey, epoch=1).astype(int) - 128
    assert abs(np.corrcoef(made.ravel(), again.ravel())[0, 1]) < 0.01


def test_a_colour_jitter_is_its_four_parts() -> None:
    images = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 3), np.uint8)
    fixed = "brightness1.2-1.2_contrast0.7-0.7_saturation1.5-1.5_hue0.1-0.1"
    made = Recipe.parse(f"colorjitter_{fixed}")(images)
    parts = Recipe.parse("+".join(fixed.split("_")))(images)
    np.testing.assert_array_equal(made, parts)
    # Each part draws for itself.
    drawn = Recipe.parse("colorjitter_contrast1-1_saturation1-1_hue0-0")(images)
    np.testing.assert_array_equal(drawn, Recipe.parse("brightness")(images))


def test_large_images_are_equalized_as_pillow_does() -> None:
    rng = np.random.default_rng(4)
    # 49 pixels a level and more, whose reciprocals are not all rounded up.
    for side in range(112, 132):
        image = rng.normal(120, 50, (side, side, 3)).clip(0, 255).astype(np.uint8)
        made = Recipe.parse("equalize_p1")(image[None])[0]
        expected = ImageOps.equalize(Image.fromarray(image))
        np.testing.assert_array_equal(made, np.asarray(expected))


@pytest.mark.parametrize("name", ["gray", "invert", "autocontrast", "equalize", "posterize"])
def test_p_says_how_often(name: str, sample_images: np.ndarray) -> None:
    images = np.random.default_rng(2).integers(5, 250, (1000, 32, 32, 3), np.uint8)
    changed = (Recipe.parse(f"{name}_p0.3")(images) != images).any(axis=(1, 2, 3))
    assert abs(changed.mean() - 0.3) < 0.06
    assert (Recipe.parse(f"{name}_p0")(images) == images).all()


def test_cutout_paints_a_square_that_the_border_cuts_off() -> None:
    black = np.zeros((3000, 32, 32, 3), np.uint8)
    cut = (Recipe.parse("cutout8_fill200")(black) == 200).all(axis=-1)
    for mask in cut:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        assert mask.sum() == tall * wide
        assert tall == 8 or rows[0] == 0 or rows[-1] == 31
        assert wide == 8 or columns[0] == 0 or columns[-1] == 31
        assert 4 <= tall <= 8
        assert 4 <= wide <= 8
    # Centres are uniform, so that the middle of the image is painted 64 times in 1024.
    assert abs(cut[:, 8:24, 8:24].mean() - 64 / 1024) < 0.004
    mean = Recipe.parse("cutout_p1")(black)
    assert {tuple(pixel) for pixel in mean[mean.any(axis=-1)].tolist()} == {(125, 123, 114)}
    assert not Recipe.parse("cutout_p0")(black).any()


def test_an_alternating_flip_shows_both_sides_in_any_two_epochs(sample_images: np.ndarray) -> None:
    images = sample_images[:400]
    recipe = Recipe.parse("altflip")
    epochs = [recipe(images, epoch=epoch) for epoch in range(4)]
    flipped = (epochs[0] != images).any(axis=(1, 2, 3))
    assert 0.4 < flipped.mean() < 0.6
    for one, two in itertools.pairwise(epochs):
        np.testing.assert_array_equal(one, two[:, :, ::-1])
    np.testing.assert_array_equal(epochs[0], epochs[2])


def test_strokes_act_in_the_recipes_order(sample_images: np.ndarray) -> None:
    images = sample_images[:20]
    for text in (
        "invert_p1+cutout_fill9",
        "cutout_fill9+invert_p1",
        "flip_p1+equalize_p1+erase_p1",
    ):
        whole = Recipe.parse(text)(images)
        step = images
        ops = Recipe.parse(text).ops
        for position, op in enumerate(ops):
            # The op at its position, after others that do nothing.
            idle = Recipe.parse("flip_p0").ops[0]
            step = Recipe("step", (*[idle] * position, op))(step)
        np.testing.assert_array_equal(whole, step)
