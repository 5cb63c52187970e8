"""Fixtures: loaders of the drawn sample."""

from __future__ import annotations

from typing import Any

import pytest

from cifar10_aug import Loader
from cifar10_aug.builders.cifar10_aug_sample_dataset_builder import Builder as SampleBuilder


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder in which the drawn sample is prepared."""
    place = str(tmp_path_factory.mktemp("sample"))
    SampleBuilder(config="plain", data_dir=place).download_and_prepare()
    return place


@pytest.fixture
def load(place: str) -> Any:
    """Makes loaders of the sample, and closes them."""
    made: list[Loader] = []

    def load(recipe: Any = "rotate30+erase", **kwargs: Any) -> Loader:
        given: dict[str, Any] = {"dataset": "cifar10_aug_sample", "batch_size": 64}
        given |= {"data_dir": place} | kwargs
        made.append(Loader(recipe, **given))
        return made[-1]

    yield load
    for loader in made:
        loader.close()
