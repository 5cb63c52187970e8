"""From examples in memory to a `tf.data.Dataset` of augmented batches."""

from __future__ import annotations

import dataclasses
from typing import Any

import joblib
import numpy as np
import tensorflow as tf

from cifar10_aug import epochs
from cifar10_aug.examples import Examples
from cifar10_aug.shutdown import GATE
from cifar10_aug.source.images import SHAPE

# A call into Python, with the NumPy calls that turn draws into parameters, costs about as much as
# augmenting two hundred images, so one call makes several batches. Larger calls than this gain
# little, and the few blocks in flight would take hundreds of megabytes as floats.
_IMAGES_A_CALL = 2048
# Functions of the user's can take a thousand times as long as ours: calls are small, so that the
# first batch comes soon, and few, since each only waits for workers, which share its images.
_IMAGES_A_WORKER = 256
_CALLS_OF_PYTHON = 3


@dataclasses.dataclass(frozen=True)
class Order:
    """In what order an epoch visits its examples.

    Attributes:
        shuffle: all examples, in another order each epoch; else as the split lists them.
        seed: of the order.
        reshuffle: whether epochs differ in order.
    """

    shuffle: bool
    seed: int
    reshuffle: bool = True

    def positions(self, count: int, epoch: int) -> np.ndarray:
        """int64 [count], a permutation of 0 … count - 1."""
        if not self.shuffle:
            return np.arange(count)
        from cifar10_aug.engines.kernels import words

        keyed = np.uint64(epoch if self.reshuffle else 0)
        return words.shuffled(count, keyed, np.uint64(self.seed))


