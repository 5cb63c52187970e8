import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_aug.engines.numba import pixelwise
from cifar10_aug.engines.numba.batch import Batch
from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.ops import OPS
from cifar10_aug.ops.base import AffineOp, BoxOp, ImageOp, LookupTableOp
from cifar10_aug.ops.colours import ColorJitter
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws
from tests.engines import pixelwise_reference, reference
from tests.recipes.test_recipe import PIXEL_OPS, recipe_text, recipe_text_of

RECIPES = [
    "plain",
    "rotate",
    "rotate_fillmodereflect",
    "rotate_fillmodeconstant_cval77",
    "crop4",
    "crop4_fillmodereflect",
    "crop9_fillmodenearest",
    "flip+flipud",
    "flip+crop4+flipud",
    "scalecrop",
    "standard+rotate",
    "rotate+crop4",
    "crop4_fillmodereflect+shear+zoom_fillmodereflect",
    "erase",
    "erase_p1_fillnoise",
    "rotate+erase_p1+rotate",
    "erase_p1+erase_p1_fillmean+flip",
]


def noise_images(count: int, height: int = 32, width: int = 32) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def assert_close(ours: np.ndarray, theirs: np.ndarray, constant: bool) -> None:
    """≤ 2 levels at most and ≤ 0.5 on average; at a constant border's edge a pixel may fall to
    either side, by rounding."""
    apart = np.abs(ours.astype(int) - theirs.astype(int))
    if constant:
        edge = apart.max(axis=-1) > 2
        assert edge.mean() < 0.02
        apart = apart[~edge]
    assert apart.max() <= 2
    assert apart.mean() <= 0.5


@pytest.mark.parametrize("text", RECIPES)
@pytest.mark.parametrize(("height", "width"), [(32, 32), (17, 23)])
def test_the_engine_does_what_the_slow_reference_does(text: str, height: int, width: int) -> None:
    recipe = Recipe.parse(text)
    images = noise_images(4, height, width)
    ours = recipe(images, ids=np.arange(4), seed=5, epoch=2)
    theirs = np.stack([reference.augment(recipe, images[i], i, 2, 5) for i in range(4)])
    assert_close(ours, theirs, constant=True)


KEYS = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))


def made_of(wanted: Callable[[type], bool]) -> Any:
    """Recipes of the ops that are wanted."""
    return recipe_text_of(tuple(name for name in PIXEL_OPS if wanted(OPS[name])))


def interpolates_nothing(op: type) -> bool:
    if issubclass(op, AffineOp):
        return op.pixel_aligned
    if issubclass(op, ImageOp):
        return op.process in (*pixelwise_reference.PROCESSES, "noises.add_normal")
    return issubclass(op, (BoxOp, LookupTableOp, ColorJitter))


def apart_from_reference(text: str, key: tuple[int, int, int]) -> np.ndarray:
    """By how many levels a recipe's image differs from the slow reference's."""
    recipe = Recipe.parse(text)
    images = noise_images(1, 12, 15)
    number, epoch, seed = key
    ours = recipe(images, ids=[number], seed=seed, epoch=epoch)
    theirs = reference.augment(recipe, images[0], number, epoch, seed)[None]
    return np.abs(ours.astype(int) - theirs.astype(int))


@settings(max_examples=60)
@given(made_of(interpolates_nothing), KEYS)
def test_any_recipe_that_interpolates_nothing_does_exactly_that(
    text: str, key: tuple[int, int, int]
) -> None:
    apart = apart_from_reference(text, key)
    if re.search("hue|blur|colorjitter", text):
        # Sums of floats in another order: a level may be rounded the other way.
        assert (apart > 1).mean() < 0.02
    else:
        assert apart.max() == 0


@settings(max_examples=25)
@given(made_of(lambda op: issubclass(op, (AffineOp, BoxOp))), KEYS)
def test_any_recipe_that_moves_pixels_does_what_the_slow_reference_does(
    text: str, key: tuple[int, int, int]
) -> None:
    # Where resampled pixels are resampled again, roundings add up.
    apart = apart_from_reference(text, key).max(axis=-1)
    assert (apart > 4).mean() < 0.05
    assert np.median(apart) <= 1


@pytest.mark.parametrize("border", ["nearest", "reflect", "constant_cval9"])
@pytest.mark.parametrize("size", [(1, 8192), (8192, 1), (2, 4096)])
def test_maps_of_large_images_are_not_drawn_in(size: tuple[int, int], border: str) -> None:
    recipe, images = Recipe.parse(f"zoom10-10_fillmode{border}"), noise_images(1, *size)
    theirs = reference.augment(recipe, images[0], 0, 0, 0)
    assert np.abs(recipe(images)[0] - theirs).max() <= 1  # Halves are rounded up.


