"""From examples in memory to a `tf.data.Dataset` of augmented batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import plain_functions
from cifar10_aug._compat.shutdown import GATE
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.engines.python import cores
from cifar10_aug.errors import PythonOpError
from cifar10_aug.pipelines.blocks import Reading, block_sizes, blocks_of, written
from cifar10_aug.pipelines.eager_examples import Examples
from cifar10_aug.pipelines.epochs import Epochs
from cifar10_aug.pipelines.finishing import Finish

# Larger calls gain some percent, but three blocks are in flight, as a rule: with them, a process
# would take more than 1.2 times the memory of CIFAR-10's images.
_IMAGES_A_CALL = 2048
# Shared by all pipelines, since TensorFlow keeps what their functions refer to for ever. The last
# batch of a block has separate memory. A reader holds that batch until it gets the next one, and
# would otherwise hold the whole block, while a new block is begun.
_BLOCKS, _LAST_BATCHES = Buffers(), Buffers()


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
    label_dtype, label_shape = tf.as_dtype(examples.label_dtype), examples.label_shape
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
    def begin(_: Any) -> np.int64:
        return np.int64(epochs.take())

    def numbered(epoch: tf.Tensor, step: tf.Tensor) -> Any:
        def begun() -> tf.Tensor:
            # Without an input TensorFlow would call it once, while it looks for constants.
            number = tf.numpy_function(begin, [epoch], tf.int64, stateful=False)
            return tf.ensure_shape(number, [])

        # See `Epochs.each`: restoring must not draw the number again.
        epoch = tf.cond(step == 0, begun, lambda: epoch)
        return epoch, (step, epoch)

    # A block is several whole batches, or the epoch's last one that is not whole.
    batch = [] if batch_size is None else [batch_size if count % batch_size == 0 else None]

    @GATE.guarded
    def make(step: Any, epoch: Any) -> list[np.ndarray]:
        positions = reading.block(count, int(epoch), int(step), most)
        number, per = len(positions), min(size, len(positions) or size)
        before_last = max(number - per, 0)
        images = [
            _BLOCKS.empty((before_last, *shape), examples.dtype),
            _LAST_BATCHES.empty((number - before_last, *shape), examples.dtype),
        ]
        ends = range(per, number + 1, per)
        label, failed = written(examples, int(epoch), positions, ends, Target(images))
        made = [positions, label, *images]
        if batch_size is not None:
            made = [array.reshape(-1, per, *array.shape[1:]) for array in made]
        return [failed, *made]

    def augment(step: tf.Tensor, epoch: tf.Tensor) -> Any:
        types = (tf.string, tf.int64, label_dtype, dtype, dtype)
        with tf.control_dependencies([tf.identity(here)]):
            failed, positions, label, *images = tf.numpy_function(
                make, [step, epoch], types, stateful=False
            )
        failed.set_shape([None])
        positions.set_shape([None, *batch])
        label.set_shape([None, *batch, *label_shape])
        for image in images:
            image.set_shape([None, *batch, *shape])
        gathered = {name: tf.gather(values, positions) for name, values in fixed.items()}
        return step, epoch, tuple(images), (failed, {**gathered, "label": label})

    @GATE.guarded
    def reach(step: Any, epoch: Any, label: np.ndarray) -> np.ndarray:
        epochs.reach(int(epoch), int(step), last)
        return label

    def sliced(
        step: tf.Tensor, epoch: tf.Tensor, images: tuple[tf.Tensor, tf.Tensor], others: Any
    ) -> tf.data.Dataset:
        failed, made = others
        # What nothing depends on is not called.
        label = tf.numpy_function(reach, [step, epoch, made["label"]], label_dtype, stateful=False)
        label.set_shape(made["label"].shape)

        def slices(part: slice, image: tf.Tensor) -> tf.data.Dataset:
            """Slices share the memory of what they are cut from.

            `unbatch` would do, but it cannot be checkpointed by position.
            """
            cut = tf.nest.map_structure(lambda each: each[part], {**made, "label": label})
            whole = (image, cut["label"]) if reading.as_supervised else {**cut, "image": image}
            return tf.data.Dataset.from_tensor_slices(
                whole if python_workers is None else (failed[part], whole)
            )

        block, last_batch = images
        return slices(slice(None, -1), block).concatenate(slices(slice(-1, None), last_batch))

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