def dataset(
    examples: Examples,
    order: Order,
    *,
    batch_size: int | None,
    as_supervised: bool,
    add_tfds_id: bool = False,
    repeat: bool = False,
    options: tf.data.Options | None = None,
    prefetch: bool = True,
    python_workers: int | None = None,
    name: str = "",
) -> tf.data.Dataset:
    """The pipeline: epoch → order → blocks of examples → images → batches → prefetch.

    Args:
        examples: what to visit.
        order: in what order to visit them.
        batch_size: examples in a batch; None hands out single examples.
        as_supervised: (image, label) instead of a dict.
        add_tfds_id: whether the dict has a "tfds_id".
        repeat: go on with the next epoch for ever.
        options: the user's.
        prefetch: whether to make batches ahead of their use.
        python_workers: how many run functions of the user's; None if there are no such functions.
        name: the config's, for errors.

    Returns:
        A dataset that makes epoch 0 when it is first iterated, then epoch 1, and so on.
    """
    count = len(examples)
    dtype = tf.as_dtype(examples.dtype)
    images, calls = _IMAGES_A_CALL, joblib.cpu_count()
    if python_workers is not None:
        images, calls = min(images, _IMAGES_A_WORKER * python_workers), _CALLS_OF_PYTHON
    block = (batch_size or 1) * max(1, images // (batch_size or 1))
    here = in_this_process(name)
    labels = tf.constant(examples.labels)
    # Strings are gathered by TensorFlow, and only if they are asked for.
    texts = {} if as_supervised else {"id": tf.constant(examples.joined("ids"))}
    if add_tfds_id and not as_supervised:
        texts["tfds_id"] = tf.constant(examples.joined("tfds_ids"))

    @GATE.guarded
    def visit(token: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        epoch = epochs.epoch_of(token)
        return np.array(epoch), order.positions(count, epoch)

    def blocks(token: tf.Tensor) -> tf.data.Dataset:
        epoch, positions = tf.numpy_function(visit, [token], (tf.int64, tf.int64), stateful=False)
        epoch.set_shape([])
        positions.set_shape([count])
        starts = tf.data.Dataset.range(0, count, block)
        return starts.map(lambda start: (epoch, positions[start : start + block]))

    make_images = GATE.guarded(examples.images)
    make_labels = GATE.guarded(examples.mixed_labels)

    def augment(epoch: tf.Tensor, positions: tf.Tensor) -> Any:
        with tf.control_dependencies([tf.identity(here)]):
            images = tf.numpy_function(make_images, [epoch, positions], dtype, stateful=False)
        images.set_shape([None, *SHAPE])
        if examples.mixes:
            of = [epoch, positions]
            label = tf.numpy_function(make_labels, of, labels.dtype, stateful=False)
            label.set_shape([None, *labels.shape[1:]])
        else:
            label = tf.gather(labels, positions)
        if as_supervised:
            return images, label
        gathered = {name: tf.gather(text, positions) for name, text in texts.items()}
        return ({**gathered, "image": images, "label": label},)

    ds = epochs.token().flat_map(blocks)
    if repeat:
        ds = ds.repeat()
    ds = ds.map(augment, num_parallel_calls=calls)
    ds = ds.flat_map(lambda *made: _cut(made, batch_size, even=count % (batch_size or 1) == 0))
    if not repeat:
        size = batch_size or 1
        ds = ds.apply(tf.data.experimental.assert_cardinality(-(-count // size)))
    ds = ds.with_options(_options(options))
    return ds.prefetch(tf.data.AUTOTUNE) if prefetch else ds


def _cut(made: tuple[Any, ...], batch_size: int | None, *, even: bool) -> tf.data.Dataset:
    """The batches, or single examples, that a call has made.

    Slices share the memory of what they are cut from. (`rebatch` and `unbatch` would do, but they
    cannot be checkpointed by position.)

    Args:
        made: one nest of tensors [n, …], as elements of a dataset.
        batch_size: of the batches; None for single examples.
        even: whether n is a multiple of batch_size in every call.
    """
    nest = made if len(made) > 1 else made[0]
    if batch_size is None:
        return tf.data.Dataset.from_tensor_slices(nest)

    def batches(tensor: tf.Tensor) -> tf.Tensor:
        whole = tf.shape(tensor)[0] // batch_size * batch_size
        return tf.reshape(tensor[:whole], [-1, batch_size, *tensor.shape[1:]])

    ds = tf.data.Dataset.from_tensor_slices(tf.nest.map_structure(batches, nest))
    if even:
        return ds
    left = tf.shape(tf.nest.flatten(nest)[0])[0] % batch_size
    rest = tf.nest.map_structure(lambda tensor: tensor[tf.shape(tensor)[0] - left :], nest)
    partial = tf.data.Dataset.from_tensors(rest).take(tf.cast(left > 0, tf.int64))
    return ds.concatenate(partial)


def in_this_process(name: str) -> tf.Tensor:
    """A tensor that keeps a pipeline that depends on it from being copied to other processes.

    Python calls are numbers in the graph; another process has other calls under the same numbers,
    or none. TensorFlow would notice when the first batch is made, or never. So the pipeline refers
    to a resource that nobody has made: it is never looked up, except when the graph is serialised,
    and then TensorFlow's error gives its name.
    """
    frozen = f"{name}-x5"
    with tf.init_scope(), tf.device("CPU:0"):
        return tf.raw_ops.VarHandleOp(
            dtype=tf.bool,
            shape=[],
            shared_name=f"cifar10_aug: {name} is made by Python code in the process that loads it, "
            f"so it cannot be sent to others (tf.data service) or saved. Freeze it and load that: "
            f"cifar10-aug export {name} --copies 5, or tfds.load with the config {frozen}. ",
        )


def _options(user: tf.data.Options | None) -> tf.data.Options:
    """The user's options, with ours, which avoid what TensorFlow 2.21 was seen to do.

    Checkpoints record where the pipeline is. The default kind records what its buffers hold
    instead, and comes back to the wrong epoch when a prefetching pipeline is repeated.

    The pipeline does not tune itself. One that does at times ends late: it waits for its tuning
    thread, for up to as long again as the epoch has taken.
    """
    ours = tf.data.Options()
    ours.experimental_symbolic_checkpoint = True
    ours.autotune.enabled = False
    return ours if user is None else ours.merge(user)