@pytest.mark.parametrize("border", ["", "_fillmodereflect", "_fillmodeconstant"])
def test_maps_of_small_images_may_reach_far(border: str) -> None:
    # 32 pixels, each 10,000 apart: only where the middle is read lies within.
    recipe = Recipe.parse("+".join([f"zoom10-10{border}"] * 4))
    images = noise_images(1)
    theirs = reference.augment(recipe, images[0], 0, 0, 0)
    assert np.abs(recipe(images)[0] - theirs).max() <= 1  # Halves are rounded up.


def test_maps_that_reach_farther_than_64_bits_show_the_border() -> None:
    recipe = Recipe.parse("+".join(["zoom10-10_fillmodeconstant"] * 6))
    assert not recipe(noise_images(2) | 1).any()


def test_ids_are_the_same_in_an_array_of_objects() -> None:
    recipe, images = Recipe.parse("rotate"), noise_images(3)
    expected = recipe(images, ids=[5, 2**32 - 1, 7])
    ids = np.array([5, np.uint32(2**32 - 1), "train_00007"], object)
    assert (recipe(images, ids=ids) == expected).all()


def test_neighbouring_geometric_ops_resample_once() -> None:
    # Eight turns by 45 degrees are none; resampled eight times, noise would be a blur. The corners
    # are lost on the way.
    images = noise_images(3)
    turned = Recipe.parse("+".join(["rotate45-45"] * 8))(images)
    y, x = np.mgrid[:32, :32] - 15.5
    apart = np.abs(turned.astype(int) - images)[:, y * y + x * x < 15**2]
    assert apart.max() <= 2


def test_flips_and_shifts_of_whole_pixels_blend_nothing() -> None:
    images = noise_images(50)
    moved = Recipe.parse("crop4+flip+flipud")(images)
    for before, after in zip(images, moved, strict=True):
        levels = {tuple(pixel) for pixel in before.reshape(-1, 3).tolist()} | {(0, 0, 0)}
        assert {tuple(pixel) for pixel in after.reshape(-1, 3).tolist()} <= levels


def test_copying_gives_what_interpolating_gives() -> None:
    images = noise_images(64)
    for border in ("constant", "nearest", "reflect"):
        copied = Recipe.parse(f"crop5_fillmode{border}+flip+flipud")
        # A turn by nothing makes it an interpolation.
        interpolated = Recipe(copied.name, (*copied.ops, *Recipe.parse("rotate0-0").ops))
        assert (copied(images) == interpolated(images)).all()


@pytest.mark.parametrize(
    "text", ["flip+randaugment_p0.5", "autoaugment", "trivialaugment_p0.5-or-timmaugment"]
)
def test_outcomes_are_looked_up_as_they_are_worked_out(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, images = Recipe.parse(text), noise_images(300)
    made = recipe(images)
    monkeypatch.setattr(Batch, "can_tabulate", lambda batch, steps: False)
    assert (recipe(images) == made).all()
    # One by one, choice by choice.
    monkeypatch.setattr(pixelwise, "one_of", lambda steps: False)
    assert (recipe(images) == made).all()


@settings(max_examples=20)
@given(recipe_text, st.permutations(range(8)), st.integers(1, 7))
def test_batching_and_order_change_nothing(text: str, order: list[int], cut: int) -> None:
    recipe, images = Recipe.parse(text), noise_images(8)
    ids = np.arange(8)
    partners = (images, None, ids) if recipe.mixes else None

    def augmented(chosen: np.ndarray) -> Any:
        return recipe(images[chosen], ids=chosen, seed=3, epoch=1, partners=partners)

    whole = augmented(ids)
    assert (augmented(np.array(order)) == whole[order]).all()
    parts = [augmented(ids[s]) for s in (slice(cut), slice(cut, 8))]
    assert (np.concatenate(parts) == whole).all()


@settings(max_examples=20)
@given(recipe_text)
def test_shape_and_dtype_are_static(text: str) -> None:
    images = noise_images(2, 20, 24)
    assert Recipe.parse(text)(images).shape == images.shape
    assert Recipe.parse(text)(images).dtype == np.uint8
    floats = Recipe.parse(f"{text}+rescale")(images)
    assert floats.shape == images.shape
    assert floats.dtype == np.float32
    assert 0 <= floats.min() <= floats.max() <= 1


def test_one_image_is_a_batch_of_one() -> None:
    images = noise_images(2)
    recipe = Recipe.parse("rotate+erase")
    both = recipe(images, ids=[8, 9], epoch=4)
    assert (recipe(images[1], ids=9, epoch=4) == both[1]).all()
    assert recipe(images[1]).shape == (32, 32, 3)


def test_names_are_ids_too() -> None:
    images = noise_images(2)
    recipe = Recipe.parse("rotate+erase_p1")
    by_name = recipe(images, ids=["train_00041", b"train_00042"])
    assert (by_name == recipe(images, ids=[41, 42])).all()
    # The test split's examples have separate draws.
    assert (recipe(images, ids=["test_00041", "test_00042"]) != by_name).any()


def test_no_images_are_no_images() -> None:
    assert Recipe.parse("rotate+erase")(np.empty((0, 32, 32, 3), np.uint8)).shape == (0, 32, 32, 3)


def test_threads_do_not_disturb_each_other() -> None:
    source, keys = Source.of(noise_images(64)), draws.example_keys(np.arange(64))
    engine = Engine(Recipe.parse("rotate+erase_fillnoise+rotate").plan, 0, 32, 32)
    alone = [engine(source, np.arange(64), keys, epoch).copy() for epoch in range(16)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda e: engine(source, np.arange(64), keys, e), range(16)))
    assert all((a == b).all() for a, b in zip(alone, together, strict=True))


