from typing import Any

import pytest

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from tests import functions
from tests.registering import registered


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"engine": "fast"}, "engine is 'fast'; give eager or graph"),
        ({"jit_compile": True}, "jit_compile is for engine='graph'; give both, or leave it out"),
        ({"engine": "graph", "jit_compile": 1}, "jit_compile is 1; give True or False"),
        ({"start_epoch": -1}, "start_epoch is -1; give a whole number from 0 to 4294967295"),
        ({"start_step": 1.5}, "start_step is 1.5; give a whole number from 0 to 4294967295"),
        (
            {"config": "flip+sepia", "engine": "graph"},
            "sepia in flip+sepia does not run as a graph, since it is a Python function; leave "
            "engine='graph' out, or freeze the recipe: flip+sepia-x5",
        ),
        (
            {"config": "flip-x2", "engine": "graph"},
            "engine is for epochs that are made while they are read; flip-x2 is frozen: leave it "
            "out",
        ),
        (
            {"config": "flip-x2", "start_step": 3},
            "start_step is for epochs that are made while they are read; flip-x2 is frozen: leave "
            "it out",
        ),
    ],
)
def test_wrong_options_are_named(kwargs: dict[str, Any], message: str, tmp_path: Any) -> None:
    with registered(sepia=functions.sepia), pytest.raises(ValueError) as error:  # noqa: PT011
        Builder(**{"config": "rotate", "data_dir": str(tmp_path), **kwargs})
    assert str(error.value) == message


def test_they_travel_with_a_copy_of_the_builder(data_dir: str) -> None:
    import pickle

    builder = Builder(
        config="rotate", data_dir=data_dir, engine="graph", start_epoch=3, jit_compile=True
    )
    again = pickle.loads(pickle.dumps(builder))
    assert again._epochs == builder._epochs
