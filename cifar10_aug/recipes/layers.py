"""Augmentation inside a Keras model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from cifar10_aug.engines import arguments
from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.tensorflow import support
from cifar10_aug.engines.tensorflow.engine import GraphEngine
from cifar10_aug.engines.tensorflow.pixels import pack
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops.base import LabelOp
from cifar10_aug.ops.compound import SampleMixOp, flattened
from cifar10_aug.recipes.planning import planned
from cifar10_aug.rng import draws

# Layers draw for places in a batch, not for examples of a split: keys beyond those of splits.
_FIRST_REPLICA = len(draws.SPLIT_NUMBERS)


@keras.saving.register_keras_serializable("cifar10_aug")
class RecipeLayer(keras.layers.Layer):
    """Augments batches of images while a model trains, and lets them through otherwise.

    What is drawn depends on the seed, on the layer's name, on how many batches it has seen in
    training (which is saved with the model), and on an image's place in its batch. Two layers of a
    model with the same seed have different names, so they draw differently; give a name to have the
    same draws in another program. Ops that set the range of numbers
    apply to all batches.

    As Keras's own random layers do, it augments when it is called outside of a model, for example
    in `Dataset.map`, unless it is called with `training=False`.

    Input: levels from 0 to 255, any dtype, or with `value_range=(0, 1)` floats from 0 to 1, which
    are rounded to 256 levels; [batch, height, width, 3]; height and width are static. Images that
    are clearly in the other range are an error in training, but where XLA compiles the model: it
    drops checks, and such images come out black, or white. A `keras.Input` of dtype uint8 makes 0
    of fractions before the layer sees them.
    Output: the same shape and range in the layer's compute dtype; what `rescale` and `normalize`
    make is the same for both ranges.

    A layer knows no labels and no epochs, so ops that change labels and `altflip` are refused.
    To load a saved model, import this module first: `import cifar10_aug.recipes.layers`.
    """

    def __init__(
        self,
        recipe: str,
        *,
        seed: int = 0,
        value_range: tuple[float, float] = (0, 255),
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Takes a recipe's name.

        Args:
            recipe: the name.
            seed: 0 to 2**64 - 1.
            value_range: of the images, (0, 255) or (0, 1).
            jit_compile: whether XLA compiles the layer; a model that is compiled with
                `jit_compile=True` compiles it in any case.
            **kwargs: of any Keras layer.

        Raises:
            RecipeError: if the name is none, or the recipe does not run inside a model.
            ValueError: if the seed or the range is wrong.
            RuntimeError: if Keras does not run on TensorFlow.
        """
        super().__init__(**kwargs)
        if keras.config.backend() != "tensorflow":
            raise RuntimeError(
                f"Keras runs on {keras.config.backend()}, and recipes run on TensorFlow; set the "
                "environment variable KERAS_BACKEND to tensorflow before Keras is imported"
            )
        self.recipe = planned(recipe)
        _check(self.recipe)
        self.seed = arguments.checked("seed", seed, draws.SEED_LIMIT)
        self.value_range = _checked_range(value_range)
        self.jit_compile = jit_compile
        own_seed = _of_name(self.seed, self.name)
        self._augment = _augmenting(self.recipe, own_seed, jit_compile=jit_compile)
        self.steps = self.add_weight(
            name="steps", shape=(), dtype="int64", initializer="zeros", trainable=False
        )

    def call(self, images: Any, training: bool = True) -> Any:
        """See the class."""
        self._check_shape(images.shape)
        one = self.value_range == (0, 1)
        if not training:
            return self._cast(self._in_range(tf.cast(images, tf.float32)))
        images = _checked(tf.cast(images, tf.float32) if one else images, self.name, one)
        levels = _levels(images * 255 if one else images)
        made = self._augment(levels, tf.identity(self.steps.value), _replica())
        self.steps.assign_add(1)
        if one and self.recipe.scale_and_offset is None:
            made = tf.cast(made, tf.float32) / 255
        return self._cast(made)

    def _in_range(self, images: tf.Tensor) -> tf.Tensor:
        if self.recipe.scale_and_offset is None:
            return images
        scale, offset = self.recipe.scale_and_offset
        return images * (255 if self.value_range == (0, 1) else 1) * scale + offset

    def _cast(self, images: tf.Tensor) -> tf.Tensor:
        return tf.cast(images, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def _check_shape(self, shape: Any) -> None:
        if len(shape) != 4 or shape[3] != 3 or None in shape[1:]:
            raise ValueError(
                f"{self.name} got images of shape {tuple(shape)}; it takes (batch, height, width, "
                "3) with known height and width: give the model an Input of such a shape"
            )

    def compute_output_spec(self, images: Any, training: bool = True) -> Any:
        self._check_shape(images.shape)
        return keras.KerasTensor(images.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """What the layer is made from again."""
        return {
            **super().get_config(),
            "recipe": self.recipe.name,
            "seed": self.seed,
            "value_range": list(self.value_range),
            "jit_compile": self.jit_compile,
        }


def _augmenting(plan: Plan, seed: int, *, jit_compile: bool) -> Callable[..., tf.Tensor]:
    """What a layer does to a batch in training; XLA compiles it once for each shape of batches."""

    def augmented(images: tf.Tensor, step: tf.Tensor, replica: tf.Tensor) -> tf.Tensor:
        gpus = tf.config.list_logical_devices("GPU")
        engine = GraphEngine(plan, seed, images.shape[1], images.shape[2], at_once=bool(gpus))
        return engine(pack(images), keys(tf.shape(images)[0], replica), step)

    if not jit_compile:
        # It has no Python control flow over tensors for AutoGraph to look for, which takes seconds.
        return tf.autograph.experimental.do_not_convert(augmented)
    compiled = tf.function(augmented, jit_compile=True, autograph=False)
    # Were the layer's attribute a `tf.function`, TensorFlow would save it with the layer.
    return lambda *args: compiled(*args)


def keys(count: Any, replica: Any) -> tf.Tensor:
    """The keys of a replica's batch, int64 [count], which no example of a split has."""
    first = tf.bitwise.left_shift(_FIRST_REPLICA + tf.cast(replica, tf.int64), 32)
    return first + tf.range(tf.cast(count, tf.int64), dtype=tf.int64)


def _check(plan: Plan) -> None:
    elsewhere = f"put it into the pipeline, tfds.load('cifar10_aug/{plan.name}')"
    if plan.views:
        raise RecipeError(
            f"{plan.name} makes several views of an image, and a layer makes one; {elsewhere}, or "
            "call one layer for each view, with different names"
        )
    for op in flattened(plan.ops):
        if isinstance(op, (SampleMixOp, LabelOp)):
            raise RecipeError(
                f"{op.name} in {plan.name} changes labels, which a layer does not see; {elsewhere}"
            )
        if op.counts_epochs:
            raise RecipeError(
                f"{op.name} in {plan.name} depends on the number of the epoch, which a layer does "
                f"not know; {elsewhere}, or use an op that draws for each batch, such as flip"
            )
    support.check(plan, elsewhere)


def _of_name(seed: int, name: str) -> int:
    """Another seed for each name of a layer: 64 bits of SHA-256."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def _checked_range(value_range: Any) -> tuple[int, int]:
    for allowed in ((0, 255), (0, 1)):
        # A list, after loading.
        if isinstance(value_range, (tuple, list)) and tuple(value_range) == allowed:
            return allowed
    raise ValueError(f"value_range is {value_range!r}; give (0, 255) or (0, 1)")


def _checked(images: tf.Tensor, name: str, one: bool) -> tf.Tensor:
    """The images.

    Raises:
        ValueError: if they are clearly in the other range; in a graph, an error of TensorFlow's
            when it runs.
    """
    if one:
        # Filters overshoot; nothing but levels reaches so far.
        right = tf.reduce_all((images >= -1) & (images <= 2))
        wrong = (
            f"{name} got images that are not from 0 to 1, as value_range=(0, 1) says: leave it out "
            "if they are levels from 0 to 255"
        )
    elif images.dtype.is_floating:
        fractions = tf.reduce_any((images > 0) & (images < 1))
        right = tf.logical_not(fractions & tf.reduce_all(images <= 1))
        wrong = (
            f"{name} got images from 0 to 1; it takes levels from 0 to 255: give the layer "
            "value_range=(0, 1)"
        )
    else:
        return images
    if tf.executing_eagerly():
        if not right:
            raise ValueError(wrong)
        return images
    with tf.control_dependencies([tf.debugging.Assert(right, [wrong])]):
        return tf.identity(images)


def _levels(images: tf.Tensor) -> tf.Tensor:
    if images.dtype == tf.uint8:
        return images
    rounded = tf.round(tf.cast(images, tf.float32))
    return tf.cast(tf.clip_by_value(rounded, 0.0, 255.0), tf.uint8)


def _replica() -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    return tf.constant(0) if context is None else context.replica_id_in_sync_group
