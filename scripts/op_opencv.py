"""Ops as users of OpenCV write them: one image at a time, into the batch, drawn by `random`.

Each function takes an image and the place where the result goes, both uint8 [height, width, 3].
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import cv2
import numpy as np
import op_opencv_geometry

Into = Callable[[np.ndarray, np.ndarray], object]
cv2.setNumThreads(0)

_LEVELS = np.arange(256.0)


def _table(image: np.ndarray, out: np.ndarray, table: np.ndarray) -> None:
    cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8), out)


def _brightness(image: np.ndarray, out: np.ndarray) -> None:
    cv2.convertScaleAbs(image, out, random.uniform(0.6, 1.4))


def _contrast(image: np.ndarray, out: np.ndarray, factor: float | None = None) -> None:
    factor = random.uniform(0.6, 1.4) if factor is None else factor
    mean = cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0]
    _table(image, out, mean + factor * (_LEVELS - mean))


def _autocontrast(image: np.ndarray, out: np.ndarray) -> None:
    for channel in range(3):
        level = cv2.extractChannel(image, channel)
        stretched = cv2.normalize(level, None, 0, 255, cv2.NORM_MINMAX)
        cv2.insertChannel(stretched, out, channel)


def _equalize(image: np.ndarray, out: np.ndarray) -> None:
    cv2.merge([cv2.equalizeHist(level) for level in cv2.split(image)], out)


def _solarize_add(image: np.ndarray, out: np.ndarray) -> None:
    _table(image, out, np.where(_LEVELS < 128, _LEVELS + random.uniform(0, 110), _LEVELS))


def _gray(image: np.ndarray, out: np.ndarray) -> None:
    cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB, out)


def _saturation(image: np.ndarray, out: np.ndarray) -> None:
    factor = random.uniform(0.6, 1.4)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    cv2.addWeighted(image, factor, grey, 1 - factor, 0, out)


def _hue(image: np.ndarray, out: np.ndarray) -> None:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    table = ((np.arange(256) + random.uniform(-0.1, 0.1) * 180) % 180).astype(np.uint8)
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(hsv, 0), table), hsv, 0)
    cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB, out)


def _color_jitter(image: np.ndarray, out: np.ndarray) -> None:
    for step in (_brightness, _contrast, _saturation, _hue):
        step(image, out)
        image = out.copy()


def _rgb_shift(image: np.ndarray, out: np.ndarray) -> None:
    cv2.add(image, (*[random.uniform(-20, 20) for _ in range(3)], 0.0), out)


def _channel_shift(image: np.ndarray, out: np.ndarray) -> None:
    by = random.uniform(-20, 20)
    _table(image, out, np.clip(_LEVELS + by, image.min(), image.max()))


def _channel_shuffle(image: np.ndarray, out: np.ndarray) -> None:
    order = random.sample(range(3), 3)
    pairs = [place for pair in zip(order, range(3), strict=True) for place in pair]
    cv2.mixChannels([image], [out], pairs)


_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13


def _sharpness(image: np.ndarray, out: np.ndarray) -> None:
    factor = random.uniform(0.1, 1.9)
    cv2.addWeighted(image, factor, cv2.filter2D(image, -1, _SMOOTH), 1 - factor, 0, out)


def _blur(image: np.ndarray, out: np.ndarray) -> None:
    cv2.GaussianBlur(image, (0, 0), random.uniform(0.1, 2), out, borderType=cv2.BORDER_REFLECT)


def _noise(image: np.ndarray, out: np.ndarray) -> None:
    made = np.empty(image.shape, np.int16)
    sigma = random.uniform(0, 10)
    cv2.randn(made, (0, 0, 0), (sigma, sigma, sigma))
    cv2.add(image, made, out, dtype=cv2.CV_8U)


def _salt_pepper(image: np.ndarray, out: np.ndarray) -> None:
    drawn = np.empty(image.shape[:2], np.float32)
    cv2.randu(drawn, 0, 1)
    amount = random.uniform(0.01, 0.06)
    out[:] = image
    out[drawn < amount] = 0
    out[drawn < amount / 2] = 255


def _jpeg(image: np.ndarray, out: np.ndarray, quality: int | None = None) -> None:
    quality = random.randint(50, 100) if quality is None else quality
    _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    out[:] = cv2.imdecode(file, cv2.IMREAD_COLOR)


def _pixelate(image: np.ndarray, out: np.ndarray) -> None:
    height, width, _ = image.shape
    small = cv2.resize(image, (int(width * 0.95), int(height * 0.95)), None, 0, 0, cv2.INTER_AREA)
    cv2.resize(small, (width, height), out, 0, 0, cv2.INTER_AREA)


# By the names of ops.
WAYS: dict[str, Into] = {
    **op_opencv_geometry.WAYS,
    "brightness": _brightness,
    "gamma": lambda i, out: _table(i, out, 255.999 * (_LEVELS / 255) ** random.uniform(0.8, 1.2)),
    "contrast": _contrast,
    "invert": cv2.bitwise_not,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
    "posterize": lambda i, out: cv2.bitwise_and(i, (240, 240, 240, 0), out),
    "solarize": lambda i, out: _table(i, out, np.where(_LEVELS < 128, _LEVELS, 255 - _LEVELS)),
    "solarizeadd": _solarize_add,
    "saturation": _saturation,
    "hue": _hue,
    "colorjitter": _color_jitter,
    "gray": _gray,
    "channelshift": _channel_shift,
    "rgbshift": _rgb_shift,
    "channelshuffle": _channel_shuffle,
    "sharpness": _sharpness,
    "blur": _blur,
    "noise": _noise,
    "saltpepper": _salt_pepper,
    "jpeg": _jpeg,
    "corruptpixelate": _pixelate,
    "corruptjpeg": lambda i, out: _jpeg(i, out, 80),
}


def made(way: Into, images: np.ndarray) -> np.ndarray:
    """A batch, image by image."""
    out = np.empty_like(images)
    for image, place in zip(images, out, strict=True):
        way(image, place)
    return out


def _partner(images: np.ndarray) -> np.ndarray:
    return images[random.randrange(len(images))]


def mixed_up(images: np.ndarray) -> np.ndarray:
    """Each image blended with another of the batch."""
    out = np.empty_like(images)
    for image, place in zip(images, out, strict=True):
        share = random.betavariate(1, 1)
        cv2.addWeighted(image, share, _partner(images), 1 - share, 0, place)
    return out


def cut_and_mixed(images: np.ndarray, shrunk: bool) -> np.ndarray:
    """A part of another image of the batch, or the whole of it made smaller, in each."""
    out = images.copy()
    _, height, width, _ = images.shape
    for place in out:
        side = random.uniform(0.1, 0.8) if shrunk else math.sqrt(1 - random.betavariate(1, 1))
        tall, wide = int(height * side) // 2, int(width * side) // 2
        y, x = random.randrange(height), random.randrange(width)
        top, bottom = max(y - tall, 0), min(y + tall, height)
        left, right = max(x - wide, 0), min(x + wide, width)
        part = _partner(images)
        if shrunk and bottom > top and right > left:
            part = cv2.resize(part, (right - left, bottom - top), None, 0, 0, cv2.INTER_NEAREST)
            place[top:bottom, left:right] = part
        else:
            place[top:bottom, left:right] = part[top:bottom, left:right]
    return out


_SHARE = np.float32(1 / 255)
_MEANS, _SCALES = (125.3, 123.0, 113.9, 0.0), (1 / 63.0, 1 / 62.1, 1 / 66.7, 1.0)


# Those that need the batch.
BATCHES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mixup": mixed_up,
    "cutmix": lambda images: cut_and_mixed(images, False),
    "resizemix": lambda images: cut_and_mixed(images, True),
    "rescale": lambda images: np.stack([i.astype(np.float32) * _SHARE for i in images]),
    "normalize": lambda images: np.stack(
        [cv2.multiply(cv2.subtract(i, _MEANS, dtype=5), _SCALES, dtype=5) for i in images]
    ),
}
