"""Frozen epochs as the examples of a `Loader`, read from their files without TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from cifar10_aug.data import slices
from cifar10_aug.data.records import examples
from cifar10_aug.data.records.formats import FORMATS
from cifar10_aug.data.slices import Shard
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.frozen import file_pieces, shuffled_order, stored


@dataclasses.dataclass(frozen=True)
class FrozenOrder:
    """In what order frozen records are visited: as `tfds.load` does.

    Attributes:
        lengths: of the pieces of files that they are in.
        shuffle: whether in another order each epoch; else as they are stored.
        seed: of the order.
    """

    lengths: Sequence[int]
    shuffle: bool
    seed: int

    def positions(self, count: int, epoch: int) -> np.ndarray:
        """int64 [count], a permutation of 0 … count - 1."""
        if not self.shuffle:
            return np.arange(count)
        return shuffled_order.order(self.lengths, epoch, self.seed)


class FrozenExamples:
    """The records that a split argument names, of all frozen copies, one after the other.

    Attributes:
        dtype, shape: of an image.
        label_dtype, label_shape: of a label.
        order: how they are visited.
    """

    runs_python = False

    def __init__(
        self,
        info: tfds.core.DatasetInfo,
        image_encoding: str,
        split: Any,
        shard: Shard | None,
        *,
        shuffle: bool,
        seed: int,
    ):
        """Takes what `tfds.load` takes, and the shard of the records.

        Raises:
            ExportError: if the files are damaged.
            ValueError: if the split argument is wrong, names no records, or a shard is to be
                shuffled.
        """
        if shuffle and shard is not None:
            raise ValueError(
                "shard is for frozen epochs in order, since tfds.load shuffles their files before "
                "it shards them; leave shard or shuffle out, or give a recipe that is not frozen"
            )
        stored.check_as_told(info, image_encoding)
        stored.check_whole(info)
        self._folder = Path(info.data_dir)
        self._format = FORMATS[info.file_format.value]
        self._encoding = image_encoding
        label = info.features["label"]
        self.label_dtype, self.label_shape = str(np.dtype(label.np_dtype)), tuple(label.shape)
        image = info.features["image"]
        self.dtype, self.shape = str(np.dtype(image.np_dtype)), tuple(image.shape)
        self._pieces = file_pieces.named(info, split)
        lengths = list(map(file_pieces.length, self._pieces))
        self.order = FrozenOrder(lengths, shuffle, seed % 2**63)
        self._starts = np.cumsum([0, *lengths])
        first, step = (0, 1) if shard is None else shard
        self._numbers = range(first, int(self._starts[-1]), step)
        if not self._numbers:
            raise slices.without_examples(split)
        self._places = functools.cache(self._format.places)

    def __len__(self) -> int:
        return len(self._numbers)

    def write(self, epoch: int, positions: np.ndarray, target: Target) -> np.ndarray:
        """Writes images, and returns labels: int64 [n], or float32 [n, classes].

        Raises:
            ExportError: if a record is damaged.
        """
        numbers = self._numbers.start + positions * self._numbers.step
        pieces = np.searchsorted(self._starts, numbers, side="right") - 1
        images = np.empty((len(positions), *self.shape), self.dtype)
        labels = np.empty((len(positions), *self.label_shape), self.label_dtype)
        for number in np.unique(pieces):
            chosen = np.flatnonzero(pieces == number)
            piece = self._pieces[number]
            path = Path(piece.filename)
            rows = numbers[chosen] - self._starts[number] + piece.skip
            try:
                records = self._format.read_at(path, self._places(path), rows.tolist())
                for place, record in zip(chosen, records, strict=True):
                    features = examples.parsed(record)
                    images[place] = examples.decoded(
                        features["image"], self._encoding, self.dtype, self.shape
                    )
                    labels[place] = features["label"]
            except (KeyError, OSError, ValueError) as error:
                raise stored.damaged(self._folder, f"{path.name}: {error}") from error
        target.write(images)
        return labels
