"""Reads frozen epochs into tf.data, records parsed a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import shard_utils

from cifar10_aug.data import slices
from cifar10_aug.data.images import SHAPE
from cifar10_aug.data.records.examples import NO_PNG, PNG_BEGINS
from cifar10_aug.frozen import file_pieces, shuffled_order
from cifar10_aug.pipelines.epochs import of_length, of_seeds

# How many records a call parses if the user wants single examples.
_RECORDS_A_CALL = 1024


def dataset(
    info: tfds.core.DatasetInfo,
    split: Any,
    *,
    image_encoding: str,
    batch_size: int | None,
    shuffle_seed: int | None,
    config: tfds.ReadConfig,
    as_supervised: bool,
) -> Any:
    """The pipeline: files → records → batches of records → images.

    Args:
        info: of the frozen dataset.
        split: what `tfds.load` takes.
        image_encoding: "raw" or "png".
        batch_size: as in `tfds.load`.
        shuffle_seed: None keeps the order; else files, and records within a window of 50,000, come
            in a new random order each epoch.
        config: as in `tfds.load`.
        as_supervised: (image, label) instead of a dict.

    Raises:
        ValueError: if the split argument is wrong, or there are no examples.
    """
    pieces = file_pieces.named(info, split)
    count = sum(map(file_pieces.length, pieces))
    context = config.input_context
    if context is not None:
        count = len(range(context.input_pipeline_id, count, context.num_input_pipelines))
    if not count:
        raise slices.without_examples(split, context)
    everything = batch_size == -1
    repeat = config.repeat_filenames and not everything

    size = count if everything else batch_size
    parse = _Parse(info, image_encoding, as_supervised)

    def records(seed: tf.Tensor | None) -> tf.data.Dataset:
        ds = _records(pieces, seed, config)
        if context is not None:
            ds = ds.shard(context.num_input_pipelines, context.input_pipeline_id)
        if seed is None:
            return ds
        return _shuffled(ds, min(shuffled_order.WINDOW, count), seed)

    def parsed(ds: tf.data.Dataset) -> tf.data.Dataset:
        ds = ds.batch(size or _RECORDS_A_CALL)
        ds = ds.map(parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        if size is None:
            ds = ds.unbatch()
        return ds if config.skip_prefetch else ds.prefetch(tf.data.AUTOTUNE)

    def each(make: Callable[[tf.Tensor | None], tf.data.Dataset]) -> tf.data.Dataset:
        if shuffle_seed is None:
            return make(None)
        renewed = config.shuffle_reshuffle_each_iteration is not False
        return of_seeds(shuffle_seed, make, renewed=renewed)

    ds = parsed(each(records).repeat()) if repeat else each(lambda seed: parsed(records(seed)))
    if not repeat and config.assert_cardinality:
        ds = of_length(ds, -(-count // (size or 1)))
    if config.options is not None:
        ds = ds.with_options(config.options)
    return ds.get_single_element() if everything else ds


def _records(
    pieces: list[shard_utils.FileInstruction], seed: tf.Tensor | None, config: tfds.ReadConfig
) -> tf.data.Dataset:
    """(record, tfds_id) or (record,), one after the other."""
    files = tf.data.Dataset.from_tensor_slices(
        (
            [str(piece.filename) for piece in pieces],
            [Path(piece.filename).name for piece in pieces],
            np.array([piece.skip for piece in pieces], np.int64),
            np.array(list(map(file_pieces.length, pieces)), np.int64),
        )
    )
    if seed is not None:
        # Another sequence than that of the records.
        files = _shuffled(files, len(pieces), seed + 1)

    def of_file(path: Any, name: Any, skip: Any, take: Any) -> tf.data.Dataset:
        ds = tf.data.TFRecordDataset(path, buffer_size=config.override_buffer_size or 8 << 20)
        ds = ds.skip(skip).take(take)
        if not config.add_tfds_id:
            return tf.data.Dataset.zip((ds,))
        places = tf.data.Dataset.counter(skip)
        ids = places.map(lambda place: tf.strings.join([name, tf.strings.as_string(place)], "__"))
        return tf.data.Dataset.zip((ds, ids))

    return files.flat_map(of_file)


def _shuffled(ds: tf.data.Dataset, window: int, seed: tf.Tensor) -> tf.data.Dataset:
    """`Dataset.shuffle` once, by a seed, int64 [], from 0 on.

    In a function, `Dataset.shuffle` itself makes an op that keeps iterators from being saved.
    """
    specs = tf.nest.flatten(ds.element_spec)
    shuffled = tf.raw_ops.ShuffleDataset(
        input_dataset=tf.data.experimental.to_variant(ds),
        buffer_size=np.int64(window),
        # Two seeds of 0 would be fresh ones.
        seed=np.int64(1),
        seed2=seed,
        reshuffle_each_iteration=False,
        output_types=[spec.dtype for spec in specs],
        output_shapes=[spec.shape for spec in specs],
    )
    return tf.data.experimental.from_variant(shuffled, ds.element_spec)


class _Parse:
    """From a batch of records to a batch of examples."""

    def __init__(self, info: tfds.core.DatasetInfo, image_encoding: str, as_supervised: bool):
        self._dtype = tf.as_dtype(info.features["image"].np_dtype)
        self._shape = info.features["image"].shape
        self._label_dtype = tf.as_dtype(info.features["label"].np_dtype)
        self._png = image_encoding == "png"
        self._as_supervised = as_supervised
        self._spec = {
            "image": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature(info.features["label"].shape, self._label_dtype),
        }
        if not as_supervised:
            # The id, the copy's number, and coarser labels.
            for name in info.features.keys() - self._spec.keys():
                dtype = tf.as_dtype(info.features[name].np_dtype)
                self._spec[name] = tf.io.FixedLenFeature([], dtype)

    def __call__(self, records: tf.Tensor, *tfds_ids: tf.Tensor) -> Any:
        batch = tf.io.parse_example(records, self._spec)
        image = self._images(batch["image"])
        if self._as_supervised:
            return image, batch["label"]
        parsed = {**batch, "image": image}
        if tfds_ids:
            parsed["tfds_id"] = tfds_ids[0]
        return parsed

    def _images(self, encoded: tf.Tensor) -> tf.Tensor:
        if self._png:
            # TensorFlow inflates whatever size a PNG says it has.
            right = tf.reduce_all(tf.strings.substr(encoded, 0, len(PNG_BEGINS)) == PNG_BEGINS)
            with tf.control_dependencies(
                [tf.debugging.Assert(right, [f"the image of a record is {NO_PNG}"])]
            ):
                encoded = tf.identity(encoded)
            return tf.map_fn(
                lambda png: tf.ensure_shape(tf.io.decode_png(png, channels=SHAPE[-1]), SHAPE),
                encoded,
                fn_output_signature=tf.TensorSpec(SHAPE, self._dtype),
                parallel_iterations=1,
            )
        size = int(np.prod(self._shape))
        raw = tf.io.decode_raw(encoded, self._dtype)
        return tf.reshape(tf.ensure_shape(raw, [None, size]), [-1, *self._shape])
