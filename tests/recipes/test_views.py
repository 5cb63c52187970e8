"""Several views of an example: names, pixels on arrays, draws."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.errors import PythonOpError, RecipeError
from cifar10_aug.recipes.recipe import Config, Recipe
from cifar10_aug.rng import draws
from tests import functions
from tests.recipes.test_recipe import PIXEL_OPS, recipe_text_of
from tests.registering import registered

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
MIXES = ("mixup", "cutmix", "resizemix", "labelsmooth")
one_recipe = recipe_text_of(tuple(name for name in PIXEL_OPS if name not in MIXES))
counted = st.tuples(one_recipe, st.integers(2, 5)).map(lambda pair: f"{pair[0]}-v{pair[1]}")
listed = st.lists(one_recipe | st.just("plain"), min_size=2, max_size=3).map("--".join)
views_text = (counted | listed).filter(lambda text: len(text) <= 200)


@given(views_text)
def test_a_name_with_views_is_a_recipe_and_a_config(text: str) -> None:
    recipe = Recipe.parse(text)
    assert Recipe.parse(str(recipe)) == recipe
    assert str(Recipe.parse(str(recipe))) == str(recipe)
    config = Config.parse(f"{text}-x5-s7")
    assert (config.recipe, config.copies, config.seed) == (recipe, 5, 7)
    assert str(config) == f"{recipe}-x5-s7"
    assert str(recipe.clean) == f"plain-v{len(recipe.views)}"
    assert recipe.shape == (len(recipe.views), 32, 32, 3)


@example("flip--hue+noise--flip--plain--hue+noise", 2**64 - 1, 2**32 - 1)
@settings(max_examples=25)
@given(views_text, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_each_view_is_the_recipe_on_arrays_with_the_key_of_the_view(
    text: str, seed: int, epoch: int
) -> None:
    ids = np.array([0, 7, 49_999, 2**32 - 1, 3])
    recipe = Recipe.parse(text)
    made = recipe(IMAGES, ids=ids, seed=seed, epoch=epoch)
    assert made.shape == (5, len(recipe.views), 32, 32, 3)
    source, rows = Source.of(IMAGES), np.arange(5)
    for number, view in enumerate(recipe.views):
        keys = ids.astype(np.uint64) | np.uint64(number << 40)
        expected = Engine(view.plan, seed, 32, 32)(source, rows, keys, epoch)
        np.testing.assert_array_equal(made[:, number], expected)
        given: dict[str, Any] = {"ids": ids, "seed": seed, "epoch": epoch, "view": number}
        np.testing.assert_array_equal(recipe(IMAGES, **given), expected)
        np.testing.assert_array_equal(view(IMAGES, **given), expected)
    without = recipe.views[0](IMAGES, ids=ids, seed=seed, epoch=epoch)
    np.testing.assert_array_equal(made[:, 0], without)


def test_a_view_is_what_its_recipe_says() -> None:
    recipe = Recipe.parse("plain--standard--augmix--augmix")
    assert [str(view) for view in recipe.views] == ["plain", "standard", "augmix", "augmix"]
    assert recipe.views[1].ops == Recipe.parse("crop4+flip").ops
    made = recipe(IMAGES)
    np.testing.assert_array_equal(made[:, 0], IMAGES)
    assert (made[:, 2] != made[:, 3]).any(axis=(1, 2, 3)).all()


def test_recipes_are_equal_if_their_views_are() -> None:
    assert Recipe.parse("simclr-v2") == Recipe.parse("simclr--simclr")
    assert Recipe.parse("rotate-v2") == Recipe.parse("rotate30-v02")
    assert Recipe.parse("rotate-v2") != Recipe.parse("rotate+rotate")
    assert Recipe.parse("rotate--flip") != Recipe.parse("flip--rotate")
    assert str(Recipe.parse("rotate30.0-v02")) == "rotate30-v2"


def test_a_single_image_has_views_too() -> None:
    recipe, image = Recipe.parse("rotate--erase"), IMAGES[3]
    made = recipe(image, ids=3)
    assert made.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(made, recipe(IMAGES)[3])
    images, label = recipe(image, 5, ids=3)
    np.testing.assert_array_equal(images, made)
    assert label == 5


def test_images_may_have_any_size_and_number() -> None:
    recipe = Recipe.parse("simclr+normalize-v3")
    made = recipe(np.zeros((2, 40, 24, 3), np.uint8))
    assert (made.shape, made.dtype) == ((2, 3, 40, 24, 3), np.float32)
    assert recipe(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 3, 8, 8, 3)
    assert Recipe.parse("flip--hue")(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 2, 8, 8, 3)


def test_views_draw_independently() -> None:
    ids, recipe = np.arange(20_000), Recipe.parse("rotate+rotate-v3")
    log = recipe.parameters(ids, seed=5, epoch=2)
    names = [f"view{view}.{place}.rotate.degrees" for view in range(3) for place in range(2)]
    assert list(log) == names
    elsewhere = {
        "the next example": recipe.parameters(ids + 1, seed=5, epoch=2),
        "the next epoch": recipe.parameters(ids, seed=5, epoch=3),
        "the next seed": recipe.parameters(ids, seed=6, epoch=2),
    }
    columns = [*log.values(), *(one[name] for one in elsewhere.values() for name in names)]
    found = np.corrcoef(columns)
    assert np.abs(found - np.eye(len(columns))).max() < 0.03


def test_the_log_of_a_view_is_that_of_its_recipe() -> None:
    recipe, ids = Recipe.parse("rotate+erase--plain--gray-or-hue"), np.arange(50)
    log = recipe.parameters(ids, seed=3, epoch=1)
    assert {name.split(".")[0] for name in log} == {"view0", "view2"}
    for number, view in enumerate(recipe.views):
        alone = view.parameters(ids, seed=3, epoch=1, view=number)
        assert recipe.parameters(ids, seed=3, epoch=1, view=number).keys() == alone.keys()
        for name, values in alone.items():
            np.testing.assert_array_equal(log[f"view{number}.{name}"], values)
    degrees = log["view0.0.rotate.degrees"]
    np.testing.assert_array_equal(
        degrees, Recipe.parse("rotate").parameters(ids, seed=3, epoch=1)["0.rotate.degrees"]
    )


def test_views_alternate_their_flips_each_for_itself() -> None:
    recipe, ids = Recipe.parse("altflip-v2"), np.arange(400)
    one, two = (recipe.parameters(ids, epoch=epoch) for epoch in (0, 1))
    for name in ("view0.0.altflip.flipped", "view1.0.altflip.flipped"):
        np.testing.assert_array_equal(one[name], ~two[name])
    agree = (one["view0.0.altflip.flipped"] == one["view1.0.altflip.flipped"]).mean()
    assert 0.4 < agree < 0.6


def test_registered_functions_get_a_generator_for_each_view() -> None:
    with registered({"backend": "threading"}, speckle=functions.speckle):
        recipe = Recipe.parse("speckle-v2")
        made = recipe(IMAGES, ids=range(5))
        assert (made[:, 0] != made[:, 1]).any(axis=(1, 2, 3)).all()
        for number in range(2):
            alone = recipe.views[0](IMAGES, ids=range(5), view=number)
            np.testing.assert_array_equal(made[:, number], alone)
        several = Recipe.parse("speckle--flip+speckle--speckle")(IMAGES, ids=range(5))
        np.testing.assert_array_equal(several[:, 0], made[:, 0])


def test_a_function_that_fails_names_the_view() -> None:
    images = functions.numbered(5)
    with registered({"backend": "threading"}, dark=functions.dark):
        with pytest.raises(
            PythonOpError, match=r"recipe 'plain--dark2': op dark fails on example train_00002 "
        ) as error:
            Recipe.parse("plain--dark2")(images, n_jobs=1)
        assert "train_00002 (view 1): " in str(error.value)
        with pytest.raises(PythonOpError, match="on example train_00002: "):
            Recipe.parse("dark2--plain")(images, n_jobs=1)


def test_the_label_is_that_of_the_example() -> None:
    labels = np.arange(5)
    images, same = Recipe.parse("flip--hue")(IMAGES, labels)
    assert same is labels
    assert images.shape == (5, 2, 32, 32, 3)
    text = "labelsmooth_p0.5"
    alone, ids = Recipe.parse(text), np.arange(5) + 40
    _, expected = alone(IMAGES, labels, ids=ids)
    assert 0 < (expected == 1).any(axis=1).sum() < 5
    several = Recipe.parse(f"{text}--flip+{text}")
    assert several.softens
    for view in (None, 0, 1):
        _, found = several(IMAGES, labels, ids=ids, view=view)
        np.testing.assert_array_equal(found, expected)
    _, found = alone(IMAGES, labels, ids=ids, view=1)
    np.testing.assert_array_equal(found, expected)


def test_splits_that_are_not_augmented_have_as_many_views() -> None:
    clean = Recipe.parse("flip+normalize--erase+normalize").clean
    assert str(clean) == "normalize-v2"
    made = clean(IMAGES)
    expected = Recipe.parse("normalize")(IMAGES)
    np.testing.assert_array_equal(made, np.stack([expected, expected], axis=1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("simclr-v1", "'simclr-v1': write -v2 or more, or for one view the recipe without -v1"),
        ("flip-v0", "'flip-v0': write -v2 or more, or for one view the recipe without -v0"),
        ("flip-v65", "'flip-v65' has too many views; an element holds all of them, 64 at most"),
        (
            "flip-v999999999",
            "'flip-v999999999' has too many views; an element holds all of them, 64 at most",
        ),
        (
            "simclr-v2--plain",
            "'simclr-v2--plain': -v repeats a recipe that stands alone; between --, write each "
            "view out, such as 'simclr--simclr'",
        ),
        (
            "plain--simclr-v2",
            "'plain--simclr-v2': -v repeats a recipe that stands alone; between --, write each "
            "view out, such as 'simclr--simclr'",
        ),
        (
            "simclr-v2+normalize",
            "'simclr-v2' in recipe 'simclr-v2+normalize': -v2 counts views of a whole recipe; put "
            "it at the end, after the last op",
        ),
        ("flip--", "'flip--': a recipe is missing before or after --; plain is the clean image"),
        (
            "flip--plain+hue",
            "'plain' in recipe 'flip--plain+hue': plain stands alone; leave it out or write "
            "nothing else",
        ),
        (
            "flip--standard+mixup",
            "'flip--standard+mixup': mixup mixes examples, and views are of one example; leave out "
            "mixup, or ask for one view",
        ),
        (
            "mixup-or-cutmix-v2",
            "'mixup-or-cutmix-v2': mixup mixes examples, and views are of one example; leave out "
            "mixup, or ask for one view",
        ),
        (
            "flip--plain--hue+rescale",
            "'flip--plain--hue+rescale': all views have one range of pixels and one label, and "
            "'flip' has nothing for them where 'hue+rescale' has rescale; give all views the same",
        ),
        (
            "flip+rescale--normalize",
            "'flip+rescale--normalize': all views have one range of pixels and one label, and "
            "'flip+rescale' has rescale for them where 'normalize' has normalize; give all views "
            "the same",
        ),
        (
            "labelsmooth--flip",
            "'labelsmooth--flip': all views have one range of pixels and one label, and "
            "'labelsmooth' has labelsmooth for them where 'flip' has nothing; give all views the "
            "same",
        ),
    ],
)
def test_views_that_cannot_be_say_what_to_write(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        Recipe.parse(text)
    assert str(error.value) == message


def test_a_function_may_be_called_like_a_number_of_views() -> None:
    with registered(v2=functions.speckle):
        recipe = Recipe.parse("flip-or-v2")
        assert not recipe.views
        assert Recipe.parse("flip-or-v2-v2").views == (recipe, recipe)
        assert Recipe.parse("v2--v2+flip-or-v2+hue").views[0].ops == Recipe.parse("v2").ops


def test_the_graph_engine_names_what_does_not_run_in_any_view() -> None:
    from cifar10_aug.engines.tensorflow import support

    assert support.runs(Recipe.parse("flip--hue").plan)
    with (
        registered(speckle=functions.speckle),
        pytest.raises(RecipeError, match=r"^speckle in flip--hue\+speckle does not run as a graph"),
    ):
        support.check(Recipe.parse("flip--hue+speckle").plan, "leave it out")


def test_sixty_four_views_are_allowed() -> None:
    assert len(Recipe.parse("flip-v64").views) == draws.MOST_VIEWS == 64
    with registered(x=functions.speckle):
        text = "--".join(["x"] * 64)
        assert len(Recipe.parse(text).views) == 64
        with pytest.raises(RecipeError, match="64 at most"):
            Recipe.parse(f"{text}--x")


def test_all_views_together_are_no_longer_than_a_name() -> None:
    one, other = "+".join(["hue"] * 25), "+".join(["flip"] * 19)
    assert len(Recipe.parse(f"{one}--{other}+gray").views) == 2
    with pytest.raises(RecipeError, match="the recipe has 201 characters; 200 are allowed"):
        Recipe.parse(f"{one}--{other}+erase")


@pytest.mark.parametrize(
    ("text", "view", "message"),
    [
        ("flip-v2", 2, "view is 2; give a whole number from 0 to 1"),
        ("flip", 64, "view is 64; give a whole number from 0 to 63"),
        ("flip", -1, "view is -1; give a whole number from 0 to 63"),
        ("flip-v2", "0", "view is '0'; give a whole number from 0 to 1"),
        ("flip+mixup", 1, "view is 1, and flip+mixup mixes examples: leave view out"),
    ],
)
def test_a_view_that_is_none_says_what_is_allowed(text: str, view: Any, message: str) -> None:
    recipe = Recipe.parse(text)
    for call in (lambda: recipe(IMAGES, view=view), lambda: recipe.parameters([0], view=view)):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            call()
