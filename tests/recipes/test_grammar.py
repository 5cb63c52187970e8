"""The limits of the grammar, and its errors to the word, where test_recipe.py has none."""

from typing import Any

import numpy as np
import pytest

from cifar10_aug.engines import arrays
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.fields import normalise_number
from cifar10_aug.recipes.grammar import quote
from cifar10_aug.recipes.recipe import MOST_COPIES, Config, Recipe
from cifar10_aug.rng.draws import SEED_LIMIT
from tests.registering import registered


def nothing(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return image


def tint(image: np.ndarray, rng: np.random.Generator, a: int = 1, ab: int = 2) -> np.ndarray:
    return image


def refused(text: Any) -> str:
    with pytest.raises(RecipeError) as error:
        Recipe.parse(text)
    return str(error.value)


@pytest.mark.parametrize("text", [None, b"flip"])
def test_a_recipe_is_a_str(text: Any) -> None:
    assert refused(text) == (
        f"the recipe is of type {type(text).__name__}; write it as a str, for example "
        "'rotate30+erase'"
    )


def test_two_hundred_characters_are_allowed() -> None:
    with registered(xx=nothing):
        text = "+".join(["xx"] * 67)
        assert len(text) == 200
        # So there is something else that is wrong with it.
        assert "has 67 ops" in refused(text)


def test_sixty_four_ops_are_allowed() -> None:
    with registered(x=nothing):
        assert len(Recipe.parse("+".join(["x"] * 64)).ops) == 64
        text = "+".join(["x"] * 65)
        assert refused(text) == f"recipe {quote(text)} has 65 ops; at most 64 are allowed"


def test_two_mixes_are_allowed() -> None:
    assert len(Recipe.parse("mixup+cutmix").ops) == 2
    assert refused("mixup+mixup+cutmix") == (
        "recipe 'mixup+mixup+cutmix' mixes examples 3 times (mixup, mixup, cutmix); at most 2 are "
        "allowed, since each doubles the work"
    )


def test_nothing_comes_after_a_function_that_returns_floats() -> None:
    with registered({"output": "float32"}, x=nothing):
        assert refused("x+flip") == (
            "recipe 'x+flip': x returns float32, and flip after it takes uint8; put x at the end"
        )


def test_the_longest_field_that_fits_is_meant() -> None:
    with registered(tint=tint):
        assert Recipe.parse("tint_ab5") != Recipe.parse("tint_a5")
        assert str(Recipe.parse("tint_a3_ab5")) == "tint_a3_ab5"


def test_a_word_that_is_half_alike_is_suggested() -> None:
    assert "'equ'. Did you mean equalize? " in refused("equ")


def test_numbers_seeds_and_copies_go_to_their_limits() -> None:
    assert normalise_number("123456789.25") == "123456789.25"
    assert Config.parse(f"flip-x{MOST_COPIES}").copies == MOST_COPIES
    assert Config.parse(f"flip-x1-s{SEED_LIMIT - 1}").seed == SEED_LIMIT - 1
    with pytest.raises(RecipeError, match=f"^-s{SEED_LIMIT} in "):
        Config.parse(f"flip-x1-s{SEED_LIMIT}")


def test_calling_a_recipe_hands_everything_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "augment", lambda *args, **kwargs: (args, kwargs))
    recipe: Any = Recipe.parse("flip")
    given = {"ids": [1], "seed": 2, "epoch": 3, "view": 6, "partners": [4]}
    args, kwargs = recipe("images", "labels", **given, n_jobs=5, backend="threading")
    assert args == (recipe.plan, "images", "labels")
    assert kwargs == {**given, "execution": Execution(5, "threading")}
