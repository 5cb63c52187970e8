"""What strokes do to one image, with NumPy, SciPy and the standard library alone."""

from __future__ import annotations

import colorsys
import statistics
from typing import Any

import numpy as np
from scipy import ndimage

from cifar10_aug.data.spec import CIFAR10
from cifar10_aug.ops.base import BoxOp, ImageOp, LookupTableOp, Noise
from cifar10_aug.rng import draws
from cifar10_aug.rng.draws import Draws

Key = tuple[int, int, int, int]  # position, number, epoch, seed


def apply(op: Any, drawn: Draws, image: np.ndarray, key: Key) -> np.ndarray:
    """A uint8 image with the stroke on it."""
    if not np.ravel(op.applied(drawn))[0]:
        return image
    if isinstance(op, BoxOp):
        return _box(op, drawn, image, key)
    if isinstance(op, LookupTableOp):
        table = op.table(drawn, np.arange(256.0)[:, None]).ravel()
        return _cut(table)[image]
    assert isinstance(op, ImageOp)
    amount = next((float(np.ravel(number)[0]) for number in op.numbers(drawn)), 0.0)
    if op.process == "noises.add_normal":
        return _noise(amount, image, key)
    return PROCESSES[op.process](amount, image)


def _cut(levels: np.ndarray) -> np.ndarray:
    return np.clip(levels, 0, 255).astype(np.uint8)


def _blend(other: Any, image: np.ndarray, factor: float) -> np.ndarray:
    return _cut(other + factor * (image.astype(float) - other))


def grey_of(image: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(image.astype(int), -1, 0)
    return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16


def _contrast(factor: float, image: np.ndarray) -> np.ndarray:
    return _blend(np.floor(grey_of(image).sum() / image[..., 0].size + 0.5), image, factor)


def _saturation(factor: float, image: np.ndarray) -> np.ndarray:
    return _blend(grey_of(image)[..., None].astype(float), image, factor)


def _autocontrast(_: float, image: np.ndarray) -> np.ndarray:
    made = image.copy()
    for channel in range(3):
        low, high = int(image[..., channel].min()), int(image[..., channel].max())
        if high > low:
            scale = 255.0 / (high - low)
            made[..., channel] = _cut(image[..., channel] * scale + -low * scale)
    return made


def _equalize(_: float, image: np.ndarray) -> np.ndarray:
    made = image.copy()
    for channel in range(3):
        counts = np.bincount(image[..., channel].ravel(), minlength=256)
        step = (counts.sum() - counts[counts > 0][-1]) // 255
        if (counts > 0).sum() > 1 and step:
            below = step // 2 + np.concatenate([[0], counts.cumsum()[:-1]])
            made[..., channel] = np.minimum(below // step, 255)[image[..., channel]]
    return made


def _channel_shift(by: float, image: np.ndarray) -> np.ndarray:
    return _cut(np.clip(image + by, image.min(), image.max()))


def _hue(turn: float, image: np.ndarray) -> np.ndarray:
    made = np.empty(image.shape)
    for place in np.ndindex(image.shape[:2]):
        hue, saturation, value = colorsys.rgb_to_hsv(*(image[place] / 255.0))
        made[place] = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
    return np.floor(made * 255 + 0.5).astype(np.uint8)


def _sharpness(factor: float, image: np.ndarray) -> np.ndarray:
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]])[..., None]
    total = ndimage.convolve(image.astype(int), kernel)
    smooth = np.floor(total / 13 + 0.5)
    edge = np.ones(image.shape, bool)
    edge[1:-1, 1:-1] = False
    return np.where(edge, image, _blend(smooth, image, factor))


def _blur(sigma: float, image: np.ndarray) -> np.ndarray:
    if sigma < 0.05:
        return image
    reach = int(np.ceil(3 * sigma))
    blurred = ndimage.gaussian_filter(
        image.astype(float), (sigma, sigma, 0), mode="reflect", radius=(reach, reach, 0)
    )
    return np.floor(blurred + 0.5).astype(np.uint8)


def _noise(sigma: float, image: np.ndarray, key: Key) -> np.ndarray:
    position, number, epoch, seed = key
    normal = statistics.NormalDist()
    made = image.copy()
    for i, place in enumerate(np.ndindex(image.shape[:2])):
        counter = (position << 24) + 256 + i // 2
        words = draws.philox(
            *(np.uint64(v) for v in (number, 0, epoch, counter, seed & 0xFFFFFFFF, seed >> 32))
        )
        halves = [int(word) >> shift & 0xFFFF for word in words for shift in (0, 16)]
        chosen = halves[:3] if i % 2 == 0 else halves[4:7]
        for channel, half in enumerate(chosen):
            level = image[place][channel] + sigma * normal.inv_cdf((half + 0.5) / 65536)
            made[(*place, channel)] = _cut(np.array(level + 0.5))
    return made


def _box(op: BoxOp, drawn: Draws, image: np.ndarray, key: Key) -> np.ndarray:
    position, number, epoch, seed = key
    height, width, _ = image.shape
    top, left, bottom, right = (int(np.ravel(side)[0]) for side in op.boxes(drawn, height, width))
    fill = op.fill_levels(drawn, CIFAR10)
    made = image.copy()
    for y in range(top, bottom):
        for x in range(left, right):
            if isinstance(fill, Noise):
                pixel = y * width + x
                counter = (position << 24) + 256 + pixel // 4
                words = draws.philox(
                    *(
                        np.uint64(v)
                        for v in (number, 0, epoch, counter, seed & 0xFFFFFFFF, seed >> 32)
                    )
                )
                word = int(words[pixel % 4])
                made[y, x] = [word & 255, (word >> 8) & 255, (word >> 16) & 255]
            else:
                made[y, x] = [float(np.ravel(level)[0]) for level in fill]
    return made


PROCESSES = {
    "intensity.contrast": _contrast,
    "intensity.autocontrast": _autocontrast,
    "intensity.equalize": _equalize,
    "intensity.channel_shift": _channel_shift,
    "colours.saturate": _saturation,
    "colours.turn_hue": _hue,
    "filters.sharpen": _sharpness,
    "filters.blur": _blur,
}
