"""Ends epochs that wait for a worker of a tf.data service that is gone.

TensorFlow would wait for ever: its dispatcher never forgets a worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug._compat.shutdown import GATE
from cifar10_aug.pipelines import service_health

_LOOK_SECONDS = 0.5
# After so long without a batch, all workers have to answer.
_QUIET_SECONDS = 30.0


class Watch:
    """When each epoch under way has last got a batch."""

    def __init__(self, service: str):
        self._service = service
        self._last: dict[int, float] = {}

    def begin(self, epoch: tf.Tensor) -> tf.Tensor:
        """The same number, int64 [], once the service answers; it is an error if it does not."""
        return _called(self._begin, epoch)

    def over(self, batches: tf.data.Dataset, epoch: tf.Tensor) -> tf.data.Dataset:
        """The batches of an epoch that has begun; an error once they wait for who is gone."""

        def noted(*batch: Any) -> Any:
            with tf.control_dependencies([_called(self._note, epoch)]):
                same = tf.nest.map_structure(tf.identity, batch)
            return same if len(same) > 1 else same[0]

        # Two datasets without elements: one runs after the last batch, one beside all of them.
        nothing = batches.take(0)
        end = _calls(self._end, epoch, tf.data.Dataset.range(1)).flat_map(lambda _: nothing)
        looks = _calls(self._look, epoch, _ticks()).take_while(lambda going_on: going_on > 0)
        variants = [
            tf.data.experimental.to_variant(part)
            for part in (batches.map(noted).concatenate(end), looks.flat_map(lambda _: nothing))
        ]

        def part(number: tf.Tensor) -> tf.data.Dataset:
            choices = [lambda one=one: tf.identity(one) for one in variants]
            variant = tf.switch_case(tf.cast(number, tf.int32), choices)
            return tf.data.experimental.from_variant(variant, batches.element_spec)

        return tf.data.Dataset.range(2).interleave(
            tf.autograph.experimental.do_not_convert(part),
            cycle_length=2,
            num_parallel_calls=2,
            deterministic=False,
        )

    def _begin(self, epoch: Any) -> Any:
        service_health.check(self._service)
        return self._note(epoch)

    def _note(self, epoch: Any) -> Any:
        self._last[int(epoch)] = time.monotonic()
        return epoch

    def _end(self, epoch: Any) -> Any:
        self._last.pop(int(epoch), None)
        return epoch

    def _look(self, epoch: Any) -> Any:
        last = self._last.get(int(epoch))
        if last is not None and time.monotonic() - last > _QUIET_SECONDS:
            service_health.check(self._service)
        return np.int64(last is not None)


def _ticks() -> tf.data.Dataset:
    """Numbers, one at a time; waiting for the next takes no thread from others."""
    counted = tf.data.Dataset.counter()
    slowly = tf.raw_ops.SleepDataset(
        input_dataset=tf.data.experimental.to_variant(counted),
        sleep_microseconds=np.int64(_LOOK_SECONDS * 1e6),
        output_types=[tf.int64],
        output_shapes=[[]],
    )
    return tf.data.experimental.from_variant(slowly, counted.element_spec)


def _calls(call: Callable[[Any], Any], epoch: tf.Tensor, each: tf.data.Dataset) -> tf.data.Dataset:
    return each.map(tf.autograph.experimental.do_not_convert(lambda _: _called(call, epoch)))


def _called(call: Callable[[Any], Any], epoch: tf.Tensor) -> tf.Tensor:
    number = tf.numpy_function(GATE.guarded(call), [epoch], tf.int64)
    number.set_shape([])
    return number
