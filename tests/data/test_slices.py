"""Which examples a split argument names, said with lists."""

from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cifar10_aug.data import slices
from tests.prepared_splits import SPLITS, Share

TRAIN, TEST = list(range(103)), list(range(41))


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("train", [("train", TRAIN, TRAIN)]),
        ("test[5:9]", [("test", [5, 6, 7, 8], [5, 6, 7, 8])]),
        ("train[:10%]", [("train", TRAIN[:10], TRAIN[:10])]),
        ("train[-3:]", [("train", TRAIN[-3:], TRAIN[-3:])]),
        (
            "train[:2]+test[:1]+train[4:6]",
            [("train", [0, 1], [0, 1, 4, 5]), ("test", [0], [0]), ("train", [4, 5], [0, 1, 4, 5])],
        ),
        ("train[:0]+test[40:]", [("test", [40], [40])]),
        (tfds.core.ReadInstruction("test", from_=39), [("test", [39, 40], [39, 40])]),
    ],
)
def test_a_split_argument_names_these_examples(split: Any, expected: list) -> None:
    found = slices.named(split, SPLITS, None)
    assert [(s.split, s.numbers.tolist(), s.among.tolist()) for s in found] == expected


@pytest.mark.parametrize("split", ["train", "train[:5]+test[:6]+train[7:9]", "test[1:2]+train"])
@pytest.mark.parametrize("pipelines", [1, 2, 3, 7])
def test_pipelines_share_the_examples_in_turns(split: str, pipelines: int) -> None:
    whole = slices.named(split, SPLITS, None)
    examples = [(s.split, number) for s in whole for number in s.numbers.tolist()]
    among = {s.split: s.among.tolist() for s in whole}
    for pipeline in range(pipelines):
        share = slices.named(split, SPLITS, Share(pipelines, pipeline))
        found = [(s.split, number) for s in share for number in s.numbers.tolist()]
        assert found == examples[pipeline::pipelines]
        # Partners come from all of them.
        assert all(s.among.tolist() == among[s.split] for s in share)


@pytest.mark.parametrize(
    ("split", "share", "message"),
    [
        ("train[:0]", None, "split 'train[:0]' has no examples; name a larger one"),
        (
            "train[:2]",
            Share(4, 2),
            "split 'train[:2]' has no examples for input pipeline 2; name a larger one",
        ),
    ],
)
def test_no_examples_is_an_error(split: str, share: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        slices.named(split, SPLITS, share)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("augmented", "expected"),
    [
        (["train"], [True] * 103 + [False] * 41),
        (["train[:90%]"], [True] * 93 + [False] * 10 + [False] * 41),
        (["train[10:20]", "test[-1:]", "train[20:25]"], None),
        (["train[10:12]+test"], None),
        ([], [False] * 144),
    ],
)
@pytest.mark.parametrize("pipelines", [1, 3])
def test_each_example_is_augmented_by_its_own_rule(
    augmented: list[str], expected: list[bool] | None, pipelines: int
) -> None:
    if expected is None:
        inside = {
            (s.split, n)
            for one in augmented
            for s in slices.named(one, SPLITS, None)
            for n in s.numbers.tolist()
        }
        everyone = [("train", n) for n in TRAIN] + [("test", n) for n in TEST]
        expected = [example in inside for example in everyone]
    for pipeline in range(pipelines):
        share = Share(pipelines, pipeline) if pipelines > 1 else None
        found = slices.named("train+test", SPLITS, share, slices.check(augmented))
        assert [s.augmented for s in found for _ in s.numbers] == expected[pipeline::pipelines]


def test_parts_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        slices.named("test", SPLITS, None, ("train[:50]", "train[40:]"))
    assert str(error.value) == (
        "augment_splits is ['train[:50]', 'train[40:]'], and names example 40 of train more than "
        "once; let its parts not overlap"
    )


def test_ids_are_those_of_tfds() -> None:
    ids = slices.tfds_ids(SPLITS["train"])
    names = [f"cifar10_aug-train.tfrecord-{file:05d}-of-00002" for file in (0, 1)]
    expected = [f"{names[0]}__{k}" for k in range(50)] + [f"{names[1]}__{k}" for k in range(53)]
    assert ids.tolist() == [name.encode() for name in expected]
    assert ids.dtype.kind == "S"
    assert np.unique(ids).size == 103
