"""Ops as users of Pillow write them: one image at a time, drawn by `random`."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Picture = Image.Image
Way = Callable[[Picture], Picture]
_LINEAR = Image.Resampling.BILINEAR


def _slanted(entry: int) -> Way:
    """An affine map one of whose entries is drawn."""

    def made(image: Picture) -> Picture:
        rows = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        rows[entry] = random.uniform(-0.3, 0.3)
        return image.transform(image.size, Image.Transform.AFFINE, rows, _LINEAR)

    return made


def _moved(entry: int) -> Way:
    def made(image: Picture) -> Picture:
        rows = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        rows[entry] = int(random.uniform(-0.3, 0.3) * image.width)
        return image.transform(image.size, Image.Transform.AFFINE, rows)

    return made


def _enhanced(kind: Callable[[Picture], Any], spread: float = 0.4) -> Way:
    return lambda image: kind(image).enhance(random.uniform(1 - spread, 1 + spread))


def _crop(image: Picture) -> Picture:
    top, left = random.randint(0, 8), random.randint(0, 8)
    wide = ImageOps.expand(image, 4)
    return wide.crop((left, top, left + image.width, top + image.height))


def _jpeg(image: Picture, quality: int | None = None) -> Picture:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=random.randint(50, 100) if quality is None else quality)
    return Image.open(file)


def _pixelate(image: Picture) -> Picture:
    small = image.resize((int(image.width * 0.95), int(image.height * 0.95)), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.BOX)


# By the names of ops.
WAYS: dict[str, Way] = {
    "rotate": lambda image: image.rotate(random.uniform(-30, 30), _LINEAR),
    "shearx": _slanted(1),
    "sheary": _slanted(3),
    "translatex": _moved(2),
    "translatey": _moved(5),
    "flip": ImageOps.mirror,
    "flipud": ImageOps.flip,
    "crop": _crop,
    "brightness": _enhanced(ImageEnhance.Brightness),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "saturation": _enhanced(ImageEnhance.Color),
    "sharpness": _enhanced(ImageEnhance.Sharpness, 0.9),
    "invert": ImageOps.invert,
    "autocontrast": ImageOps.autocontrast,
    "equalize": ImageOps.equalize,
    "posterize": lambda image: ImageOps.posterize(image, 4),
    "solarize": lambda image: ImageOps.solarize(image, 128),
    "gray": lambda image: image.convert("L").convert("RGB"),
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 2))),
    "jpeg": _jpeg,
    "corruptpixelate": _pixelate,
    "corruptjpeg": lambda image: _jpeg(image, 80),
}


def made(way: Way, images: np.ndarray) -> np.ndarray:
    """A batch, image by image."""
    return np.stack([np.asarray(way(Image.fromarray(image))) for image in images])
