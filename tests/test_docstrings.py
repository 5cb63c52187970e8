"""The public names say what they are, with examples that run."""

import dataclasses
import doctest
import inspect
from typing import Any

import pytest

import cifar10_aug
from tests.registering import registered

# Users are given errors, and do not make them.
EXPLAINED = [
    name
    for name in cifar10_aug.__all__
    if not inspect.ismodule(getattr(cifar10_aug, name)) and not name.endswith("Error")
]


def runs(name: str, thing: Any) -> int:
    """How many examples a docstring has, all of which run."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in doctest.DocTestFinder(recurse=False).find(thing, name, globs={}):
        result = runner.run(test)
        assert not result.failed, f"{name}: see above"
    return runner.tries


@pytest.fixture(scope="module", autouse=True)
def prepared() -> None:
    """Images for examples that read some."""
    cifar10_aug.cifar10_aug_sample_dataset_builder.Builder().download_and_prepare()


def test_there_are_examples_of_all_but_modules_and_errors() -> None:
    assert len(EXPLAINED) == 7


@pytest.mark.parametrize("name", [*EXPLAINED, "RecipeError"])
def test_every_public_name_has_an_example_that_runs(name: str) -> None:
    with registered():
        assert runs(name, getattr(cifar10_aug, name)) >= 2


@pytest.mark.parametrize("name", cifar10_aug.__all__)
def test_every_public_name_and_its_members_are_explained(name: str) -> None:
    thing = getattr(cifar10_aug, name)
    assert inspect.getdoc(thing), name
    if inspect.isclass(thing) and not issubclass(thing, Exception):
        for member, value in inspect.getmembers(thing):
            # Fields are listed under Attributes.
            field = dataclasses.is_dataclass(thing) and member in thing.__dataclass_fields__
            if not member.startswith("_") and not field:
                assert inspect.getdoc(value), f"{name}.{member}"


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_argument_of_a_function_is_explained(name: str) -> None:
    thing = getattr(cifar10_aug, name)
    called = thing.__init__ if name == "Loader" else thing.__call__ if name == "Recipe" else thing
    documented = inspect.getdoc(called) or ""
    for argument in inspect.signature(called).parameters:
        if argument != "self":
            assert f"{argument}:" in documented or f"{argument}," in documented, argument
