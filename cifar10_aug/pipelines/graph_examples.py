"""The examples of a split argument as tensors, each with the graph that runs on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from cifar10_aug.data.description import Split
from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.slices import Slice
from cifar10_aug.engines.tensorflow.engine import GraphEngine
from cifar10_aug.engines.tensorflow.mixing import Partners
from cifar10_aug.engines.tensorflow.views import GraphViews
from cifar10_aug.pipelines import graph_tables
from cifar10_aug.rng import draws

# Packed images and labels of a split, as `graph_tables.tables` hands them out.
Tables = tuple[tf.Tensor, tf.Tensor]


@dataclasses.dataclass(frozen=True, eq=False)
class GraphPart:
    """Examples of one split.

    Attributes:
        named: which.
        info: of the split.
        engine: what runs on them.
        soft_labels: whether labels are shares of classes.
        jit_compile: whether XLA compiles what runs.
    """

    named: Slice
    info: Split
    engine: GraphEngine | GraphViews
    soft_labels: bool
    jit_compile: bool

    def __len__(self) -> int:
        return len(self.named.numbers)

    def numbers(self, places: tf.Tensor) -> tf.Tensor:
        """The numbers of examples, by their places among the part's: int64."""
        return _entry(self.named.numbers, places)

    def augmented(
        self, tables: Tables, numbers: tf.Tensor, epoch: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The images of some examples, and their labels."""
        run = self._run
        if self.jit_compile:
            run = tf.function(run, jit_compile=True, autograph=False)
        return run(*tables, numbers, epoch)

    def _run(
        self, images: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor, epoch: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        num_classes = self.engine.plan.dataset.num_classes

        def shares(rows: tf.Tensor) -> tf.Tensor:
            return tf.one_hot(tf.gather(labels, rows), num_classes, dtype=tf.float32)

        keys, own = self._keys(numbers), tf.gather(images, numbers)
        if not self.engine.plan.mixes:
            made = self.engine(own, keys, epoch)
            if not self.soft_labels:
                return made, tf.gather(labels, numbers)
            return made, self.engine.soft_labels(shares(numbers), keys, epoch, None)
        among = np.unique(self.named.among)
        partners = Partners(
            count=len(among),
            rows=lambda places: _entry(among, places),
            pixels=lambda rows: tf.gather(images, rows),
            keys=self._keys,
            labels=shares,
        )
        made = self.engine(own, keys, epoch, partners)
        return made, self.engine.soft_labels(shares(numbers), keys, epoch, partners)

    def _keys(self, numbers: tf.Tensor) -> tf.Tensor:
        return numbers + np.int64(draws.example_keys(0, self.info.name))

    def coarse(self, tables: Tables, numbers: tf.Tensor) -> dict[str, tf.Tensor]:
        """The coarser labels by feature, int64."""
        labels = tf.gather(tables[1], numbers)
        groupings = self.engine.plan.dataset.groupings
        return {one.feature: tf.gather(np.array(one.of, np.int64), labels) for one in groupings}

    def ids(self, numbers: tf.Tensor) -> tf.Tensor:
        """What examples are called, such as "train_00042"."""
        return graph_tables.names(self.info.name, numbers)

    def tfds_ids(self, numbers: tf.Tensor) -> tf.Tensor:
        """What TFDS calls them: the file, and the place in it."""
        ends = np.cumsum(self.info.shard_lengths)
        files = [f"{Path(name).name}__" for name in self.info.filenames]
        file = tf.searchsorted(ends, numbers, side="right")
        place = numbers - tf.gather(ends - self.info.shard_lengths, file)
        return tf.strings.join([tf.gather(files, file), tf.strings.as_string(place)])


def _entry(numbers: np.ndarray, places: tf.Tensor) -> tf.Tensor:
    """Entries of int64 [n], which graphs need not hold if they are evenly spaced."""
    steps = np.unique(np.diff(numbers))
    if len(steps) > 1:
        return tf.gather(tf.constant(numbers), places)
    return int(numbers[0]) + places * (int(steps[0]) if len(steps) else 1)


class GraphExamples:
    """Parts, one after the other; a position counts through all of them."""

    def __init__(self, parts: Sequence[GraphPart]):
        """Takes at least one part; all return one dtype."""
        self.parts = list(parts)
        self._starts = np.cumsum([0, *(len(part) for part in parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is made of an example: [height, width, 3], or [views, height, width, 3]."""
        return self.parts[0].engine.plan.shape(*SHAPE[:2])

    def tables(self, of_split: Callable[[Split], tf.data.Dataset]) -> tuple[tf.data.Dataset, ...]:
        """What holds the images of each part: a dataset of one element, one for each split."""
        made = {part.info.name: part.info for part in self.parts}
        read = {name: of_split(info) for name, info in made.items()}
        return tuple(read[part.info.name] for part in self.parts)

    def at(
        self, tables: Sequence[Tables], positions: tf.Tensor, epoch: tf.Tensor, *, tfds_id: bool
    ) -> dict[str, tf.Tensor]:
        """Augmented examples, by TFDS's names of their features.

        Where there are several parts, each is made of all positions, and what is not its own is
        thrown away; so split arguments that name several cost as much as all of them.
        """
        made: dict[str, tf.Tensor] = {}
        for part, start, table in zip(self.parts, self._starts[:-1], tables, strict=True):
            within = (positions >= start) & (positions < start + len(part))
            places = tf.clip_by_value(positions - start, 0, len(part) - 1)
            numbers = part.numbers(places)
            image, label = part.augmented(table, numbers, epoch)
            its = {"id": part.ids(numbers), "image": image, "label": label}
            its.update(part.coarse(table, numbers))
            if tfds_id:
                its["tfds_id"] = part.tfds_ids(numbers)
            made = {name: _chosen(within, its[name], made[name]) for name in its} if made else its
        return made


def _chosen(mask: tf.Tensor, yes: tf.Tensor, no: tf.Tensor) -> tf.Tensor:
    ones = tf.ones([tf.rank(yes) - 1], tf.int32)
    return tf.where(tf.reshape(mask, tf.concat([tf.shape(mask), ones], 0)), yes, no)
