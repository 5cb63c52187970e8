"""Which examples a split argument names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cifar10_aug.data.description import Split
from cifar10_aug.rng.draws import SPLIT_NUMBERS

if TYPE_CHECKING:
    import tensorflow as tf


class Shard(NamedTuple):
    """One of several input pipelines, as `tf.distribute.InputContext` is, without TensorFlow."""

    input_pipeline_id: int
    num_input_pipelines: int


@dataclasses.dataclass(frozen=True, eq=False)
class Slice:
    """Consecutive examples of one split that a split argument names.

    Attributes:
        split: "train" or "test".
        numbers: int64 [n], which of the split; evenly spaced.
        among: int64 [m], those of the split that the whole argument names: what partners come from.
        augmented: whether they are augmented.
    """

    split: str
    numbers: np.ndarray
    among: np.ndarray
    augmented: bool = False


class _Piece(NamedTuple):
    """Consecutive examples of a split: those of `range(count)[first:stop]`."""

    split: str
    first: int | None
    stop: int | None


def check_one(split: Any) -> None:
    """Raises a `ValueError` if a split argument is neither text nor one of TFDS's objects."""
    if not isinstance(split, str):
        from tensorflow_datasets.core.splits import AbstractSplit

        if not isinstance(split, AbstractSplit):
            raise ValueError(f"split is {split!r}; give one, such as 'train' or 'train[:90%]'")


def _pieces(split: Any, splits: Mapping[str, Split]) -> list[_Piece]:
    """What a split argument names, as TFDS reads it.

    Raises:
        ValueError: if it is wrong.
    """
    # The name alone needs no TFDS, which takes long to import.
    if isinstance(split, str) and split in splits:
        return [_Piece(split, None, None)]
    from tensorflow_datasets.core.splits import AbstractSplit

    found = AbstractSplit.from_spec(split).to_absolute(splits)
    return [_Piece(one.splitname, one.from_, one.to) for one in found]


def check(augment_splits: Any) -> tuple[str, ...]:
    """The parts of the dataset that a builder is told to augment, such as ("train[:90%]",).

    Raises:
        ValueError: if it is told something else.
    """
    wrong = (
        f"augment_splits is {augment_splits!r}; give a list of {' and '.join(SPLIT_NUMBERS)}, or "
        "of slices of them, for example ('train',) or ('train[:90%]',)"
    )
    if isinstance(augment_splits, str) or not all(isinstance(one, str) for one in augment_splits):
        raise ValueError(wrong)
    for part in (part for one in augment_splits for part in one.split("+")):
        if part in SPLIT_NUMBERS:
            continue
        from tensorflow_datasets.core.splits import AbstractSplit

        try:
            AbstractSplit.from_spec(part)
        except Exception as error:
            # TFDS raises several kinds.
            raise ValueError(wrong) from error
        if part.partition("[")[0] not in SPLIT_NUMBERS:
            raise ValueError(wrong)
    return tuple(augment_splits)


def _augmented(augment_splits: Sequence[str], splits: Mapping[str, Split]) -> dict[str, np.ndarray]:
    """Which examples of each split are augmented: bool [examples].

    Raises:
        ValueError: if parts overlap.
    """
    counts = {name: np.zeros(info.num_examples, int) for name, info in splits.items()}
    for one in augment_splits:
        for piece in _pieces(one, splits):
            counts[piece.split][piece.first : piece.stop] += 1
    for name, count in counts.items():
        if count.max(initial=0) > 1:
            raise ValueError(
                f"augment_splits is {list(augment_splits)!r}, and names example "
                f"{int(count.argmax())} of {name} more than once; let its parts not overlap"
            )
    return {name: count > 0 for name, count in counts.items()}


def named(
    split: Any,
    splits: Mapping[str, Split],
    context: tf.distribute.InputContext | Shard | None,
    augment_splits: Sequence[str] = (),
) -> list[Slice]:
    """The examples that a split argument names, or one input pipeline's share of them.

    Where some of them are augmented and others are not, they are in separate slices.

    Args:
        split: what `tfds.load` takes: a name, slices, sums, a `ReadInstruction`.
        splits: what is prepared.
        context: which of several input pipelines this is; each gets every n-th example. Partners
            come from all of them.
        augment_splits: the parts that are augmented, as `check` returns them.

    Raises:
        ValueError: if the split argument is wrong, or there are no examples.
    """
    made: list[Slice] = []
    already, augmented = 0, _augmented(augment_splits, splits)
    listed = [
        (piece.split, np.arange(splits[piece.split].num_examples)[piece.first : piece.stop])
        for piece in _pieces(split, splits)
    ]
    for name, numbers in listed:
        count = len(numbers)
        if context is not None:
            # Counted through the whole argument, whatever parts it consists of.
            first = (context.input_pipeline_id - already) % context.num_input_pipelines
            numbers = numbers[first :: context.num_input_pipelines]
        already += count
        if len(numbers):
            among = np.concatenate([theirs for other, theirs in listed if other == name])
            rule = augmented[name][numbers]
            changes = np.flatnonzero(np.diff(rule)) + 1
            runs = np.split(np.arange(len(numbers)), changes)
            made += [Slice(name, numbers[run], among, bool(rule[run[0]])) for run in runs]
    if not made:
        raise without_examples(split, context)
    return made


def without_examples(
    split: Any, context: tf.distribute.InputContext | Shard | None = None
) -> ValueError:
    """The error for a split argument that names no examples, or none for an input pipeline."""
    whose = "" if context is None else f" for input pipeline {context.input_pipeline_id}"
    return ValueError(f"split {str(split)!r} has no examples{whose}; name a larger one")


def tfds_ids(info: Split) -> np.ndarray:
    """The ids by which TFDS names examples: the file, and the place in it."""
    return np.array(
        [
            f"{Path(name).name}__{place}".encode()
            for name, length in zip(info.filenames, info.shard_lengths, strict=True)
            for place in range(length)
        ]
    )
