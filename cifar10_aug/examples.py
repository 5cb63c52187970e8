"""The examples that a split argument names, in memory, each with what runs on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.splits import AbstractSplit

from cifar10_aug import draws, prepared
from cifar10_aug.engines import eager
from cifar10_aug.source.images import SHAPE, example_ids

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Consecutive examples that come from one split.

    Attributes:
        engine: what runs on them.
        resident: the whole split.
        rows: int64 [n], where in the split.
        keys: uint64 [n], see `draws.example_keys`.
        ids: bytes [n].
        tfds_ids: bytes [n], as TFDS names examples.
    """

    engine: eager.Engine
    resident: prepared.Resident
    rows: np.ndarray
    keys: np.ndarray
    ids: np.ndarray
    tfds_ids: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """int64 [n]."""
        return self.resident.labels[self.rows]


class Examples:
    """Parts, one behind the other; a position counts through all of them."""

    def __init__(self, parts: list[Part]):
        """Takes at least one part; all hand out one dtype."""
        self._parts = parts
        self._starts = np.cumsum([0, *(len(part.rows) for part in parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def dtype(self) -> str:
        return self._parts[0].engine.recipe.dtype

    @property
    def runs_python(self) -> bool:
        """Whether functions of the user's run on any of them."""
        return any(part.engine.recipe.runs_python for part in self._parts)

    def joined(self, attribute: str) -> np.ndarray:
        """An attribute of all parts, [examples]."""
        return np.concatenate([getattr(part, attribute) for part in self._parts])

    def images(self, epoch: Any, positions: np.ndarray) -> np.ndarray:
        """The augmented images at some positions; may be called from several threads."""
        if len(self._parts) == 1:
            return self._of_part(0, int(epoch), positions)
        belongs = np.searchsorted(self._starts, positions, side="right") - 1
        out = np.empty((len(positions), *SHAPE), self.dtype)
        for number in np.unique(belongs):
            chosen = belongs == number
            places = positions[chosen] - self._starts[number]
            out[chosen] = self._of_part(number, int(epoch), places)
        return out

    def _of_part(self, number: int, epoch: int, places: np.ndarray) -> np.ndarray:
        part = self._parts[number]
        return part.engine(part.resident.source, part.rows[places], part.keys[places], epoch)


def select(
    split: Any,
    splits: tfds.core.splits.SplitDict,
    engine_of: Callable[[str], eager.Engine],
    context: tf.distribute.InputContext | None = None,
) -> Examples:
    """The examples that a split argument names, or one input pipeline's share of them.

    Args:
        split: what `tfds.load` takes: a name, slices, sums, a `ReadInstruction`.
        splits: what is prepared.
        engine_of: the engine for each split.
        context: which of several input pipelines this is; each gets every n-th example.

    Raises:
        ValueError: if the split argument is wrong, or there are no examples.
        SourceError: if the prepared files are damaged.
    """
    parts: list[Part] = []
    already = 0
    for piece in AbstractSplit.from_spec(split).to_absolute(splits):
        name = piece.splitname
        info = splits[name]
        numbers = np.arange(info.num_examples)[piece.from_ : piece.to]
        listed = len(numbers)
        if context is not None:
            # Counted through the whole argument, whatever parts it consists of.
            first = (context.input_pipeline_id - already) % context.num_input_pipelines
            numbers = numbers[first :: context.num_input_pipelines]
        already += listed
        if not len(numbers):
            continue
        parts.append(
            Part(
                engine=engine_of(name),
                resident=prepared.resident(info),
                rows=numbers,
                keys=draws.example_keys(numbers, name),
                ids=example_ids(name, numbers),
                tfds_ids=_tfds_ids(info)[numbers],
            )
        )
    if not parts:
        whose = "" if context is None else f" for input pipeline {context.input_pipeline_id}"
        raise ValueError(f"split {str(split)!r} has no examples{whose}; name a larger one")
    return Examples(parts)


def _tfds_ids(info: tfds.core.SplitInfo) -> np.ndarray:
    """The ids by which TFDS names examples: the file, and the place in it."""
    return np.array(
        [
            f"{Path(name).name}__{place}".encode()
            for name, length in zip(info.filenames, info.shard_lengths, strict=True)
            for place in range(length)
        ]
    )
