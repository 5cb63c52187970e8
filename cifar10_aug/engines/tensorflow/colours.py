"""Processes that change colours, pixel by pixel; see `kernels.colours`, and `intensity` here."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.pixels import as_levels, channels, grey, joined
from cifar10_aug.engines.tensorflow.tensor_draws import divide, numbers, times, where


def saturate(canvas: Canvas, factor: Any) -> tf.Tensor:
    levels = channels(canvas.pixels)
    level = numbers(grey(*levels))
    return joined(*(as_levels(level + times(factor, numbers(c) - level)) for c in levels))


def turn_hue(canvas: Canvas, by: Any) -> tf.Tensor:
    levels = channels(canvas.pixels)
    r, g, b = (numbers(c) for c in levels)
    most, least = tf.maximum(tf.maximum(r, g), b), tf.minimum(tf.minimum(r, g), b)
    chroma = most - least
    colourless = chroma == 0.0
    over = where(colourless, 1.0, chroma)
    # The hue in sixths of a circle.
    hue = tf.where(
        most == r, (g - b) / over, tf.where(most == g, (b - r) / over + 2.0, (r - g) / over + 4.0)
    )
    hue += times(6.0, by)
    hue -= times(6.0, tf.floor(divide(hue, 6.0)))

    def part(distance: tf.Tensor) -> tf.Tensor:
        paler = times(chroma, 1.0 - tf.clip_by_value(distance, 0.0, 1.0))
        return as_levels(most - paler + 0.5)

    turned = joined(
        part(tf.abs(hue - 3.0) - 1.0), part(2.0 - tf.abs(hue - 2.0)), part(2.0 - tf.abs(hue - 4.0))
    )
    return tf.where(colourless, canvas.pixels, turned)


def shuffle_channels(canvas: Canvas, *shown: Any) -> tf.Tensor:
    red, green, blue = channels(canvas.pixels)
    return joined(*(tf.where(at == 0.0, red, tf.where(at == 1.0, green, blue)) for at in shown))


def brighten(canvas: Canvas, by: Any) -> tf.Tensor:
    levels = channels(canvas.pixels)
    value = numbers(tf.maximum(tf.maximum(levels[0], levels[1]), levels[2]))
    brighter = tf.minimum(value + by, 255.0)
    black = value == 0.0
    scale = brighter / where(black, 1.0, value)
    made = (tf.where(black, brighter, times(numbers(c), scale)) for c in levels)
    return joined(*(as_levels(level + 0.5) for level in made))
