"""Images from 0 to 1 as the 256 levels that ops work on, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

_FLOATS = (tf.float32, tf.float16, tf.bfloat16, tf.float64)


def check_dtype(dtype: tf.DType) -> None:
    """Raises a `ValueError` if images of this dtype are not augmented."""
    if dtype not in (tf.uint8, *_FLOATS):
        raise ValueError(
            f"images are {dtype.name}; augment takes uint8, or {', '.join(d.name for d in _FLOATS)}"
            " from 0 to 1: cast levels from 0 to 255 to uint8 in a map before augment"
        )


def of(images: np.ndarray) -> np.ndarray:
    """uint8 images of the same shape, each number rounded to the nearest of 256 levels.

    Args:
        images: uint8, which passes, or any dtype of floats.

    Raises:
        ValueError: if a float is not from 0 to 1, or the last dimension is not three channels.
    """
    if images.shape[-1] != 3:
        raise ValueError(
            f"images have {images.shape[-1]} channels; augment takes three: decode them with "
            "channels=3, or tf.image.grayscale_to_rgb, before augment"
        )
    if images.dtype == np.uint8 or not images.size:
        return images.astype(np.uint8, copy=False)
    if images.dtype == np.float32:
        from cifar10_aug.engines.numba.kernels import pixels

        levels = np.empty(images.shape, np.uint8)
        if pixels.round_fractions(np.ascontiguousarray(images).reshape(-1), levels.reshape(-1)):
            return levels
    # Halves are too coarse to be multiplied.
    images = images.astype(np.result_type(images.dtype, np.float32), copy=False)
    least, most = images.min(), images.max()
    # What is not a number is not in the range either.
    if not (least >= 0 and most <= 1):
        raise ValueError(_wrong(images, least, most))
    scaled = images * images.dtype.type(255)
    return np.rint(scaled, out=scaled).astype(np.uint8)


def _wrong(images: np.ndarray, least: Any, most: Any) -> str:
    if np.isnan(least):
        where = np.argwhere(np.isnan(images))[0].tolist()
        return (
            f"images have numbers that are not a number (NaN), the first at {where}; augment takes "
            "floats from 0 to 1: look for what makes them before augment"
        )
    advice = (
        "clip them by tf.clip_by_value(image, 0, 1), or bring them into this range otherwise"
        if least < 0 or most < 2
        else "divide them by 255, or cast them to uint8"
    )
    return (
        f"images go from {least:g} to {most:g}; augment takes floats from 0 to 1, or uint8: "
        f"{advice}, in a map before augment"
    )


def back(levels: np.ndarray, out: np.ndarray) -> None:
    """Writes levels as floats from 0 to 1, of whatever dtype `out` has."""
    np.divide(
        levels, 255, out=out, dtype=np.result_type(out.dtype, np.float32), casting="same_kind"
    )


def back_in_graph(levels: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """The same numbers in TensorFlow ops."""
    between = tf.float64 if dtype == tf.float64 else tf.float32
    return tf.cast(tf.cast(levels, between) / 255, dtype)
