"""Packed pixels, one int32 each: red | green << 8 | blue << 16."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from cifar10_aug._compat import xla_tracing


def pack(images: tf.Tensor) -> tf.Tensor:
    """uint8 [batch, height, width, 3] as int32 [batch, height * width]."""
    count, size = tf.shape(images)[0], images.shape[1] * images.shape[2]
    levels = tf.reshape(images, [count, size, 3])
    return tf.bitcast(tf.pad(levels, [[0, 0], [0, 0], [0, 1]]), tf.int32)


def unpack(packed: tf.Tensor) -> tf.Tensor:
    """Packed pixels of any shape as uint8 […, 3]."""
    if None in packed.shape[1:] or packed.shape[1:].num_elements() % 4 or xla_tracing.compiled():
        return tf.bitcast(packed, tf.uint8)[..., :3]
    # Copying three bytes at a time takes longer than making three words of four pixels, and floats
    # are transposed in half the time.
    right = tf.bitwise.right_shift
    a, b, c, d = tf.unstack(tf.reshape(packed, [-1, 4]), axis=1)
    words = tf.stack([a + b * (1 << 24), right(b, 8) + c * (1 << 16), right(c, 16) + d * 256])
    levels = tf.bitcast(tf.transpose(tf.bitcast(words, tf.float32)), tf.uint8)
    return tf.reshape(levels, [-1, *packed.shape[1:], 3])


def column(values: tf.Tensor) -> tf.Tensor:
    """[batch] as [batch, 1]; slicing would need more nodes."""
    return tf.expand_dims(values, 1)


def crossed(
    combine: Callable[[Any, Any], tf.Tensor], rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """What `combine` makes of each row with each column: [batch or 1, height * width].

    Args:
        combine: adds, or the like.
        rows: [batch, height], or [1, height] if all examples have the same.
        columns: [batch, width], or [1, width].
    """
    height, width = rows.shape[1], columns.shape[1]
    if xla_tracing.compiled():
        made = combine(tf.expand_dims(rows, 2), tf.expand_dims(columns, 1))
    else:
        # TensorFlow takes twice as long for three dimensions.
        if rows.shape[0] != columns.shape[0]:
            count = tf.maximum(tf.shape(rows)[0], tf.shape(columns)[0])
            rows = tf.broadcast_to(rows, [count, height])
            columns = tf.broadcast_to(columns, [count, width])
        repeated = tf.reshape(tf.tile(columns, [1, height]), [-1, width])
        made = combine(tf.reshape(rows, [-1, 1]), repeated)
    return tf.reshape(made, [-1, height * width])


def channels(packed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Red, green and blue, int32."""
    right, mask = tf.bitwise.right_shift, tf.bitwise.bitwise_and
    return mask(packed, 255), mask(right(packed, 8), 255), right(packed, 16)


def joined(red: Any, green: Any, blue: Any) -> tf.Tensor:
    """int32 levels, 0 to 255, as packed pixels."""
    return red + green * 256 + blue * 65536


def as_levels(values: tf.Tensor) -> tf.Tensor:
    """Levels as Pillow makes them: fractions and what lies outside are cut off."""
    return tf.cast(tf.clip_by_value(values, 0.0, 255.0), tf.int32)


def grey(red: tf.Tensor, green: tf.Tensor, blue: tf.Tensor) -> tf.Tensor:
    """As Pillow weighs the channels: ITU-R BT.601 in 16.16 fixed point, int32."""
    return tf.bitwise.right_shift(19595 * red + 38470 * green + 7471 * blue + 0x8000, 16)


def read(table: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
    """Entries of a table, [n]; what XLA compiles best is not what is quickest without it."""
    return (
        tf.gather(table, at)
        if xla_tracing.compiled()
        else tf.gather_nd(table, tf.expand_dims(at, -1))
    )


def read_own(tables: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
    """Entries of each example's own table.

    Args:
        tables: [batch, entries].
        at: int32 [batch, n], which entries; batch * entries is less than 2**31.

    Returns:
        [batch, n].
    """
    if xla_tracing.compiled():
        return tf.gather(tables, at, batch_dims=1)
    first = column(int(tables.shape[1]) * tf.range(tf.shape(tables)[0]))
    return read(tf.reshape(tables, [-1]), at + first)
