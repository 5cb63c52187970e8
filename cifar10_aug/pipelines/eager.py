"""From examples in memory to a `tf.data.Dataset` of augmented batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import plain_functions
from cifar10_aug._compat.shutdown import GATE
from cifar10_aug.engines.python import cores
from cifar10_aug.errors import PythonOpError
from cifar10_aug.pipelines.blocks import Reading, block_sizes, blocks_of, surviving
from cifar10_aug.pipelines.eager_examples import Examples
from cifar10_aug.pipelines.epochs import Epochs
from cifar10_aug.pipelines.finishing import Finish

# Larger calls gain some percent, but four blocks are in flight: with them, a process would take
# more than 1.2 times the memory of CIFAR-10's images.
_IMAGES_A_CALL = 1536


def dataset(
    examples: Examples,
    reading: Reading,
    finish: Finish,
    *,
    python_workers: int | None,
    refusal: str,
) -> tf.data.Dataset:
    """The pipeline: epoch → order → blocks of examples → images → batches → prefetch.

    Args:
        examples: what to visit.
        reading: in what order, and what comes out.
        finish: how the dataset ends.
        python_workers: how many run functions of the user's; None if there are no such functions.
        refusal: why the pipeline cannot be sent to other processes, and what to do instead.

    Returns:
        A dataset that makes its first epoch when it is first read, then the next, and so on.
    """
    count, size, batch_size = len(examples), reading.size, reading.batch_size
    dtype = tf.as_dtype(examples.dtype)
    shape = examples.shape
    most, calls = blocks_of(_IMAGES_A_CALL, shape, cores.count(), python_workers)
    here = in_this_process(refusal)
    labels = examples.labels_at(0, np.empty(0, np.int64))
    # What no epoch changes is gathered by TensorFlow, and only if it is asked for.
    fixed = {}
    if not reading.as_supervised:
        fixed = {"id": examples.joined("ids"), **examples.coarse()}
        if reading.add_tfds_id:
            fixed["tfds_id"] = examples.joined("tfds_ids")
    fixed = {name: tf.constant(values) for name, values in fixed.items()}

    epochs = Epochs(reading.start.epoch)
    last = len(block_sizes(count, size, most))

    @GATE.guarded
    def visit(step: Any, epoch: Any) -> tuple[np.int64, np.ndarray]:
        if step == 0:
            # See `Epochs.each`: restoring must not draw the number again.
            return np.int64(epochs.take()), np.empty(0, np.int64)
        visited = reading.visited(count, int(epoch))
        sizes = block_sizes(len(visited), size, most)
        return epoch, visited[sizes[: step - 1].sum() : sizes[:step].sum()]

    def numbered(epoch: tf.Tensor, step: tf.Tensor) -> Any:
        types = (tf.int64, tf.int64)
        epoch, positions = tf.numpy_function(visit, [step, epoch], types, stateful=False)
        epoch.set_shape([])
        positions.set_shape([None])
        return epoch, (step, epoch, positions)

    # A block is several whole batches, or the epoch's last one that is not whole.
    batch = [] if batch_size is None else [batch_size if count % batch_size == 0 else None]

    @GATE.guarded
    def make(epoch: Any, positions: np.ndarray) -> list[np.ndarray]:
        per = min(size, len(positions) or size)
        image, failed = surviving(
            lambda batch: examples.images(epoch, positions[batch]),
            range(per, len(positions) + 1, per),
            shape,
            examples.dtype,
        )
        made = [positions, image, examples.labels_at(epoch, positions)]
        if batch_size is not None:
            made = [array.reshape(-1, per, *array.shape[1:]) for array in made]
        return [failed, *made]

    def augment(step: tf.Tensor, epoch: tf.Tensor, positions: tf.Tensor) -> Any:
        with tf.control_dependencies([tf.identity(here)]):
            failed, positions, image, label = tf.numpy_function(
                make, [epoch, positions], (tf.string, tf.int64, dtype, labels.dtype), stateful=False
            )
        failed.set_shape([None])
        positions.set_shape([None, *batch])
        image.set_shape([None, *batch, *shape])
        label.set_shape([None, *batch, *labels.shape[1:]])
        gathered = {name: tf.gather(values, positions) for name, values in fixed.items()}
        return step, epoch, failed, {**gathered, "image": image, "label": label}

    @GATE.guarded
    def reach(step: Any, epoch: Any, label: np.ndarray) -> np.ndarray:
        epochs.reach(int(epoch), int(step), last)
        return label

    def sliced(
        step: tf.Tensor, epoch: tf.Tensor, failed: tf.Tensor, made: dict[str, tf.Tensor]
    ) -> tf.data.Dataset:
        # What nothing depends on is not called.
        label = tf.numpy_function(reach, [step, epoch, made["label"]], labels.dtype, stateful=False)
        label.set_shape(made["label"].shape)
        whole = (made["image"], label) if reading.as_supervised else {**made, "label": label}
        # Slices share the memory of what they are cut from. (`unbatch` would do, but it cannot be
        # checkpointed by position.)
        slices = whole if python_workers is None else (failed, whole)
        return tf.data.Dataset.from_tensor_slices(slices)

    steps = plain_functions.scan(
        tf.data.Dataset.range(last + 1), tf.constant(-1, tf.int64), numbered
    )
    ds = plain_functions.flat_map(plain_functions.parallel_map(steps, augment, calls), sliced)
    ds = ds if python_workers is None else ds.map(checked)
    return finish.of(ds, reading.steps(count))


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


def in_this_process(why: str) -> tf.Tensor:
    """A tensor that keeps a pipeline that depends on it from being copied to other processes.

    Python calls are numbers in the graph; another process has other calls under the same numbers,
    or none. TensorFlow would notice when the first batch is made, or never. So the pipeline refers
    to a resource that nobody has made: it is never looked up, except when the graph is serialised,
    and then TensorFlow's error gives its name, which says why and what to do instead.
    """
    with tf.init_scope(), tf.device("CPU:0"):
        return tf.raw_ops.VarHandleOp(dtype=tf.bool, shape=[], shared_name=f"cifar10_aug: {why}")
