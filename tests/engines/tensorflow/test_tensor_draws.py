"""Draws of both engines are the same to the last bit, also where TensorFlow optimises the graph."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from cifar10_aug.engines import parameters
from cifar10_aug.engines.tensorflow import mixing
from cifar10_aug.engines.tensorflow.drawing import Drawing
from cifar10_aug.engines.tensorflow.mixing import Partners
from cifar10_aug.engines.tensorflow.tensor_draws import TENSORFLOW
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws, elementary

IDS = np.arange(500) * 97
SEED = 2**63 + 12345
# Beside every op by itself: other fields, so that other formulas run.
RECIPES = [
    *OPS,
    *("shift_width0.2_height0.1", "zoom_isotropic0.5-2", "erase_fillmean", "mixup_alpha0.2"),
    *(
        "randaugment_n3_m30",
        "posterize1-8",
        "rot180",
        "timmaugment_n1_m5_std2",
        "rotate+crop+erase+mixup",
    ),
]


@pytest.mark.parametrize("text", RECIPES)
def test_parameters_are_those_of_the_eager_engine(text: str) -> None:
    recipe = Recipe.parse(text)
    expected = recipe.parameters(IDS, seed=SEED, epoch=3)
    keys = draws.example_keys(IDS).astype(np.int64)

    @tf.function(autograph=False)  # As in pipelines.
    def of(keys: tf.Tensor, epoch: tf.Tensor) -> dict[str, Any]:
        drawn = Drawing(recipe.ops, SEED).of(keys, epoch)
        among = Partners(
            count=len(IDS),
            rows=tf.identity,
            pixels=tf.identity,
            keys=lambda rows: tf.gather(keys, rows),
            labels=tf.identity,
        )
        found = parameters.named(
            recipe.plan, drawn, 32, 32, lambda its: mixing.partners_drawn(its, among)
        )
        return {name: tf.convert_to_tensor(values) for name, values in found}

    found = of(tf.constant(keys), tf.constant(3, tf.int64))
    assert sorted(found) == sorted(expected)
    for name, values in expected.items():
        ours = np.broadcast_to(found[name].numpy(), values.shape)
        if values.dtype.kind == "U":  # Names of ops are places in the table of ops.
            assert len(set(zip(ours.tolist(), values.tolist(), strict=True))) == len(set(values))
        else:
            np.testing.assert_array_equal(ours, values, name)


@pytest.mark.parametrize("function", [elementary.exponential, elementary.logarithm])
def test_elementary_functions_are_the_same(function: Any) -> None:
    x = np.random.default_rng(0).uniform(1e-9, 500, 10_000)
    np.testing.assert_array_equal(function(tf.constant(x), TENSORFLOW).numpy(), function(x))


def test_sine_and_cosine_are_the_same() -> None:
    degrees = np.concatenate([np.arange(-720.0, 721.0, 45.0), np.linspace(-999, 999, 10_001)])
    for ours, theirs in zip(
        elementary.sine_cosine(tf.constant(degrees), TENSORFLOW),
        elementary.sine_cosine(degrees),
        strict=True,
    ):
        np.testing.assert_array_equal(ours.numpy(), theirs)