def test_normalize_is_the_documented_formula() -> None:
    images = noise_images(4)
    mean, std = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2470, 0.2435, 0.2616])
    expected = (images / 255 - mean) / std
    np.testing.assert_allclose(Recipe.parse("normalize")(images), expected, atol=1e-6)


def test_rescale_is_a_division_by_255() -> None:
    images = noise_images(4)
    np.testing.assert_allclose(Recipe.parse("rescale")(images), images / 255, atol=1e-7)


def test_value_range_ops_act_at_the_end_wherever_they_stand() -> None:
    images = noise_images(8)
    first = Recipe.parse("rotate+erase_p1+normalize")(images)
    # The position of an op is part of its draws' key, so the other order needs fixed parameters.
    fixed = "rotate20-20+crop0_fillmodereflect+flip_p1"
    last = Recipe.parse(f"{fixed}+normalize")(images)
    assert (Recipe.parse(f"normalize+{fixed}")(images) == last).all()
    assert first.dtype == np.float32


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (28, 28), (96, 96), (224, 224)])
def test_images_of_other_sizes_work(height: int, width: int) -> None:
    images = noise_images(2, height, width)
    for text in ("rotate+erase", "scalecrop", "standard", "zoom_fillmodereflect+crop4"):
        out = Recipe.parse(text)(images)
        assert out.shape == images.shape
    assert (Recipe.parse("rotate0-0")(images) == images).all()


def test_maps_that_reach_absurdly_far_show_the_border() -> None:
    images = noise_images(2)
    far = Recipe.parse("+".join(["zoom10-10"] * 8))(images)
    assert far.shape == images.shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"images": np.zeros((2, 32, 32, 3), np.float32)},
            "images are float32 of shape [2, 32, 32, 3]; give uint8 of shape "
            "[batch, height, width, 3] or [height, width, 3]",
        ),
        (
            {"images": np.zeros((32, 32), np.uint8)},
            "images are uint8 of shape [32, 32]; give uint8 of shape "
            "[batch, height, width, 3] or [height, width, 3]",
        ),
        (
            {"images": np.zeros((1, 0, 5, 3), np.uint8)},
            "images are 0 by 5 pixels; 1 to 8192 a side are allowed",
        ),
        ({"ids": [1]}, "ids have shape [1]; give one for each of the 2 images"),
        ({"ids": [1, -1]}, "an id is -1; give a whole number from 0 to 4294967295"),
        ({"ids": [0.5, 1.0]}, "ids are float64; give integers, or names such as train_00042"),
        (
            {"ids": ["train_1", "../x"]},
            "an id is '../x'; give integers, or names such as train_00042",
        ),
        (
            {"ids": np.array([1, 2.5], object)},
            "an id is 2.5; give a whole number from 0 to 4294967295",
        ),
        ({"labels": [1, 2, 3]}, "labels are 3; give one for each of the 2 images"),
        ({"labels": 7}, "labels are of type int; give one for each of the 2 images"),
        ({"seed": -1}, "seed is -1; give a whole number from 0 to 18446744073709551615"),
        ({"seed": 1.5}, "seed is 1.5; give a whole number from 0 to 18446744073709551615"),
        ({"epoch": 2**32}, "epoch is 4294967296; give a whole number from 0 to 4294967295"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    images = arguments.pop("images", noise_images(2))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Recipe.parse("rotate")(images, **arguments)
