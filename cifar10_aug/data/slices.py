"""Which examples a split argument names."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.splits import AbstractSplit

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
    """

    split: str
    numbers: np.ndarray
    among: np.ndarray


def named(
    split: Any,
    splits: tfds.core.splits.SplitDict,
    context: tf.distribute.InputContext | Shard | None,
) -> list[Slice]:
    """The examples that a split argument names, or one input pipeline's share of them.

    Args:
        split: what `tfds.load` takes: a name, slices, sums, a `ReadInstruction`.
        splits: what is prepared.
        context: which of several input pipelines this is; each gets every n-th example. Partners
            come from all of them.

    Raises:
        ValueError: if the split argument is wrong, or there are no examples.
    """
    made: list[Slice] = []
    already = 0
    listed = [
        (piece.splitname, np.arange(splits[piece.splitname].num_examples)[piece.from_ : piece.to])
        for piece in AbstractSplit.from_spec(split).to_absolute(splits)
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
            made.append(Slice(name, numbers, among))
    if not made:
        whose = "" if context is None else f" for input pipeline {context.input_pipeline_id}"
        raise ValueError(f"split {str(split)!r} has no examples{whose}; name a larger one")
    return made


def tfds_ids(info: tfds.core.SplitInfo) -> np.ndarray:
    """The ids by which TFDS names examples: the file, and the place in it."""
    return np.array(
        [
            f"{Path(name).name}__{place}".encode()
            for name, length in zip(info.filenames, info.shard_lengths, strict=True)
            for place in range(length)
        ]
    )
