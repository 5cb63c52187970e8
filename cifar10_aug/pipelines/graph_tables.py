"""Reads a prepared split into tensors, with TensorFlow alone, on whatever machine that runs."""

from __future__ import annotations

import os
import weakref

import tensorflow as tf

from cifar10_aug._compat import tensorflow_errors
from cifar10_aug.data import fingerprints
from cifar10_aug.data import prepared as plain
from cifar10_aug.data.description import Split
from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.prepared import DAMAGED, damaged
from cifar10_aug.engines.tensorflow import pixels
from cifar10_aug.pipelines import resident, stored_batches
from cifar10_aug.rng.names import DIGITS

_DAMAGES = (tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError)


def tables(info: Split) -> tf.data.Dataset:
    """All images and labels of a split, read once for each copy of the dataset.

    Returns:
        A dataset of one element: packed images, int32 [n, height * width], and labels, int64 [n].
    """
    # Buckets' addresses stay; other paths are found by processes in other folders.
    paths = map(str, info.filepaths)
    files = [path if "://" in path else os.path.abspath(path) for path in paths]
    count, folder = info.num_examples, files[0].rsplit("/", 1)[0]

    fingerprint = fingerprints.signed(plain.fingerprint(info))

    def decoded(parsed: dict[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        levels = tf.io.decode_raw(parsed["image"], tf.uint8)
        images = tf.reshape(levels, [-1, *SHAPE])
        rows = fingerprints.rows(parsed["image"], parsed["label"])
        return parsed["id"], pixels.pack(images), parsed["label"], rows

    def checked(
        ids: tf.Tensor, images: tf.Tensor, labels: tf.Tensor, rows: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        expected = names(info.name, tf.range(count, dtype=tf.int64))
        complete = tf.reduce_all(tf.equal(tf.shape(ids), [count]))
        right = tf.cond(complete, lambda: tf.reduce_all(ids == expected), lambda: False)
        right &= fingerprints.total(rows) == fingerprint
        wrong = DAMAGED.format(folder=folder, found="other images than were written")
        with tf.control_dependencies([tf.debugging.Assert(right, [wrong])]):
            images, labels = tf.identity(images), tf.identity(labels)
        return tf.ensure_shape(images, [count, None]), tf.ensure_shape(labels, [count])

    batches = stored_batches.as_tensors(files)
    batches = batches.map(decoded, num_parallel_calls=2, deterministic=True)
    return batches.rebatch(count + 1).map(checked).cache()


_shared: weakref.WeakValueDictionary[tuple[str, ...], tf.data.Dataset] = (
    weakref.WeakValueDictionary()
)


def shared(info: Split) -> tf.data.Dataset:
    """`tables`, read into memory; pipelines that are alive at once share them.

    They are tensors, since pipelines that read a dataset for each batch cannot be checkpointed, and
    the element of a dataset, so that no function refers to them.

    Raises:
        SourceError: if the files do not hold what their metadata say.
    """
    key = resident.written(info)
    found = _shared.get(key)
    if found is None:
        try:
            with tf.init_scope():
                found = tf.data.Dataset.from_tensors(tables(info).get_single_element())
        except _DAMAGES as error:
            # The eager engine finds the same, and names it.
            resident.resident(info)
            raise damaged(str(info.filepaths[0].parent), tensorflow_errors.reason(error)) from error
        _shared[key] = found
    return found


def names(split: str, numbers: tf.Tensor) -> tf.Tensor:
    """`source.images.example_ids` as a tensor."""
    return tf.strings.join([f"{split}_", tf.strings.as_string(numbers, width=DIGITS, fill="0")])
