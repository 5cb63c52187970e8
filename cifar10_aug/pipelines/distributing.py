"""Datasets whose epochs the workers of a tf.data service make."""

from __future__ import annotations

import dataclasses
import warnings
import weakref

import tensorflow as tf

from cifar10_aug.pipelines import service_health
from cifar10_aug.pipelines.epochs import Epochs
from cifar10_aug.pipelines.finishing import Finish
from cifar10_aug.pipelines.graph import GraphEpochs
from cifar10_aug.pipelines.service_watch import Watch

# What each dataset that was loaded is made of.
_loaded: weakref.WeakKeyDictionary[tf.data.Dataset, tuple[GraphEpochs, Finish]] = (
    weakref.WeakKeyDictionary()
)


def remember(ds: tf.data.Dataset, made: GraphEpochs, finish: Finish) -> tf.data.Dataset:
    """The dataset, which from now on can be distributed."""
    _loaded[ds] = made, finish
    return ds


def distributed(
    dataset: tf.data.Dataset,
    service: str,
    compression: str | None,
    max_outstanding_requests: int | None,
) -> tf.data.Dataset:
    """What `service.distribute` does; see there."""
    if dataset not in _loaded:
        raise ValueError(
            "distribute takes a dataset as tfds.load returns it, with "
            "builder_kwargs={'engine': 'graph'}; this is none: distribute first, and map, batch, "
            "take or repeat what comes back"
        )
    service_health.check(service)
    made, finish = _loaded[dataset]
    workers = tf.data.experimental.service

    watch = Watch(service)

    def of_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        one = made.anywhere(epoch)
        with warnings.catch_warnings():
            # Registering asks for the dataset's options, which have none that matter.
            warnings.filterwarnings("ignore", "To make it possible to preserve tf.data options")
            registered = workers.register_dataset(service, one, compression)
        batches = workers.from_dataset_id(
            workers.ShardingPolicy.DYNAMIC,
            service,
            registered,
            element_spec=one.element_spec,
            max_outstanding_requests=max_outstanding_requests,
        )
        return watch.over(batches, epoch)

    # See `AugmentedBuilder.as_dataset`.
    of_epoch = tf.autograph.experimental.do_not_convert(of_epoch)
    ds = Epochs(made.reading.start.epoch).number().map(watch.begin).flat_map(of_epoch)
    if finish.prefetch:
        ds = ds.prefetch(tf.data.AUTOTUNE)
    # A worker that dies loses the batches that it is making, so the length is not known.
    return dataclasses.replace(finish, known_length=False).of(ds, made.steps)
