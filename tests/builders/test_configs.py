"""Looking up names among the configs: every recipe is one."""

import gc
import weakref

import pytest

from cifar10_aug.builders.configs import RecipeConfig, RecipeConfigs
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Config, Recipe
from tests.registering import registered


@pytest.fixture
def configs() -> RecipeConfigs:
    return RecipeConfigs([RecipeConfig(name="plain"), RecipeConfig(name="flip0.5")])


def test_presets_are_listed_first_and_every_op_once(configs: RecipeConfigs) -> None:
    assert list(configs) == ["plain", "flip0.5", *OPS]
    assert len(configs) == len(OPS) + 2
    assert list(RecipeConfigs([RecipeConfig(name="flip")])) == [
        "flip",
        *(name for name in OPS if name != "flip"),
    ]


def test_a_preset_is_found_under_any_spelling(configs: RecipeConfigs) -> None:
    preset = configs["flip0.5"]
    assert preset.parsed == Config(Recipe.parse("flip0.5"))
    assert configs["flip00.50"] is preset


def test_a_recipe_is_a_config_that_knows_itself(configs: RecipeConfigs) -> None:
    made = configs["rotate030+erase"]
    assert made.name == "rotate30+erase"
    assert made.description == "The recipe rotate30+erase."
    assert (made.recipe, made.copies) == (Recipe.parse("rotate30+erase"), 0)
    frozen = configs["rotate30+erase-x05-s7"]
    assert frozen.name == "rotate30+erase-x5-s7"
    assert frozen.description == (
        "5 frozen epochs of the recipe rotate30+erase, seed 7, one after the other."
    )
    assert (frozen.recipe, frozen.copies) == (made.recipe, 5)


def test_a_config_in_use_is_handed_out_again(configs: RecipeConfigs) -> None:
    made = configs["rotate30+erase"]
    assert configs["rotate30.0+erase"] is made
    forgotten = weakref.ref(made)
    del made
    gc.collect()
    assert forgotten() is None


def test_a_name_that_is_registered_anew_is_another_config(configs: RecipeConfigs) -> None:
    from cifar10_aug import register

    with registered():
        register("tint", lambda image, rng: image)
        before = configs["tint"]
        assert configs["tint"] is before
        register("tint", lambda image, rng: image, replace=True)
        assert configs["tint"] is not before


@pytest.mark.parametrize("name", ["flop", "flip:1.0.0", "plain-x", None, 3, b"flip"])
def test_what_is_no_recipe_is_missing_as_in_any_mapping(configs: RecipeConfigs, name: str) -> None:
    assert name not in configs
    assert configs.get(name) is None
    assert configs.get(name, configs["plain"]) is configs["plain"]
    with pytest.raises(RecipeError) as expected:
        Config.parse(name)
    with pytest.raises(KeyError) as error:
        configs[name]
    assert isinstance(error.value, RecipeError)
    assert str(error.value) == str(expected.value)


@pytest.mark.parametrize("name", ["plain", "flip", "flip0.50", "rotate+erase", "rotate-x3-s7"])
def test_what_is_a_recipe_is_there(configs: RecipeConfigs, name: str) -> None:
    assert name in configs
    assert configs.get(name) is configs[name]
