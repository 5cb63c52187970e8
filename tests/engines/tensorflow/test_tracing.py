"""What TensorFlow makes of this package's Python."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow.python.autograph.impl import api

import cifar10_aug
from cifar10_aug._compat import xla_tracing
from cifar10_aug.engines.tensorflow.engine import GraphEngine
from cifar10_aug.recipes.recipe import Recipe


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What AutoGraph rewrites, which takes seconds."""
    found: list[Any] = []
    convert = api._convert_actual

    def noted(entity: Any, *arguments: Any) -> Any:
        found.append(entity)
        return convert(entity, *arguments)

    monkeypatch.setattr(api, "_convert_actual", noted)
    return found


@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_pipelines_are_traced_without_autograph(
    engine: str, data_dir: str, converted: list[Any]
) -> None:
    options: dict[str, Any] = {"engine": engine}
    for how in (options, {**options, "jit_compile": True}) if engine == "graph" else (options,):
        ds = tfds.load(
            "cifar10_aug/flip+rotate", split="train[:9]", data_dir=data_dir, builder_kwargs=how
        )
        assert len(list(ds)) == 9
    assert converted == []
    # What users append is theirs.
    ds.map(lambda example: example["label"])
    assert converted


@pytest.mark.parametrize("jit_compile", [False, True])
def test_layers_are_traced_without_autograph(jit_compile: bool, converted: list[Any]) -> None:
    layer = cifar10_aug.Recipe.parse("flip+rotate").layer(jit_compile=jit_compile)
    traced = tf.function(lambda images: layer(images, training=True), autograph=False)
    assert traced(np.zeros((2, 32, 32, 3), np.uint8)).shape == (2, 32, 32, 3)
    ours = [one for one in converted if (one.__module__ or "").startswith("cifar10_aug.engines")]
    assert ours == []


def test_what_is_traced_is_known_to_be_compiled_by_xla_or_not() -> None:
    found: list[bool] = []

    def noted(x: Any) -> Any:
        found.append(xla_tracing.compiled())
        return x

    noted(1)
    for compiled in (False, True):
        tf.function(noted, jit_compile=compiled)(tf.constant(1))
        tf.function(tf.function(noted), jit_compile=compiled)(tf.constant(1))
    assert found == [False, False, False, True, True]


class Noting(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        self.compiled = xla_tracing.compiled()
        return x


@pytest.mark.parametrize("jit_compile", [False, True])
def test_layers_know_that_keras_compiles_their_model(jit_compile: bool) -> None:
    layer = Noting()
    model = keras.Sequential([layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=jit_compile)
    model.train_on_batch(np.zeros((2, 3)), np.zeros((2, 1)))
    assert layer.compiled == jit_compile


def test_xla_does_not_draw_anew_for_each_pixel() -> None:
    engine = GraphEngine(Recipe.parse("crop4+flip").plan, 0, 32, 32)
    traced = tf.function(lambda *args: engine(*args), jit_compile=True, autograph=False)
    given = tf.zeros([8, 1024], tf.int32), tf.range(8, dtype=tf.int64), tf.constant(3, tf.int64)
    made = traced.experimental_get_compiler_ir(*given)(stage="optimized_hlo")
    loops = [loop for loop in made.split("\n}\n") if " gather(" in loop]
    assert loops
    assert not any(" xor(" in loop for loop in loops)


def test_a_hue_that_never_turns_takes_no_ops() -> None:
    def ops(recipe: str) -> list[str]:
        engine = GraphEngine(Recipe.parse(recipe).plan, 0, 32, 32)
        given = tf.zeros([8, 1024], tf.int32), tf.range(8, dtype=tf.int64), tf.constant(3, tf.int64)
        traced = tf.function(lambda *args: engine(*args), autograph=False)
        return [op.type for op in traced.get_concrete_function(*given).graph.get_operations()]

    assert "Maximum" in ops("hue0-0.1")
    assert "Maximum" not in ops("hue0_p0.5")
