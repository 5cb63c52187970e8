"""Which epoch a `tf.data` pipeline is in: epochs are counted when they are first read.

The first time that a dataset is read it gives its first epoch, then the next one, and so on;
an iterator that is opened and never read draws no number. What Keras reads only to build a model
does not count. A checkpoint holds the number of its epoch, and restoring it makes the dataset go on
from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import debug_mode, fork_safety, keras_build, plain_functions
from cifar10_aug._compat.shutdown import GATE

# Epochs whose reading is followed at once; a dataset that has more open takes the reader of an
# older one for one that a checkpoint has restored.
_MOST = 1000


class Epochs:
    """The epochs of one dataset, all of whose iterators share this count.

    Attributes:
        next: the number of the epoch that the next iterator reads.
    """

    def __init__(self, start: int = 0) -> None:
        """Begins at epoch `start`."""
        self.next = start
        self._beginning = 0
        self._reached: dict[int, int] = {}
        self._lock = fork_safety.Lock()

    def number(self) -> tf.data.Dataset:
        """A dataset of one element, the next epoch's number, int64 []; it cannot be restored."""
        return tf.data.Dataset.range(1).map(lambda step: self._call(self._take, step, step))

    def each(self, make: Callable[[tf.Tensor], tf.data.Dataset]) -> tf.data.Dataset:
        """The elements of the next epoch.

        Whatever reads ahead of the user is part of what `make` returns, so that restoring opens the
        epoch again even if all of it has been read ahead.

        Checkpoints of the default kind restore a `flat_map` from the element that it is working on;
        symbolic ones read that element again, from the state that its input had before it. So
        there are two elements: element 0 takes the number, which becomes the state of `scan`, and
        element 1, made of that state, opens the epoch. Restoring runs element 1 alone.

        Args:
            make: called with the epoch, int64 []; it returns the epoch's elements.
        """

        def numbered(state: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, Any]:
            epoch = self._call(self._take, step, state)
            return epoch, (step, epoch)

        def opened(step: tf.Tensor, epoch: tf.Tensor) -> tf.data.Dataset:
            # None in step 0, which does not even open them, and all in step 1. (What nothing
            # depends on is not called.)
            return make(epoch).take(-self._call(self._opened, step, epoch))

        steps = plain_functions.scan(tf.data.Dataset.range(2), tf.constant(-1, tf.int64), numbered)
        return plain_functions.flat_map(steps, opened)

    def _call(self, call: Callable[..., Any], step: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
        # Without an input TensorFlow would call it once, while it looks for constants.
        number = tf.numpy_function(GATE.guarded(call), [step, epoch], tf.int64, stateful=False)
        number.set_shape([])
        return number

    def _take(self, step: Any, epoch: Any) -> np.int64:
        return np.int64(self.take() if step == 0 else epoch)

    def take(self) -> int:
        """The number of the next epoch, which begins."""
        fork_safety.check()
        with self._lock:
            epoch = self.next
            self.next += not keras_build.at_work()
            self._reached[epoch] = -1
            # Of epochs that are left in the middle.
            self._reached.pop(epoch - _MOST, None)
        return epoch

    def reach(self, epoch: int, step: int, last: int) -> None:
        """Notes that the reader of an epoch has come to a step of it, from 0 to the last.

        If it has not come from the step before, a checkpoint has been restored. That is not seen
        where another iterator of the same epoch has just been there: new iterations then go on from
        the count as it is. What the restored iterator reads is right all the same.
        """
        with self._lock:
            if self._reached.pop(epoch, None) != step - 1:
                self.next = epoch + 1
            if step < last:
                self._reached[epoch] = step

    def _opened(self, step: Any, epoch: Any) -> np.int64:
        with self._lock:
            if step == 0:
                self._beginning += 1
            elif self._beginning:
                self._beginning -= 1
            else:
                # Element 0 has not been read: a checkpoint has been restored.
                self.next = int(epoch) + 1
        return np.int64(step)


def of_seeds(
    seed: int, make: Callable[[tf.Tensor], tf.data.Dataset], *, renewed: bool = True
) -> tf.data.Dataset:
    """The elements of `make(number)`, with another number, int64 [], each time it is read.

    It is TensorFlow alone, so it can be sent to other processes. Checkpoints of the default kind
    restore the number, and those that follow; symbolic ones do not.

    Args:
        seed: of the sequence of numbers.
        make: whatever reads ahead of the user is part of what it returns.
        renewed: False gives the same number each time.
    """
    numbers = tf.data.Dataset.random(seed, rerandomize_each_iteration=renewed).take(1)
    # An iterator that is opened and never read takes none.
    one = tf.data.Dataset.range(1).flat_map(lambda _: numbers)
    return debug_mode.flat_map(one, make)


def of_length(dataset: tf.data.Dataset, length: int) -> tf.data.Dataset:
    """The same dataset, whose length is known.

    `assert_cardinality` would raise an error where an epoch is shorter: one that begins in the
    middle, or one from which `ignore_errors` leaves something out, which would then never end.
    So this is the first `length` elements of a dataset that seems to be endless.
    """
    # None of its elements, but nobody can tell how many. (`filter` would do, with a function.)
    none, specs = dataset.take(0), tf.nest.flatten(dataset.element_spec, expand_composites=True)
    some = tf.raw_ops.SamplingDataset(
        input_dataset=tf.data.experimental.to_variant(none),
        rate=1.0,
        seed=0,
        seed2=0,
        output_types=[spec.dtype for spec in specs],
        output_shapes=[spec.shape for spec in specs],
    )
    nothing = tf.data.experimental.from_variant(some, dataset.element_spec)
    return dataset.concatenate(nothing.repeat()).take(length)
