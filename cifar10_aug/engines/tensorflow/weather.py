"""Weather of CIFAR-10-C: fog, frost and snow; see `kernels.weather`, and `intensity` here."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.corruption_tables import motion_weights
from cifar10_aug.engines.tensorflow.batch import Canvas
from cifar10_aug.engines.tensorflow.blurs import drag
from cifar10_aug.engines.tensorflow.noises import in_order
from cifar10_aug.engines.tensorflow.pixels import as_levels, channels, grey, joined
from cifar10_aug.engines.tensorflow.tensor_draws import divide, numbers, plus, settled, times


def fog(canvas: Canvas, much: Any, decay: Any) -> tf.Tensor:
    levels = channels(canvas.pixels)
    brightest = numbers(tf.reduce_max(tf.concat(levels, 1), 1, keepdims=True))
    scale = brightest / (brightest + 255.0 * much)
    cloud = times(255.0 * much, _plasma(canvas, float(decay)))
    return joined(*(as_levels(times(numbers(c) + cloud, scale) + 0.5) for c in levels))


def frost(canvas: Canvas, own: Any, ice: Any) -> tf.Tensor:
    ridge = 1.0 - tf.abs(2.0 * _plasma(canvas, 2.0) - 1.0)
    ridge *= ridge
    colours = ((70.0, 185.0), (100.0, 155.0), (130.0, 125.0))
    return joined(
        *(
            as_levels(plus(times(own, numbers(c)), ice, base + times(white, ridge)) + 0.5)
            for c, (base, white) in zip(channels(canvas.pixels), colours, strict=True)
        )
    )


def _plasma(canvas: Canvas, decay: float) -> tf.Tensor:
    """A cloudy landscape from 0 to 1, float64 [batch, height * width]."""
    size = 2
    while size < max(canvas.height, canvas.width):
        size *= 2
    lanes = canvas.noise(np.arange(size * size // 4))
    noise = tf.reshape(
        divide(in_order(list(lanes), size * size), 2147483647.5) - 1.0, [-1, size, size]
    )
    grid = tf.zeros_like(noise[:, :1, :1])
    step, bump = size, 100.0
    while step >= 2:
        half, bumps = step // 2, bump * bump
        right, down = tf.roll(grid, -1, 2), tf.roll(grid, -1, 1)
        mean = settled(settled(grid + down) + right) + tf.roll(right, -1, 1)
        middle = mean * 0.25 + times(bumps, noise[:, half::step, half::step])
        mean = settled(grid + right) + settled(middle + tf.roll(middle, 1, 1))
        upper = mean * 0.25 + times(bumps, noise[:, ::step, half::step])
        mean = settled(grid + down) + settled(middle + tf.roll(middle, 1, 2))
        left = mean * 0.25 + times(bumps, noise[:, half::step, ::step])
        rows = [tf.stack([grid, upper], 3), tf.stack([left, middle], 3)]
        grid = tf.reshape(tf.stack(rows, 2), [-1, 2 * size // step, 2 * size // step])
        step //= 2
        bump /= decay
    lowest = tf.reduce_min(grid, [1, 2], keepdims=True)
    highest = tf.reduce_max(grid, [1, 2], keepdims=True)
    heights = (grid - lowest) / tf.maximum(highest - lowest, 1e-9)
    seen = heights[:, : canvas.height, : canvas.width]
    return tf.reshape(seen, [-1, canvas.height * canvas.width])


def snow(canvas: Canvas, *given: Any) -> tf.Tensor:
    mean, sigma, zoom, threshold, own, radius, spread, degrees = given
    flakes = _flakes(canvas, float(mean), float(sigma), float(zoom), float(threshold))
    falling = drag(flakes, motion_weights(float(radius), float(spread)), degrees[:, 0])
    size = canvas.height * canvas.width
    added = times(255.0, tf.reshape(falling + tf.reverse(falling, [1, 2]), [-1, size]))
    levels = channels(canvas.pixels)
    white = numbers(grey(*levels)) * 1.5 + 127.5
    made = (plus(times(own, numbers(c)), 1.0 - own, tf.maximum(numbers(c), white)) for c in levels)
    return joined(*(as_levels(settled(level + added) + 0.5) for level in made))


def _flakes(canvas: Canvas, mean: float, sigma: float, zoom: float, threshold: float) -> tf.Tensor:
    """Normal noise, enlarged about the centre, of which the brightest stays: 0 to 1."""
    height, width = canvas.height, canvas.width
    lanes = [
        tf.bitwise.right_shift(word, 16)
        for word in canvas.noise(np.arange(-(-height * width // 4)))
    ]
    drawn = tf.gather(tf.constant(gaussians.quantiles()), in_order(lanes, height * width))
    noise = tf.reshape(mean + times(sigma, drawn), [-1, height, width])
    (top, below, down), (left, right, across) = _between(height, zoom), _between(width, zoom)

    def along(rows: np.ndarray) -> tf.Tensor:
        line = tf.gather(noise, rows, axis=1)
        begin, end = tf.gather(line, left, axis=2), tf.gather(line, right, axis=2)
        return begin + times(across, end - begin)

    upper, lower = along(top), along(below)
    value = upper + times(down[:, None], lower - upper)
    return tf.where(value >= threshold, tf.clip_by_value(value, 0.0, 1.0), 0.0)


def _between(size: int, zoom: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where enlarged pixels are read: the pixel before, the one after, and its share."""
    middle = (size - 1) / 2.0
    at = middle + (np.arange(size) - middle) / zoom
    before = at.astype(np.int64)
    return before, np.minimum(before + 1, size - 1), at - before
