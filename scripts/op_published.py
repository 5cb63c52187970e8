"""The corruptions of CIFAR-10-C in NumPy, SciPy and OpenCV, by their authors' formulas.

Severity 1, one image at a time, as `make_cifar_c.py` (Hendrycks and Dietterich, arXiv:1903.12261)
goes about it. Motion blur, snow and frost need ImageMagick or photographs, and are left out.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from scipy import ndimage

cv2.setNumThreads(0)


def _levels(image: np.ndarray) -> np.ndarray:
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)


def _shot(image: np.ndarray) -> np.ndarray:
    return np.random.poisson(image * 500) / 500


def _impulse(image: np.ndarray) -> np.ndarray:
    flipped, salted = np.random.random(image.shape) < 0.01, np.random.random(image.shape) < 0.5
    image[flipped & salted] = 1
    image[flipped & ~salted] = 0
    return image


def _disk(radius: float, alias: float) -> np.ndarray:
    side = np.arange(-8, 9)
    x, y = np.meshgrid(side, side)
    disk = (x**2 + y**2 <= radius**2).astype(np.float32)
    return cv2.GaussianBlur(disk / disk.sum(), (3, 3), alias)


def _zoomed(image: np.ndarray, factor: float) -> np.ndarray:
    side = image.shape[0]
    crop = int(np.ceil(side / factor))
    top = (side - crop) // 2
    part = image[top : top + crop, top : top + crop]
    large = ndimage.zoom(part, (factor, factor, 1), order=1)
    trim = (large.shape[0] - side) // 2
    return large[trim : trim + side, trim : trim + side]


def _zoom(image: np.ndarray) -> np.ndarray:
    factors = np.arange(1, 1.06, 0.01)
    return (image + sum(_zoomed(image, factor) for factor in factors)) / (len(factors) + 1)


def _glass(image: np.ndarray) -> np.ndarray:
    image = _levels(ndimage.gaussian_filter(image, (0.05, 0.05, 0)))
    for y in range(31, 1, -1):
        for x in range(31, 1, -1):
            dx, dy = np.random.randint(-1, 1, size=(2,))
            image[y, x], image[y + dy, x + dx] = image[y + dy, x + dx], image[y, x]
    return ndimage.gaussian_filter(image / 255.0, (0.05, 0.05, 0))


def _plasma(side: int, decay: float) -> np.ndarray:
    """Clouds by diamonds and squares, 0 to 1: side must be a power of two."""
    made, step, wibble = np.zeros((side, side)), side, 100.0

    def noisy(mean: np.ndarray) -> np.ndarray:
        return mean / 4 + wibble * np.random.uniform(-wibble, wibble, mean.shape)

    while step >= 2:
        half = step // 2
        corner = made[0:side:step, 0:side:step]
        square = corner + np.roll(corner, -1, 0)
        square = square + np.roll(square, -1, 1)
        made[half:side:step, half:side:step] = noisy(square)
        diagonal = made[half:side:step, half:side:step]
        upper = diagonal + np.roll(diagonal, 1, 0) + corner + np.roll(corner, -1, 1)
        made[0:side:step, half:side:step] = noisy(upper)
        left = diagonal + np.roll(diagonal, 1, 1) + corner + np.roll(corner, -1, 0)
        made[half:side:step, 0:side:step] = noisy(left)
        step, wibble = half, wibble / decay
    made -= made.min()
    return made / made.max()


def _fog(image: np.ndarray) -> np.ndarray:
    brightest = image.max()
    foggy = image + 0.2 * _plasma(image.shape[0], 3)[..., None]
    return foggy * brightest / (brightest + 0.2)


def _brightness(image: np.ndarray) -> np.ndarray:
    hsv = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2HSV)
    hsv[..., 2] = np.clip(hsv[..., 2] + 0.05, 0, 1)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def _contrast(image: np.ndarray) -> np.ndarray:
    means = image.mean(axis=(0, 1), keepdims=True)
    return (image - means) * 0.75 + means


# By the names of ops; each takes and returns floats, 0 to 1.
WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "corruptgaussiannoise": lambda image: image + np.random.normal(size=image.shape, scale=0.04),
    "corruptshotnoise": _shot,
    "corruptimpulsenoise": _impulse,
    "corruptdefocusblur": lambda image: cv2.filter2D(image, -1, _disk(0.3, 0.4)),
    "corruptglassblur": _glass,
    "corruptzoomblur": _zoom,
    "corruptfog": _fog,
    "corruptbrightness": _brightness,
    "corruptcontrast": _contrast,
}


def made(way: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
    """A batch, image by image."""
    return np.stack([_levels(way(image / 255.0)) for image in images])
