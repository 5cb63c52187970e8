"""From examples in memory to a `tf.data.Dataset` of augmented batches."""

from __future__ import annotations

from typing import Any

import joblib
import numpy as np
import tensorflow as tf

from cifar10_aug._compat.shutdown import GATE
from cifar10_aug.data.images import SHAPE
from cifar10_aug.errors import PythonOpError
from cifar10_aug.pipelines.blocks import Order, Start, block_sizes, blocks_of, surviving
from cifar10_aug.pipelines.eager_examples import Examples
from cifar10_aug.pipelines.epochs import Epochs, of_length


def dataset(
    examples: Examples,
    order: Order,
    *,
    start: Start,
    batch_size: int | None,
    as_supervised: bool,
    add_tfds_id: bool = False,
    repeat: bool = False,
    options: tf.data.Options | None = None,
    prefetch: bool = True,
    sharded: bool = False,
    known_length: bool = True,
    python_workers: int | None = None,
    runs_as_graph: bool = False,
    name: str = "",
) -> tf.data.Dataset:
    """The pipeline: epoch → order → blocks of examples → images → batches → prefetch.

    Args:
        examples: what to visit.
        order: in what order to visit them.
        start: where to begin.
        batch_size: examples in a batch; None gives single examples.
        as_supervised: (image, label) instead of a dict.
        add_tfds_id: whether the dict has a "tfds_id".
        repeat: go on with the next epoch for ever.
        options: the user's.
        prefetch: whether to make batches ahead of their use.
        sharded: whether it is one of several input pipelines.
        known_length: whether the dataset says how many elements an epoch has.
        python_workers: how many run functions of the user's; None if there are no such functions.
        runs_as_graph: whether the other engine runs the recipe, too.
        name: the config's, for errors.

    Returns:
        A dataset that makes its first epoch when it is first read, then the next, and so on.
    """
    count, size = len(examples), batch_size or 1
    dtype = tf.as_dtype(examples.dtype)
    images, calls = blocks_of(examples.dtype, joblib.cpu_count(), python_workers)
    here = in_this_process(
        f"{name} is made by Python code in the process that loads it, so it cannot be sent to "
        f"others (tf.data service) or saved. {_instead(name, runs_as_graph)}"
    )
    labels = examples.labels_at(0, np.empty(0, np.int64))
    # What no epoch changes is gathered by TensorFlow, and only if it is asked for.
    fixed = {}
    if not as_supervised:
        fixed = {"id": examples.joined("ids"), **examples.coarse()}
        if add_tfds_id:
            fixed["tfds_id"] = examples.joined("tfds_ids")
    fixed = {name: tf.constant(values) for name, values in fixed.items()}

    @GATE.guarded
    def visit(epoch: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        left_out = start.step * size if epoch == start.epoch else 0
        visited = order.positions(count, int(epoch))[left_out:]
        sizes = block_sizes(len(visited), size, images)
        rows = np.zeros((len(sizes), max(sizes)), np.int64)
        ends = np.cumsum(sizes)
        for row, first, last in zip(rows, ends - sizes, ends, strict=True):
            row[: last - first] = visited[first:last]
        return np.full(len(sizes), epoch), sizes, rows

    def blocks(epoch: tf.Tensor) -> tf.data.Dataset:
        types = (tf.int64, tf.int64, tf.int64)
        epochs, sizes, rows = tf.numpy_function(visit, [epoch], types, stateful=False)
        epochs.set_shape([None])
        sizes.set_shape([None])
        rows.set_shape([None, None])
        return tf.data.Dataset.from_tensor_slices((epochs, sizes, rows))

    # A block is several whole batches, or the epoch's last one that is not whole.
    batch = [] if batch_size is None else [batch_size if count % batch_size == 0 else None]

    @GATE.guarded
    def make(epoch: Any, length: Any, row: np.ndarray) -> list[np.ndarray]:
        positions = row[:length]
        per = min(size, len(positions))
        image, failed = surviving(
            lambda batch: examples.images(epoch, positions[batch]),
            range(per, len(positions) + 1, per),
            SHAPE,
            examples.dtype,
        )
        made = [positions, image, examples.labels_at(epoch, positions)]
        if batch_size is not None:
            made = [array.reshape(-1, per, *array.shape[1:]) for array in made]
        return [failed, *made]

    def augment(epoch: tf.Tensor, length: tf.Tensor, row: tf.Tensor) -> Any:
        with tf.control_dependencies([tf.identity(here)]):
            failed, positions, image, label = tf.numpy_function(
                make,
                [epoch, length, row],
                (tf.string, tf.int64, dtype, labels.dtype),
                stateful=False,
            )
        failed.set_shape([None])
        positions.set_shape([None, *batch])
        image.set_shape([None, *batch, *SHAPE])
        label.set_shape([None, *batch, *labels.shape[1:]])
        if as_supervised:
            return failed, (image, label)
        gathered = {name: tf.gather(values, positions) for name, values in fixed.items()}
        return failed, {**gathered, "image": image, "label": label}

    def sliced(failed: tf.Tensor, made: Any) -> tf.data.Dataset:
        # Slices share the memory of what they are cut from. (`unbatch` would do, but it cannot be
        # checkpointed by position.)
        slices = made if python_workers is None else (failed, made)
        return tf.data.Dataset.from_tensor_slices(slices)

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        # Functions in a pipeline are optimised anew for each iteration, which takes milliseconds
        # for each; so there are few, and they do little.
        ds = blocks(number).map(augment, num_parallel_calls=calls).flat_map(sliced)
        ds = ds if python_workers is None else ds.map(checked)
        return ds.prefetch(tf.data.AUTOTUNE) if prefetch else ds

    return finished(
        Epochs(start.epoch).each(epoch),
        -(-count // size),
        repeat=repeat,
        options=options,
        prefetch=prefetch,
        known_length=known_length,
        sharded=sharded,
    )


def checked(failed: tf.Tensor, made: Any) -> Any:
    """A batch; reading it raises a `PythonOpError` if it failed."""
    first, *others = tf.nest.flatten(made)
    # What nothing depends on is not called.
    passed = tf.numpy_function(GATE.guarded(_passed), [failed, first], first.dtype, stateful=False)
    passed.set_shape(first.shape)
    return tf.nest.pack_sequence_as(made, [passed, *others])


def _passed(failed: bytes, batch: Any) -> Any:
    if failed:
        raise PythonOpError(failed.decode())
    return batch


def finished(
    ds: tf.data.Dataset,
    length: int,
    *,
    repeat: bool,
    options: tf.data.Options | None,
    prefetch: bool,
    known_length: bool,
    sharded: bool,
) -> tf.data.Dataset:
    """A dataset of one epoch, of `length` elements, as users get it."""
    if repeat:
        ds = ds.repeat()
        # So that the next epoch begins while this one ends.
        ds = ds.prefetch(tf.data.AUTOTUNE) if prefetch else ds
    elif known_length:
        ds = of_length(ds, length)
    return ds.with_options(tuned(options, sharded=sharded))


def _instead(name: str, runs_as_graph: bool) -> str:
    frozen = f"{name}-x5"
    graph = "Load it with builder_kwargs={'engine': 'graph'}. Or: " if runs_as_graph else ""
    return (
        f"{graph}Freeze it and load that: cifar10-aug export {name} --copies 5, or tfds.load with "
        f"the config {frozen}. "
    )


def in_this_process(why: str) -> tf.Tensor:
    """A tensor that keeps a pipeline that depends on it from being copied to other processes.

    Python calls are numbers in the graph; another process has other calls under the same numbers,
    or none. TensorFlow would notice when the first batch is made, or never. So the pipeline refers
    to a resource that nobody has made: it is never looked up, except when the graph is serialised,
    and then TensorFlow's error gives its name, which says why and what to do instead.
    """
    with tf.init_scope(), tf.device("CPU:0"):
        return tf.raw_ops.VarHandleOp(dtype=tf.bool, shape=[], shared_name=f"cifar10_aug: {why}")


def tuned(user: tf.data.Options | None, *, sharded: bool) -> tf.data.Options:
    """The user's options, with ours, which avoid what TensorFlow 2.21 was seen to do.

    The pipeline does not tune itself. One that does at times ends late: it waits for its tuning
    thread, for up to as long again as the epoch has taken.
    """
    ours = tf.data.Options()
    ours.autotune.enabled = False
    # A strategy that shards finds no files to share out, and leaves what is a share already.
    policies = tf.data.experimental.AutoShardPolicy
    policy = policies.OFF if sharded else policies.DATA
    ours.experimental_distribute.auto_shard_policy = policy
    return ours if user is None else ours.merge(user)
