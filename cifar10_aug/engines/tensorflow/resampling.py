"""Reads packed images at places between their pixels."""

from __future__ import annotations

import dataclasses
import operator

import numpy as np
import tensorflow as tf

from cifar10_aug._compat import xla_tracing
from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.stages import Pass
from cifar10_aug.engines.tensorflow import borders, maps
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.chunks import in_chunks
from cifar10_aug.engines.tensorflow.pixels import crossed, read

# The bits of a coordinate that weigh neighbours: 256 steps from one to the next.
_WEIGHT = 0xFF00


def copied(made: Pass, batch: Batch) -> tf.Tensor:
    """What a pixel-aligned pass makes of a batch, int32 [batch, height * width]."""
    rows, columns, level = maps.aligned(made, batch)
    pixels, size = tf.reshape(batch.pixels, [-1]), tf.size(batch.pixels)
    starts = batch.first_pixels + rows * batch.width
    if level is None:
        return read(pixels, crossed(operator.add, starts, columns))
    # What is not in the image shows a pixel after the last one.
    starts = tf.where(rows == batch.height, size, starts)
    columns = tf.where(columns == batch.width, size, columns)
    pixel = tf.minimum(crossed(operator.add, starts, columns), size)
    if xla_tracing.compiled():
        return tf.where(pixel == size, level, read(pixels, pixel))
    return read(tf.concat([pixels, [level]], 0), pixel)


def blended(made: Pass, batch: Batch) -> tf.Tensor:
    """What a pass makes of a batch where it interpolates, int32 [batch, height * width]."""

    def run(pixels: tf.Tensor, keys: tf.Tensor, drawn: list[maps.Entries]) -> tf.Tensor:
        some = dataclasses.replace(batch, pixels=pixels, keys=keys)
        at = maps.places(made, some, drawn)
        return (_fused if xla_tracing.compiled() else _in_lanes)(some, at)

    drawn = [maps.entries(warp, batch) for warp in made.warps]
    return in_chunks(run, batch.at_once, batch.pixels, batch.keys, drawn)


def _in_lanes(batch: Batch, at: borders.Places) -> tf.Tensor:
    """Bilinear interpolation, four bytes of a pixel side by side, as few ops do most.

    No number has more than 24 bits, so all are exact, and are rounded once.
    """
    (x, wx), (y, wy) = _apart(at.x), _apart(at.y)
    pixel, size = batch.first_pixels + y * batch.width + x, tf.size(batch.pixels)
    levels = [level for _, level in at.outside]
    for number, (outside, _) in reversed([*enumerate(at.outside)]):
        pixel = tf.where(outside, size + number * (batch.width + 2), pixel)
    found = read(_squares(batch, levels), pixel)
    a, b, c, d = (
        tf.cast(tf.bitcast(pixel, tf.uint8), tf.float32)
        for pixel in tf.unstack(tf.bitcast(found, tf.int32), axis=-1)
    )
    left, right = a + (c - a) * wy, b + (d - b) * wy
    return tf.bitcast(tf.cast(left + (right - left) * wx + 0.5, tf.uint8), tf.int32)


def _apart(at: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The pixel before each coordinate, int32 [batch, n], and the next one's weight.

    The weight is 0 to 255 / 256, float32 [batch, n, 4], once for each byte of a pixel.
    """
    if at.dtype == tf.float64:
        # In 256ths already, of which float32 holds all.
        steps = tf.cast(at, tf.int32)
        whole = tf.cast(tf.cast(steps, tf.float32) * (1.0 / 256.0), tf.int32)
    else:
        steps, whole = (tf.bitwise.right_shift(at, by) for by in (FRACTION - 8, FRACTION))
    fourfold = tf.bitcast((steps - 256 * whole) * 0x01010101, tf.uint8)
    return whole, tf.cast(fourfold, tf.float32) * (1.0 / 256.0)


def _squares(batch: Batch, levels: list[int]) -> tf.Tensor:
    """Each pixel, its right neighbour, and those below: complex128 [batch * height * width + …].

    Reading takes time by the element, and complex numbers are the largest. Where there is no
    neighbour, it weighs nothing. After the last pixel come the packed levels of borders, each
    beside and above itself; so one is read every width + 2 places.
    """
    pixels, width = tf.reshape(batch.pixels, [-1]), batch.width
    more = np.repeat(np.array([*levels, 0], np.int32), width + 2)
    longer = tf.bitcast(tf.concat([pixels, more], 0), tf.float32)
    pairs = tf.bitcast(tf.complex(longer[:-1], longer[1:]), tf.float64)
    return tf.complex(pairs[:-width], pairs[width:])


def _fused(batch: Batch, at: borders.Places) -> tf.Tensor:
    """Bilinear interpolation as XLA does it best, pixel by pixel."""
    right = tf.bitwise.right_shift
    pixel = right(at.y, FRACTION) * batch.width + right(at.x, FRACTION)
    wider = tf.pad(batch.pixels, [[0, 0], [0, batch.width + 2]])
    # XLA does not see that this is 0, and so leaves each gather in the shape of what uses it, which
    # it can fuse.
    nothing = tf.minimum(at.x, 0)
    neighbours = [
        tf.bitwise.bitwise_or(tf.gather(wider, pixel + by, batch_dims=1), nothing)
        for by in (0, 1, batch.width, batch.width + 1)
    ]
    shown = _between(neighbours, _weight(at.x), _weight(at.y))
    for outside, level in reversed(at.outside):
        shown = tf.where(outside, level, shown)
    return shown


def _weight(at: tf.Tensor) -> tf.Tensor:
    """Of the right or lower neighbour, 0 to 255 / 256, as float32."""
    fraction = tf.bitwise.bitwise_and(at, _WEIGHT)
    return tf.cast(fraction, tf.float32) * (1.0 / (1 << FRACTION))


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
