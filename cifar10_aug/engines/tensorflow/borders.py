"""What borders make of coordinates: pixels of the image, or a colour.

Coordinates are 16.16 fixed-point integers, as in the compiled loop (`kernels.coordinates`).
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.ops.base import Border

_HALF = 1 << (FRACTION - 1)
# Of 16.16 coordinates, in a 256th.
A_STEP = 256


class Places(NamedTuple):
    """Where each output pixel is read.

    Attributes:
        x, y: [batch, height * width], within the image: int32, 16.16; or in 256ths, float64, if one
            affine map makes them without XLA, which is quicker.
        outside: of each constant border, the first that shows first: where it shows, bool of the
            same shape, and its packed level.
    """

    x: tf.Tensor
    y: tf.Tensor
    outside: tuple[tuple[tf.Tensor, int], ...] = ()


def brought_back(
    border: Border,
    batch: Batch,
    x: tf.Tensor,
    y: tf.Tensor,
    outside: tuple[tuple[tf.Tensor, int], ...],
) -> Places:
    """Brings coordinates back into the image, and notes where a constant border shows."""
    folded_x, folded_y = (
        folded(at, size, border.mode) for at, size in ((x, batch.width), (y, batch.height))
    )
    if border.mode == "constant":
        if border.reach:
            beyond = _far(x, batch.width) | _far(y, batch.height)
        else:
            # Up to the outermost centres, at which coordinates have been cut off.
            beyond = (folded_x != x) | (folded_y != y)
        outside = (*outside, (beyond, level(border, batch)))
    return Places(narrow(folded_x), narrow(folded_y), outside)


def _far(at: tf.Tensor, size: int) -> tf.Tensor:
    """Which coordinates are half a pixel beyond the outermost centres, or farther."""
    return (at < _like(at, -_HALF)) | (at > _like(at, ((size - 1) << FRACTION) + _HALF - 1))


def narrow(at: tf.Tensor) -> tf.Tensor:
    """Coordinates within the image as `Places` has them."""
    return at if at.dtype == tf.float64 else tf.cast(at, tf.int32)


def _like(at: tf.Tensor, number: int) -> tf.Tensor:
    """A 16.16 number in the unit of coordinates."""
    return tf.constant(number / A_STEP if at.dtype == tf.float64 else number, at.dtype)


def fixed(at: tf.Tensor) -> tf.Tensor:
    """Coordinates as 16.16, int32."""
    return tf.cast(at * A_STEP, tf.int32) if at.dtype == tf.float64 else at


def level(border: Border, batch: Batch) -> int:
    """The packed level of a constant border."""
    red, green, blue = border.colour(batch.dataset)
    return red + green * 256 + blue * 65536


def period(size: int, mode: str) -> int:
    """After how much a border repeats what it shows; 0 if it does not."""
    lengths = {"reflect": 2 * size, "mirror": 2 * (size - 1)}
    return lengths.get(mode, 0) << FRACTION


def folded(at: tf.Tensor, size: int, mode: str) -> tf.Tensor:
    """Where in a line of an image a border's mode reads coordinates; cut off if it is constant."""
    last = (size - 1) << FRACTION
    if length := period(size, mode):
        half = _HALF if mode == "reflect" else 0
        at = tf.math.floormod(at + half, tf.constant(length, at.dtype))
        at = tf.minimum(at, length - at) - half
    return tf.raw_ops.ClipByValue(t=at, clip_value_min=_like(at, 0), clip_value_max=_like(at, last))
