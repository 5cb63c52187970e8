"""Pillow's versions of what ops do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps


def transformed(
    image: np.ndarray, method: Image.Transform, numbers: tuple[float, ...]
) -> np.ndarray:
    """Bilinear, black outside."""
    height, width, _ = image.shape
    made = Image.fromarray(image).transform(
        (width, height), method, numbers, Image.Resampling.BILINEAR
    )
    return np.asarray(made).astype(int)


def inside(numbers: tuple[float, ...], height: int, width: int, margin: float = 0.0) -> np.ndarray:
    """Which output pixels are read between the outermost pixels' centres; bool [height, width].

    Beyond those, Pillow goes on for half a pixel.
    """
    a, b, c, d, e, f, g, h = (*numbers, 0.0, 0.0)[:8]
    y, x = np.mgrid[:height, :width] + 0.5
    depth = g * x + h * y + 1
    at_x, at_y = (a * x + b * y + c) / depth - 0.5, (d * x + e * y + f) / depth - 0.5
    low, high_x, high_y = margin, width - 1 - margin, height - 1 - margin
    return (at_x >= low) & (at_x <= high_x) & (at_y >= low) & (at_y <= high_y)


def _rotation(degrees: float) -> tuple[float, ...]:
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    x, y = 16, 16
    return cosine, -sine, x - cosine * x + sine * y, sine, cosine, y - sine * x - cosine * y


# What policies move pixels by, as Pillow's affine transform takes it; for 32 by 32 pixels.
GEOMETRIC: dict[str, Callable[[float], tuple[float, ...]]] = {
    "shearx": lambda v: (1, v, 0, 0, 1, 0),
    "sheary": lambda v: (1, 0, 0, v, 1, 0),
    "translatex": lambda v: (1, 0, int(v * 32), 0, 1, 0),
    "translatey": lambda v: (1, 0, 0, 0, 1, int(v * 32)),
    "rotate": _rotation,
}
_POINTWISE: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "identity": lambda image, v: image,
    "brightness": lambda image, v: ImageEnhance.Brightness(image).enhance(v),
    "color": lambda image, v: ImageEnhance.Color(image).enhance(v),
    "contrast": lambda image, v: ImageEnhance.Contrast(image).enhance(v),
    "sharpness": lambda image, v: ImageEnhance.Sharpness(image).enhance(v),
    "posterize": lambda image, v: ImageOps.posterize(image, int(v)),
    "solarize": lambda image, v: ImageOps.solarize(image, v),  # type: ignore[arg-type]
    "autocontrast": lambda image, v: ImageOps.autocontrast(image),
    "equalize": lambda image, v: ImageOps.equalize(image),
    "invert": lambda image, v: ImageOps.invert(image),
}


def recoloured(image: np.ndarray, name: Any, value: float) -> np.ndarray | None:
    """What Pillow makes of an image by a policy's op; None if it moves pixels."""
    if name in GEOMETRIC:
        return None
    return np.asarray(_POINTWISE[name](Image.fromarray(image), value)).astype(int)
