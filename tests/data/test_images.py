import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cifar10_aug.rng.names import example_id, example_ids


@given(st.lists(st.integers(0, 99_999)), st.sampled_from(["train", "test"]))
def test_many_ids_are_spelled_as_one(numbers: list[int], split: str) -> None:
    ids = example_ids(split, np.array(numbers, np.int64))
    assert ids.tolist() == [example_id(split, number).encode() for number in numbers]


def test_ids_have_five_digits() -> None:
    assert example_id("train", 42) == "train_00042"
