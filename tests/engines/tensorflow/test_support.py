import re

import pytest

from cifar10_aug.cli import listing
from cifar10_aug.engines.tensorflow import support
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Recipe
from tests.engines.tensorflow.running import NOT_A_GRAPH
from tests.registering import registered


@pytest.mark.parametrize("name", OPS)
def test_every_built_in_op_runs_as_a_graph_or_the_list_says_that_it_does_not(name: str) -> None:
    assert support.runs(Recipe.parse(name).plan) == (name not in NOT_A_GRAPH)
    assert ("eager engine only" in listing.about(name)) == (name in NOT_A_GRAPH)


@pytest.mark.parametrize("name", NOT_A_GRAPH)
def test_jpeg_says_that_it_does_not(name: str) -> None:
    message = (
        f"{name} in flip+{name}5 does not run as a graph, since TensorFlow has nothing "
        "that does the same; do something else"
    )
    with pytest.raises(RecipeError, match=re.escape(message)):
        support.check(Recipe.parse(f"flip+{name}5").plan, "do something else")


def test_functions_say_that_they_do_not() -> None:
    message = "myown in rotate+myown does not run as a graph, since it is a Python function; and so"
    with registered(myown=lambda image, rng: image), pytest.raises(RecipeError) as error:
        support.check(Recipe.parse("rotate+myown").plan, "and so")
    assert str(error.value) == message
