import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core import load

from cifar10_aug import RecipeError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder


@pytest.mark.parametrize(
    "kwargs", [{}, {"version": "1.0.0"}, {"config": "rotate"}, {"config": None}]
)
def test_our_code_goes_before_files(kwargs: dict[str, str]) -> None:
    assert load._try_load_from_files_first(Builder, **kwargs) is False


def test_a_wrong_recipe_is_refused_before_files_are_looked_for() -> None:
    with pytest.raises(RecipeError):
        load._try_load_from_files_first(Builder, config="rotat", version="1.0.0")


def test_other_datasets_are_left_alone() -> None:
    mnist = tfds.builder_cls("mnist")
    assert load._try_load_from_files_first(mnist, version="3.0.1") is True
    assert load._try_load_from_files_first(mnist) is False
    assert load._try_load_from_files_first(None) is True
