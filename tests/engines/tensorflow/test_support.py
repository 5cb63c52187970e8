import pytest

from cifar10_aug.cli import listing
from cifar10_aug.engines.tensorflow import support
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Recipe
from tests.registering import registered


@pytest.mark.parametrize("name", OPS)
def test_every_built_in_op_runs_as_a_graph_and_the_list_says_so(name: str) -> None:
    assert support.runs(Recipe.parse(name).plan)
    assert "Runs with both engines." in listing.about(name)


def test_functions_say_that_they_do_not() -> None:
    message = "myown in rotate+myown does not run as a graph, since it is a Python function; and so"
    with registered(myown=lambda image, rng: image), pytest.raises(RecipeError) as error:
        support.check(Recipe.parse("rotate+myown").plan, "and so")
    assert str(error.value) == message
