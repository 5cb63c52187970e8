"""Reads packed images at places between their pixels."""

from __future__ import annotations

import tensorflow as tf

from cifar10_aug._compat import xla_tracing
from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.stages import Pass
from cifar10_aug.engines.tensorflow import maps
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.pixels import COLOUR, read

# The bits of a coordinate that weigh neighbours: 256 steps from one to the next.
_WEIGHT = 0xFF00


def copied(made: Pass, batch: Batch) -> tf.Tensor:
    """What a pixel-aligned pass makes of a batch, int32 [batch, height * width]."""
    pixel, outside, level = maps.aligned(made, batch)
    shown = read(batch.pixels, pixel)
    return shown if outside is None else tf.where(outside, level, shown)


def blended(made: Pass, batch: Batch) -> tf.Tensor:
    """What a pass makes of a batch where it interpolates, int32 [batch, height * width]."""
    at = maps.places(made, batch)
    right = tf.bitwise.right_shift
    pixel = right(at.y, FRACTION) * batch.width + right(at.x, FRACTION)
    neighbours = _neighbours(batch, pixel)
    if xla_tracing.compiled():
        # XLA does not see that this is 0, and so leaves each gather in the shape of what uses it,
        # which it can fuse.
        neighbours = [tf.bitwise.bitwise_or(one, tf.minimum(at.x, 0)) for one in neighbours]
    shown = _between(neighbours, _weight(at.x), _weight(at.y))
    if at.painted is None:
        return shown
    border = tf.bitwise.bitwise_and(at.painted, COLOUR)
    return tf.where(at.painted > 0, border, shown)


def _weight(at: tf.Tensor) -> tf.Tensor:
    """Of the right or lower neighbour, 0 to 255 / 256, as float32."""
    fraction = tf.bitwise.bitwise_and(at, _WEIGHT)
    return tf.cast(fraction, tf.float32) * (1.0 / (1 << FRACTION))


def _neighbours(batch: Batch, pixel: tf.Tensor) -> list[tf.Tensor]:
    """Each pixel, its right neighbour, and those below: four of int32.

    Reading is what takes time, by the element, unless XLA compiles it together with the rest.
    Complex numbers are read two pixels at a time.
    """
    size, width = batch.height * batch.width, batch.width
    wider = tf.pad(batch.pixels, [[0, 0], [0, width + 2]])
    if xla_tracing.compiled():
        away = (0, 1, width, width + 1)
        return [tf.gather(wider, pixel + by, batch_dims=1) for by in away]
    bits = tf.bitcast(wider, tf.float32)
    pairs = tf.complex(bits[:, : size + width + 1], bits[:, 1 : size + width + 2])
    parts = (
        part(read(pairs, pixel + by)) for by in (0, width) for part in (tf.math.real, tf.math.imag)
    )
    return [tf.bitcast(part, tf.int32) for part in parts]


def _between(neighbours: list[tf.Tensor], wx: tf.Tensor, wy: tf.Tensor) -> tf.Tensor:
    """Bilinear interpolation, rounded once: no number has more than 24 bits, so all are exact.

    Channels stay where they are in a pixel, since shifting takes longer than all else.
    """
    made = []
    for one in (1, 1 << 8, 1 << 16):
        mask = 255 * one
        a, b, c, d = (
            tf.cast(tf.bitwise.bitwise_and(pixel, mask), tf.float32) for pixel in neighbours
        )
        top, bottom = a + (b - a) * wx, c + (d - c) * wx
        total = top + (bottom - top) * wy + one / 2
        made.append(tf.bitwise.bitwise_and(tf.cast(total, tf.int32), mask))
    return made[0] + made[1] + made[2]
