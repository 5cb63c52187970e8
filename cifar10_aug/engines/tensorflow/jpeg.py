"""JPEG's losses; see `kernels.jpeg`, and `intensity` here."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines import jpeg_tables
from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.pixels import channels, grey, joined
from cifar10_aug.engines.tensorflow.tensor_draws import numbers


def round_trip(canvas: Canvas, quality: Any) -> tf.Tensor:
    height, width = canvas.height, canvas.width
    rows, columns = (height + 1) // 2, (width + 1) // 2
    image = tf.reshape(canvas.pixels, [-1, height, width])
    image = _repeated(_repeated(image, 1, height, 16), 2, width, 16)
    red, green, blue = channels(image)
    # As bytes, since a graph is saved with its tables.
    table = jpeg_tables.steps().astype(np.uint8)
    drawn = isinstance(quality, tf.Tensor)
    steps = tf.gather(table, tf.cast(quality[:, 0], tf.int32)) if drawn else table[[int(quality)]]
    steps = numbers(steps)
    levels = _lossy(grey(red, green, blue)[:, None] - 128, steps[:, :1])
    levels = levels[:, 0, :height, :width]
    bluish = _shifted(32768 * blue - 11059 * red - 21709 * green + 8421375, 16)
    reddish = _shifted(32768 * red - 27439 * green - 5329 * blue + 8421375, 16)
    halves = tf.stack([bluish, reddish], 1)
    halves = tf.add_n([halves[:, :, y::2, x::2] for y in (0, 1) for x in (0, 1)])
    # Halves are rounded down and up in turn.
    halves = _shifted(halves + 1 + np.arange(halves.shape[3], dtype=np.int32) % 2, 2) - 128
    halves = _lossy(_repeated(halves, 2, rows, 8), steps[:, 1:])[:, :, :rows, :columns]
    smooth = columns > 2
    colours = _widened(_widened(halves, 2, height, smooth), 3, width, smooth)
    # Up and down, here.
    colours = _shifted(colours + 8 - np.arange(width, dtype=np.int32) % 2, 4) - 128
    bluish, reddish = colours[:, 0], colours[:, 1]
    made = joined(
        _level(levels + _shifted(91881 * reddish + 32768, 16)),
        _level(levels + _shifted(32768 - 22554 * bluish - 46802 * reddish, 16)),
        _level(levels + _shifted(116130 * bluish + 32768, 16)),
    )
    return tf.reshape(made, [-1, height * width])


def _lossy(planes: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Levels of what is left of levels less 128.

    Args:
        planes: int32 [batch, planes, height, width], of whole blocks.
        steps: float64 [batch or 1, 1, 8, 8].

    Returns:
        int32, as `planes`. Sums of products are whole numbers of less than 32 bits, which float64
        holds exactly, in whatever order they are added.
    """
    count, high, wide = (int(n) for n in planes.shape[1:])
    blocks = tf.reshape(planes, [-1, count, high // 8, 8, wide // 8, 8])
    blocks = numbers(tf.transpose(blocks, [0, 1, 2, 4, 3, 5]))
    transform = jpeg_tables.transform().astype(np.float64)
    across = _rounded(tf.tensordot(blocks, transform.T, 1), 11)
    # Columns are lines of what is transposed, and so are those of steps.
    found = _rounded(tf.tensordot(tf.linalg.matrix_transpose(across), transform.T, 1), 15)
    steps = tf.linalg.matrix_transpose(steps)[:, :, None, None]
    # Both are 8 times too large. Half a one more keeps whole quotients from being a little less.
    size = tf.floor((tf.abs(found) + (4.0 * steps + 0.5)) / (8.0 * steps)) * steps
    columns = _rounded(tf.tensordot(tf.sign(found) * size, transform, 1), 11)
    blocks = _rounded(tf.tensordot(tf.linalg.matrix_transpose(columns), transform, 1), 18)
    levels = tf.transpose(_level(tf.cast(blocks, tf.int32) + 128), [0, 1, 2, 4, 3, 5])
    return tf.reshape(levels, [-1, count, high, wide])


def _rounded(values: tf.Tensor, bits: int) -> tf.Tensor:
    """Whole numbers without their last bits, rounded."""
    return tf.floor((values + 2.0 ** (bits - 1)) * 2.0**-bits)


def _shifted(values: tf.Tensor, bits: int) -> tf.Tensor:
    return tf.bitwise.right_shift(values, bits)


def _level(values: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(values, 0, 255)


def _repeated(images: tf.Tensor, axis: int, size: int, block: int) -> tf.Tensor:
    """The first `size` lines, of which the last is repeated to make whole blocks."""
    whole = -(-size // block) * block
    if whole == size:
        return images
    return tf.gather(images, np.minimum(np.arange(whole), size - 1), axis=axis)


def _widened(halves: tf.Tensor, axis: int, size: int, smooth: bool) -> tf.Tensor:
    """Four times what is at `size` places: three parts of the nearest, one of the one beside."""
    near = np.arange(size) // 2
    far = near + 2 * (np.arange(size) % 2) - 1 if smooth else near
    far = np.clip(far, 0, int(halves.shape[axis]) - 1)
    return 3 * tf.gather(halves, near, axis=axis) + tf.gather(halves, far, axis=axis)
