"""From prepared files to augmented batches by TensorFlow alone, which can be sent elsewhere."""

from __future__ import annotations

import dataclasses
import math
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import plain_functions
from cifar10_aug.engines.python import cores
from cifar10_aug.engines.tensorflow import shuffling
from cifar10_aug.pipelines import graph_tables
from cifar10_aug.pipelines.blocks import Reading
from cifar10_aug.pipelines.epochs import Epochs
from cifar10_aug.pipelines.finishing import Finish
from cifar10_aug.pipelines.graph_examples import GraphExamples, Tables

# Examples that a worker of tf.data service makes at once, if they are not batched.
_EXAMPLES_A_STEP = 256
# Running a graph takes time by the node, whether it makes few images or many.
_EXAMPLES_A_CALL = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class GraphEpochs:
    """What makes the batches of any epoch.

    Attributes:
        examples: what to visit.
        reading: in what order, and what comes out.
    """

    examples: GraphExamples
    reading: Reading

    @property
    def steps(self) -> int:
        """How many elements an epoch has."""
        return self.reading.steps(len(self.examples))

    def here(self, *, prefetch: bool) -> tf.data.Dataset:
        """The batches of the next epoch, made in this process of tables that are read now."""
        tables = self.examples.tables(graph_tables.shared)
        graphs = []

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            graphs.append(tf.compat.v1.get_default_graph())
            one = tf.data.Dataset.from_tensors((number,))
            calls = plain_functions.flat_map(one, self._calls)
            calls = tf.data.Dataset.zip((calls, *(table.repeat() for table in tables)))
            made = plain_functions.parallel_map(calls, make, cores.count())
            ds = plain_functions.flat_map(made, self._elements)
            return ds.prefetch(tf.data.AUTOTUNE) if prefetch else ds

        def make(call: tuple[tf.Tensor, tf.Tensor], *tables: Tables) -> tuple[tf.Tensor, Any]:
            number, positions = call
            count = tf.math.count_nonzero(positions >= 0)
            return count, self._made(tables, tf.maximum(positions, 0), number)

        ds = Epochs(self.reading.start.epoch).each(epoch)
        for graph in graphs:
            weakref.finalize(ds, _let_go, graph, tables).atexit = False
        return ds

    def anywhere(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """The batches of an epoch, so that each process that makes some of them reads the files.

        Its source is a range of numbers of batches, which tf.data service can share out.
        """
        tables = self.examples.tables(graph_tables.tables)
        order = tf.data.Dataset.from_tensors(epoch).map(self._positions).cache()

        def make(step: tf.Tensor) -> Any:
            read = [table.get_single_element() for table in tables]
            left = self._left(order.get_single_element(), epoch)
            return self._made(read, self._of_step(left, step), epoch)

        # Workers have other cores.
        ds = self._steps(epoch).map(make, num_parallel_calls=tf.data.AUTOTUNE)
        if self.reading.batch_size is not None:
            return ds
        slices = tf.data.Dataset.from_tensor_slices
        return ds.flat_map((lambda *pair: slices(pair)) if self.reading.as_supervised else slices)

    def _calls(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """An epoch's number, and the positions of the examples of each call; -1 after the last.

        All calls make equally many, so that XLA compiles once.
        """
        order, size = self._left(self._positions(epoch), epoch), self._batches_a_call * self._batch
        rows = tf.reshape(
            tf.pad(order, [[0, -tf.size(order) % size]], constant_values=-1), [-1, size]
        )
        return tf.data.Dataset.from_tensor_slices((tf.repeat(epoch, tf.shape(rows)[0]), rows))

    def _elements(self, count: tf.Tensor, made: Any) -> tf.data.Dataset:
        """The batches, or examples, among what a call has made, of which `count` examples count."""
        one, slices = tf.data.Dataset.from_tensors, tf.data.Dataset.from_tensor_slices
        if self.reading.batch_size is None:
            return slices(_some(made, 0, count))
        uneven = len(self.examples) % self.reading.batch_size
        if self._batches_a_call == 1:
            return one(_some(made, 0, count) if uneven else made)
        size = np.int64(self.reading.batch_size)
        full = count // size * size

        def batched(values: tf.Tensor) -> tf.Tensor:
            return tf.reshape(values[:full], [-1, size, *values.shape[1:]])

        batches = slices(tf.nest.map_structure(batched, made))
        if not uneven:
            return batches
        return batches.concatenate(one(_some(made, full, count)).take(count - full))

    @property
    def _batch(self) -> int:
        return min(self.reading.size, len(self.examples))

    @property
    def _batches_a_call(self) -> int:
        """How many batches, or examples, a call makes: as many in each as can be."""
        most = _EXAMPLES_A_CALL // math.prod(self.examples.shape[:-3])
        calls = -(-len(self.examples) // max(most, self._batch))
        return -(-self.steps // calls)

    def _left_out(self, epoch: tf.Tensor) -> tf.Tensor:
        """How many examples an epoch leaves out at its beginning: int64 []."""
        skipped = np.int64(self.reading.start.step * (self.reading.batch_size or 1))
        return tf.where(epoch == np.int64(self.reading.start.epoch), skipped, np.int64(0))

    def _left(self, order: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
        return order[self._left_out(epoch) :]

    def _positions(self, epoch: tf.Tensor) -> tf.Tensor:
        count = len(self.examples)
        if not self.reading.order.shuffle:
            return tf.range(count, dtype=tf.int64)
        keyed = epoch if self.reading.order.reshuffle else tf.zeros_like(epoch)
        return shuffling.shuffled(count, keyed, self.reading.order.seed)

    @property
    def _size(self) -> int:
        """How many examples a step makes."""
        return self.reading.batch_size or _EXAMPLES_A_STEP

    def _steps(self, epoch: tf.Tensor) -> tf.data.Dataset:
        left = len(self.examples) - self._left_out(epoch)
        return tf.data.Dataset.range(-(-left // self._size))

    def _of_step(self, order: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        positions = order[step * self._size : (step + 1) * self._size]
        uneven = self.reading.batch_size is None or len(self.examples) % self._size
        return tf.ensure_shape(positions, [None if uneven else self._size])

    def _made(self, tables: Sequence[Tables], positions: tf.Tensor, epoch: tf.Tensor) -> Any:
        made = self.examples.at(tables, positions, epoch, tfds_id=self.reading.add_tfds_id)
        made["image"] = tf.ensure_shape(made["image"], [positions.shape[0], *self.examples.shape])
        return (made["image"], made["label"]) if self.reading.as_supervised else made


def _some(values: Any, start: Any, stop: Any) -> Any:
    return tf.nest.map_structure(lambda each: each[start:stop], values)


def _let_go(graph: Any, tables: Any) -> None:
    """Lets go of the tables, which live until then, so that other pipelines can share them.

    A traced function refers to them, which is in a reference cycle.
    """
    graph.function_captures.clear()
    # Asking for them renews a list that it keeps of them.
    assert not graph.captures


def dataset(made: GraphEpochs, finish: Finish) -> tf.data.Dataset:
    """The pipeline: epoch → order → numbers of batches → images → prefetch.

    Args:
        made: what makes batches.
        finish: how the dataset ends.

    Returns:
        A dataset that makes its first epoch when it is first read, then the next, and so on.
    """
    return finish.of(made.here(prefetch=finish.prefetch), made.steps)
