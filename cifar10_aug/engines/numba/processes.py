"""Runs the processes that recolour images by their own levels or neighbours, or by noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.numba import corruptions
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels import colours, filters, grid, intensity, noises, weather

# What changes some rows of a canvas by numbers: float64 [numbers, rows].
Run = Callable[[Canvas, np.ndarray, np.ndarray], None]


def _blur(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    filters.blur(canvas, rows, gaussians.weights(numbers[0], numbers[1].max()))


def _add_noise(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    noises.add_normal(canvas, rows, numbers, gaussians.quantiles())


# By the names that ops give them.
PROCESSES: dict[str, Run] = {
    "contrast": intensity.contrast,
    "autocontrast": intensity.autocontrast,
    "equalize": intensity.equalize,
    "channelshift": intensity.channel_shift,
    "rgbshift": intensity.rgb_shift,
    "saturation": colours.saturate,
    "hue": colours.turn_hue,
    "channelshuffle": colours.shuffle_channels,
    "sharpness": filters.sharpen,
    "blur": _blur,
    "noise": _add_noise,
    "saltpepper": noises.whiten_or_blacken,
    "saltandpepper": noises.salt_and_pepper,
    "channelcontrast": intensity.channel_contrast,
    "value": colours.brighten,
    "fog": weather.fog,
    "frost": weather.frost,
    "photons": corruptions.count_photons,
    "defocus": corruptions.defocus,
    "frostedglass": corruptions.frost_glass,
    "motion": corruptions.move,
    "snow": corruptions.snow,
    "gridmask": grid.mask_grid,
    "pixelate": corruptions.pixelate,
    "jpeg": corruptions.compress,
}
