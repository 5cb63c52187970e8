"""Augmentation inside a Keras model."""

from __future__ import annotations

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

    What is drawn depends on the seed, on how many batches the layer has seen in training (which is
    saved with the model), and on an image's place in its batch. Ops that set the range of numbers
    apply to all batches.

    As Keras's own random layers do, it augments when it is called outside of a model, for example
    in `Dataset.map`, unless it is called with `training=False`.

    Input: levels from 0 to 255, any dtype, [batch, height, width, 3]; height and width are static.
    Images from 0 to 1 are an error in training, but where XLA compiles the model: it drops checks.
    Output: the same shape in the layer's compute dtype.
    """

    def __init__(
        self, recipe: str, *, seed: int = 0, jit_compile: bool = False, **kwargs: Any
    ) -> None:
        """Takes a recipe's name.

        Args:
            recipe: the name.
            seed: 0 to 2**64 - 1.
            jit_compile: whether XLA compiles the layer; a model that is compiled with
                `jit_compile=True` compiles it in any case.
            **kwargs: of any Keras layer.

        Raises:
            RecipeError: if the name is none, or the recipe does not run inside a model.
            ValueError: if the seed is wrong.
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
        self.jit_compile = jit_compile
        self._augment = _augmenting(self.recipe, self.seed, jit_compile=jit_compile)
        self.steps = self.add_weight(
            name="steps", shape=(), dtype="int64", initializer="zeros", trainable=False
        )

    def call(self, images: Any, training: bool = True) -> Any:
        """See the class."""
        self._check_shape(images.shape)
        if not training:
            return self._cast(self._in_range(tf.cast(images, tf.float32)))
        levels = _levels(_checked(images, self.name))
        made = self._augment(levels, tf.identity(self.steps.value), _replica())
        self.steps.assign_add(1)
        return self._cast(made)

    def _in_range(self, levels: tf.Tensor) -> tf.Tensor:
        if self.recipe.scale_and_offset is None:
            return levels
        scale, offset = self.recipe.scale_and_offset
        return levels * scale + offset

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
            "jit_compile": self.jit_compile,
        }


def _augmenting(plan: Plan, seed: int, *, jit_compile: bool) -> Callable[..., tf.Tensor]:
    """What a layer does to a batch in training; XLA compiles it once for each shape of batches."""

    def augmented(images: tf.Tensor, step: tf.Tensor, replica: tf.Tensor) -> tf.Tensor:
        engine = GraphEngine(plan, seed, images.shape[1], images.shape[2])
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


def _checked(images: tf.Tensor, name: str) -> tf.Tensor:
    """The images.

    Raises:
        ValueError: if they are clearly from 0 to 1; in a graph, an error of TensorFlow's when it
            runs.
    """
    if not images.dtype.is_floating:
        return images
    fractions = tf.reduce_any((images > 0) & (images < 1))
    right = tf.logical_not(fractions & tf.reduce_all(images <= 1))
    wrong = (
        f"{name} got images from 0 to 1; it takes levels from 0 to 255: multiply them by 255 "
        "before the layer, and end its recipe with +rescale to have images from 0 to 1 after it"
    )
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
