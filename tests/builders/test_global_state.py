"""Augmenting changes nothing in the global generators of the user's process."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.recipes.recipe import Recipe
from tests import functions
from tests.pipelines.test_eager import by_id
from tests.registering import registered


def seed(number: int) -> None:
    random.seed(number)
    np.random.seed(number)
    tf.random.set_seed(number)


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(tf.random.uniform([]))


@pytest.fixture(autouse=True)
def restored() -> Any:
    states = random.getstate(), np.random.get_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])
    tf.random.set_seed(None)


def draws_after(use: Callable[[], Any]) -> tuple[float, float, float]:
    seed(5)
    use()
    return drawn()


USES = [
    "freezing",
    "eager",
    pytest.param("graph", marks=pytest.mark.slow),
    "python",
    "arrays",
    "layer",
]


@pytest.mark.parametrize("use", USES)
def test_what_the_user_draws_later_is_the_same(
    use: str, data_dir: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    def load(name: str, **kwargs: Any) -> Any:
        ds = tfds.load(
            f"cifar10_aug/{name}",
            split="train",
            batch_size=16,
            shuffle_files=True,
            data_dir=data_dir,
            builder_kwargs=kwargs,
        )
        return by_id(ds)

    def freeze() -> None:
        kwargs = {"source": sources["binary archive"], "data_dir": str(tmp_path)}
        tfds.builder("cifar10_aug/rotate-x1", **kwargs).download_and_prepare()

    images = np.zeros((3, 32, 32, 3), np.uint8)
    uses: dict[str, Callable[[], Any]] = {
        "freezing": freeze,
        "eager": lambda: load("rotate+erase+mixup"),
        "graph": lambda: load("brightness", engine="graph"),
        "python": lambda: load("speckle", n_jobs=1),
        "arrays": lambda: Recipe.parse("rotate+erase")(images),
        "layer": lambda: Recipe.parse("flip").layer()(images, training=True),
    }
    with registered(speckle=functions.speckle):
        assert draws_after(uses[use]) == draws_after(lambda: None)


@pytest.mark.parametrize("engine", ["eager", pytest.param("graph", marks=pytest.mark.slow)])
def test_what_the_user_seeds_and_draws_changes_no_pixel(engine: str, data_dir: str) -> None:
    def load() -> dict[bytes, bytes]:
        ds = tfds.load(
            "cifar10_aug/brightness",
            split="train[:20]",
            data_dir=data_dir,
            batch_size=5,
            shuffle_files=True,
            builder_kwargs={"engine": engine},
        )
        return by_id(ds)

    expected = load()
    tf.keras.utils.set_random_seed(1)
    drawn()
    assert load() == expected
