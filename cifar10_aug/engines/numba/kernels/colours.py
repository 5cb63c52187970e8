"""Compiled processes that change colours, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numba import uint32

from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import inlined, loop
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, as_level, channels, grey, packed


@loop
def saturate(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Blends with grey by a factor: numbers [1, n]; 0 is grey."""
    for n in range(rows.shape[0]):
        line, factor = canvas.pixels[rows[n]], numbers[0, n]
        if factor == 0.0:
            for i in range(line.shape[0]):
                r, g, b = channels(line[i])
                level = grey(r, g, b)
                line[i] = packed(level, level, level)
            continue
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            level = grey(r, g, b)
            line[i] = packed(
                as_level(level + factor * (r - level)),
                as_level(level + factor * (g - level)),
                as_level(level + factor * (b - level)),
            )


def _turn(r: int, g: int, b: int, by: float) -> int:
    """A packed pixel whose hue in HSV is turned, `by` in full circles; rounds."""
    # Choices, not branches, so that many pixels are turned at once; grey has no hue, and stays.
    most, least = max(r, max(g, b)), min(r, min(g, b))
    chroma = float(max(most - least, 1))
    is_red, is_green = most == r, most == g
    # The hue in sixths of a circle.
    rest = g - b if is_red else (b - r if is_green else r - g)
    hue = rest / chroma + (0.0 if is_red else (2.0 if is_green else 4.0))
    hue += 6.0 * by
    hue -= 6.0 * np.floor(hue / 6.0)
    # Distance from the nearest of red, green and blue says how much of each is left.
    red = float(most) - chroma * (1.0 - min(max(abs(hue - 3.0) - 1.0, 0.0), 1.0))
    green = float(most) - chroma * (1.0 - min(max(2.0 - abs(hue - 2.0), 0.0), 1.0))
    blue = float(most) - chroma * (1.0 - min(max(2.0 - abs(hue - 4.0), 0.0), 1.0))
    turned = packed(as_level(red + 0.5), as_level(green + 0.5), as_level(blue + 0.5))
    return packed(r, g, b) if most == least else turned


_turned = inlined(_turn)


@loop
def turn_hue(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Adds to the hue of HSV, in full circles: numbers [1, n]."""
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            line[i] = _turned(r, g, b, numbers[0, n])


@loop
def shuffle_channels(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Shows the channels of numbers [3, n], each 0, 1 or 2, as red, green and blue."""
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        red, green = uint32(8.0 * numbers[0, n]), uint32(8.0 * numbers[1, n])
        blue = uint32(8.0 * numbers[2, n])
        for i in range(line.shape[0]):
            line[i] = packed(
                (line[i] >> red) & LOW_BYTE,
                (line[i] >> green) & LOW_BYTE,
                (line[i] >> blue) & LOW_BYTE,
            )


@loop
def brighten(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Adds to the value of HSV, in levels, and rounds: numbers [1, n]."""
    for n in range(rows.shape[0]):
        line, by = canvas.pixels[rows[n]], numbers[0, n]
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            value = max(r, g, b)
            brighter = min(value + by, 255.0)
            if value == 0:
                line[i] = packed(
                    as_level(brighter + 0.5), as_level(brighter + 0.5), as_level(brighter + 0.5)
                )
                continue
            scale = brighter / value
            line[i] = packed(
                as_level(r * scale + 0.5), as_level(g * scale + 0.5), as_level(b * scale + 0.5)
            )
