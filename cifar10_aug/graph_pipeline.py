"""From prepared files to augmented batches by TensorFlow alone, which can be sent elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import joblib
import tensorflow as tf

from cifar10_aug import epochs, graph_source
from cifar10_aug.engines.graph import shuffling
from cifar10_aug.graph_examples import GraphExamples, Tables
from cifar10_aug.pipeline import Order, Start, nested, tuned
from cifar10_aug.source.images import SHAPE

# Single examples are made so many at once.
_EXAMPLES_A_STEP = 256


@dataclasses.dataclass(frozen=True, eq=False)
class GraphEpochs:
    """What makes the batches of any epoch.

    Attributes:
        examples: what to visit.
        order: in what order to visit them.
        start: where to begin.
        batch_size: examples in a batch; None hands out single examples.
        as_supervised: (image, label) instead of a dict.
        add_tfds_id: whether the dict has a "tfds_id".
    """

    examples: GraphExamples
    order: Order
    start: Start
    batch_size: int | None
    as_supervised: bool
    add_tfds_id: bool

    @property
    def steps(self) -> int:
        """How many elements an epoch has."""
        return -(-len(self.examples) // (self.batch_size or 1))

    def numbered(self, token: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The epoch of an iteration, and how many of its batches are left out: int64 []."""
        iteration = epochs.epoch_tensor(token)
        skipped = tf.where(iteration == 0, tf.constant(self.start.step, tf.int64), 0)
        return self.start.epoch + iteration, skipped

    def here(self) -> tf.data.Dataset:
        """The batches of the next iteration, made in this process of tables that are read once."""
        tables = self.examples.tables(graph_source.shared)

        def numbered(token: tf.Tensor) -> tf.data.Dataset:
            epoch, skipped = self.numbered(token)
            order = self._positions(epoch)
            order = order[skipped * (self.batch_size or 1) :]
            return self._steps(skipped).map(lambda step: (epoch, self._of_step(order, step)))

        def make(of_step: tuple[tf.Tensor, tf.Tensor], *tables: tf.data.Dataset) -> Any:
            epoch, positions = of_step
            return self._made([table.get_single_element() for table in tables], positions, epoch)

        steps = epochs.token().flat_map(numbered)
        steps = tf.data.Dataset.zip((steps, *(table.repeat() for table in tables)))
        return self._each(steps, make, joblib.cpu_count())

    def anywhere(self, token: tf.Tensor) -> tf.data.Dataset:
        """The batches of an iteration, so that whoever makes some of them reads the files itself.

        Its source is a range of numbers of batches, which tf.data service can share out.
        """
        tables = self.examples.tables(graph_source.tables)
        epoch, skipped = self.numbered(token)
        order = tf.data.Dataset.from_tensors(epoch).map(self._positions).cache()

        def make(step: tf.Tensor) -> Any:
            read = [table.get_single_element() for table in tables]
            left = order.get_single_element()[skipped * (self.batch_size or 1) :]
            return self._made(read, self._of_step(left, step), epoch)

        # Workers have cores of their own.
        return self._each(self._steps(skipped), make, tf.data.AUTOTUNE)

    def _positions(self, epoch: tf.Tensor) -> tf.Tensor:
        count = len(self.examples)
        if not self.order.shuffle:
            return tf.range(count, dtype=tf.int64)
        keyed = epoch if self.order.reshuffle else tf.zeros_like(epoch)
        return shuffling.shuffled(count, keyed, self.order.seed)

    @property
    def _size(self) -> int:
        """How many examples a step makes."""
        return self.batch_size or _EXAMPLES_A_STEP

    def _steps(self, skipped: tf.Tensor) -> tf.data.Dataset:
        left = len(self.examples) - skipped * (self.batch_size or 1)
        return tf.data.Dataset.range(-(-left // self._size))

    def _of_step(self, order: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        positions = order[step * self._size : (step + 1) * self._size]
        uneven = self.batch_size is None or len(self.examples) % self._size
        return tf.ensure_shape(positions, [None if uneven else self._size])

    def _made(self, tables: Sequence[Tables], positions: tf.Tensor, epoch: tf.Tensor) -> Any:
        made = self.examples.at(tables, positions, epoch, tfds_id=self.add_tfds_id)
        made["image"] = tf.ensure_shape(made["image"], [positions.shape[0], *SHAPE])
        return (made["image"], made["label"]) if self.as_supervised else made

    def _each(
        self, steps: tf.data.Dataset, make: Callable[..., Any], calls: int
    ) -> tf.data.Dataset:
        ds = steps.map(make, num_parallel_calls=calls)
        if self.batch_size is not None:
            return ds
        return ds.flat_map(lambda *made: tf.data.Dataset.from_tensor_slices(nested(made)))


def dataset(
    made: GraphEpochs,
    *,
    repeat: bool = False,
    options: tf.data.Options | None = None,
    prefetch: bool = True,
    sharded: bool = False,
) -> tf.data.Dataset:
    """The pipeline: epoch → order → numbers of batches → images → prefetch.

    Args:
        made: what makes batches.
        repeat: go on with the next epoch for ever.
        options: the user's.
        prefetch: whether to make batches ahead of their use.
        sharded: whether it is one of several input pipelines.

    Returns:
        A dataset that makes its first epoch when it is first iterated, then the next, and so on.
    """
    return finished(
        made.here(),
        made,
        repeat=repeat,
        options=options,
        prefetch=prefetch,
        sharded=sharded,
    )


def finished(
    ds: tf.data.Dataset,
    made: GraphEpochs,
    *,
    repeat: bool,
    options: tf.data.Options | None,
    prefetch: bool,
    sharded: bool,
    counted: bool = True,
) -> tf.data.Dataset:
    """A dataset of one epoch as users get it; `counted` if no batch can be lost."""
    if repeat:
        ds = ds.repeat()
    elif counted and not made.start.step:
        ds = ds.apply(tf.data.experimental.assert_cardinality(made.steps))
    ds = ds.with_options(tuned(options, sharded=sharded))
    return ds.prefetch(tf.data.AUTOTUNE) if prefetch else ds
