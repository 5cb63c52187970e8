from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from cifar10_aug.engines.tensorflow import chunks

SIZE = chunks.PIXELS // 8


def added(count: int | None, at_once: bool = False) -> tuple[Any, list[Any]]:
    """A function of images and keys that adds twice the keys, and how many it sees at a time."""
    seen: list[Any] = []

    def run(pixels: tf.Tensor, both: tuple[tf.Tensor, int, None]) -> tf.Tensor:
        keys, factor, _ = both
        seen.append(tf.shape(pixels)[0])
        return pixels + factor * keys[:, None]

    def made(pixels: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        pixels = tf.ensure_shape(pixels, [count, SIZE])
        return chunks.in_chunks(run, at_once, pixels, (keys, 2, None))

    return made, seen


@pytest.mark.parametrize("count", [0, 1, 8, 16, 21])
@pytest.mark.parametrize("known", [True, False])
def test_each_image_gets_what_is_given_with_it(count: int, known: bool) -> None:
    made, _ = added(count if known else None)
    traced = tf.function(made, autograph=False)
    pixels = np.arange(count * SIZE, dtype=np.int32).reshape(count, SIZE)
    keys = np.arange(count, dtype=np.int32) * 7
    found = traced(tf.constant(pixels), tf.constant(keys))
    np.testing.assert_array_equal(found, pixels + 2 * keys[:, None])


@pytest.mark.parametrize(("at_once", "sizes"), [(False, [8, 8, 5]), (True, [21])])
def test_some_are_worked_on_at_a_time(at_once: bool, sizes: list[int]) -> None:
    made, seen = added(21, at_once)
    made(tf.zeros([21, SIZE], tf.int32), tf.zeros([21], tf.int32))
    assert [int(one) for one in seen] == sizes


def test_xla_gets_all_of_them() -> None:
    made, seen = added(21)
    traced = tf.function(made, jit_compile=True, autograph=False)
    traced.get_concrete_function(tf.zeros([21, SIZE], tf.int32), tf.zeros([21], tf.int32))
    (count,) = seen
    assert "While" not in str(count.graph.as_graph_def())


def test_images_larger_than_a_chunk_come_one_by_one() -> None:
    sizes: list[int] = []

    def run(pixels: tf.Tensor) -> tf.Tensor:
        sizes.append(int(tf.shape(pixels)[0]))
        return pixels

    chunks.in_chunks(run, False, tf.zeros([3, chunks.PIXELS + 1], tf.int32))
    assert sizes == [1, 1, 1]
