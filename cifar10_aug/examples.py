"""The examples that a split argument names, in memory, each with what runs on it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from cifar10_aug import draws, prepared, slices
from cifar10_aug.engines import eager
from cifar10_aug.engines.mixing import CLASSES, Partners, one_hot
from cifar10_aug.source.images import SHAPE, example_ids


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Consecutive examples that come from one split.

    Attributes:
        engine: what runs on them.
        resident: the whole split.
        partners: what it is mixed with, if it is.
        rows: int64 [n], where in the split.
        keys: uint64 [n], see `draws.example_keys`.
        ids: bytes [n].
        tfds_ids: bytes [n], as TFDS names examples.
    """

    engine: eager.Engine
    resident: prepared.Resident
    partners: Partners | None
    rows: np.ndarray
    keys: np.ndarray
    ids: np.ndarray
    tfds_ids: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """int64 [n]."""
        return self.resident.labels[self.rows]


class Examples:
    """Parts, one behind the other; a position counts through all of them.

    Attributes:
        soft_labels: whether labels are shares of classes, float32 [10], instead of int64.
    """

    def __init__(self, parts: list[Part], soft_labels: bool):
        """Takes at least one part; all hand out one dtype."""
        self._parts = parts
        self.soft_labels = soft_labels
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

    @property
    def mixes(self) -> bool:
        """Whether any of them are mixed with others, so that labels change from epoch to epoch."""
        return any(part.partners is not None for part in self._parts)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """The labels, before any mixing: int64 [examples], or float32 [examples, 10]."""
        labels = self.joined("labels")
        return one_hot(labels) if self.soft_labels else labels

    def joined(self, attribute: str) -> np.ndarray:
        """An attribute of all parts, [examples]."""
        return np.concatenate([getattr(part, attribute) for part in self._parts])

    def without_names(self) -> Examples:
        """The same examples without their ids, which take more memory than all else but images."""
        none = np.empty(0, np.bytes_)
        parts = [dataclasses.replace(part, ids=none, tfds_ids=none) for part in self._parts]
        return Examples(parts, self.soft_labels)

    def images(self, epoch: Any, positions: np.ndarray) -> np.ndarray:
        """The augmented images at some positions; may be called from several threads."""
        pieces = list(self._pieces(positions))
        if len(pieces) == 1:
            ((_, part, places),) = pieces
            return _images(part, int(epoch), places)
        out = np.empty((len(positions), *SHAPE), self.dtype)
        for chosen, part, places in pieces:
            out[chosen] = _images(part, int(epoch), places)
        return out

    def labels_at(self, epoch: Any, positions: np.ndarray) -> np.ndarray:
        """The labels that belong to `images`: int64 [n], or float32 [n, 10]."""
        if not self.mixes:
            return np.asarray(self.labels[positions])
        out = np.empty((len(positions), CLASSES), np.float32)
        for chosen, part, places in self._pieces(positions):
            own = one_hot(part.labels[places])
            if part.partners is not None:
                keys = part.keys[places]
                own = part.engine.soft_labels(own, keys, int(epoch), part.partners)
            out[chosen] = own
        return out

    def _pieces(
        self, positions: np.ndarray
    ) -> Iterator[tuple[np.ndarray | slice, Part, np.ndarray]]:
        """Which of the positions lie in which part, and where in it."""
        if len(self._parts) == 1:
            yield slice(None), self._parts[0], positions
            return
        belongs = np.searchsorted(self._starts, positions, side="right") - 1
        for number in np.unique(belongs):
            chosen = belongs == number
            yield chosen, self._parts[number], positions[chosen] - self._starts[number]


def _images(part: Part, epoch: int, places: np.ndarray) -> np.ndarray:
    source, rows, keys = part.resident.source, part.rows[places], part.keys[places]
    return part.engine(source, rows, keys, epoch, part.partners)


def of(
    named: list[slices.Slice],
    splits: tfds.core.splits.SplitDict,
    engine_of: Callable[[str], eager.Engine],
    *,
    soft_labels: bool = False,
) -> Examples:
    """The examples of some slices, read into memory.

    Args:
        named: at least one slice.
        splits: what is prepared.
        engine_of: the engine for each split.
        soft_labels: whether labels are shares of classes.

    Raises:
        SourceError: if the prepared files are damaged.
    """
    parts: list[Part] = []
    for one in named:
        info, engine = splits[one.split], engine_of(one.split)
        resident = prepared.resident(info)
        mixes = engine.recipe.mixes
        parts.append(
            Part(
                engine=engine,
                resident=resident,
                partners=_partners(resident, one.split, one.among) if mixes else None,
                rows=one.numbers,
                keys=draws.example_keys(one.numbers, one.split),
                ids=example_ids(one.split, one.numbers),
                tfds_ids=slices.tfds_ids(info)[one.numbers],
            )
        )
    return Examples(parts, soft_labels)


def _partners(resident: prepared.Resident, split: str, numbers: np.ndarray) -> Partners:
    keys, labels = draws.example_keys(numbers, split), one_hot(resident.labels[numbers])
    return Partners.of(resident.source, numbers, keys, labels)
