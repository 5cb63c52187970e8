"""Reads packed images at places between their pixels."""

from __future__ import annotations

import tensorflow as tf

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.maps import Places
from cifar10_aug.engines.tensorflow.pixels import channels, joined

_LEVELS = 65536.0


def resampled(batch: Batch, at: Places, *, pixel_aligned: bool) -> tf.Tensor:
    """What a batch shows at some places, int32 [batch, height * width].

    Args:
        batch: the images.
        at: where each output pixel is read.
        pixel_aligned: whether all places are centres of pixels.
    """
    right = tf.bitwise.right_shift
    pixel = right(at.y, FRACTION) * batch.width + right(at.x, FRACTION)
    if pixel_aligned:
        shown = tf.gather(batch.pixels, pixel, batch_dims=1)
    else:
        shown = _blended(_neighbours(batch, pixel), _weight(at.x), _weight(at.y))
    if at.painted is None:
        return shown
    border = tf.bitwise.bitwise_and(at.painted, 0xFFFFFF)
    return tf.where(at.painted > 0, border, shown)


def _weight(at: tf.Tensor) -> tf.Tensor:
    """Of the right or lower neighbour, 0 to 255, as float32."""
    fraction = tf.bitwise.bitwise_and(tf.bitwise.right_shift(at, FRACTION - 8), 255)
    return tf.cast(fraction, tf.float32)


def _neighbours(batch: Batch, pixel: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Each pixel, its right neighbour, and those below: four of int32.

    Gathering is what takes time, by the element. Complex numbers are read two pixels at a time.
    """
    size, width = batch.height * batch.width, batch.width
    bits = tf.bitcast(tf.pad(batch.pixels, [[0, 0], [0, width + 2]]), tf.float32)
    pairs = tf.complex(bits[:, : size + width + 1], bits[:, 1 : size + width + 2])
    upper = tf.gather(pairs[:, :size], pixel, batch_dims=1)
    lower = tf.gather(pairs[:, width : size + width], pixel, batch_dims=1)
    parts = (part(pair) for pair in (upper, lower) for part in (tf.math.real, tf.math.imag))
    return tuple(tf.bitcast(part, tf.int32) for part in parts)


def _blended(neighbours: tuple[tf.Tensor, ...], wx: tf.Tensor, wy: tf.Tensor) -> tf.Tensor:
    """Bilinear interpolation, rounded once: all numbers are whole and below 2**24, so exact."""
    made = []
    for levels in zip(*(channels(one) for one in neighbours), strict=True):
        a, b, c, d = (tf.cast(level, tf.float32) for level in levels)
        top = a * 256.0 + (b - a) * wx
        bottom = c * 256.0 + (d - c) * wx
        total = top * 256.0 + (bottom - top) * wy
        made.append(tf.cast((total + _LEVELS / 2) * (1 / _LEVELS), tf.int32))
    return joined(*made)
