"""Geometry, crops and boxes as users of OpenCV write them; see op_opencv.py."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import cv2
import numpy as np

_MEAN = (125, 123, 114)
_LINEAR = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_REPEAT = cv2.BORDER_REPLICATE


def _warp(
    image: np.ndarray, out: np.ndarray, matrix: Sequence[float], border: int = cv2.BORDER_REPLICATE
) -> None:
    """About the centre: xx, xy, yx, yy, and a shift."""
    height, width, _ = image.shape
    xx, xy, yx, yy, dx, dy = matrix
    x, y = (width - 1) / 2, (height - 1) / 2
    rows = [[xx, xy, x - xx * x - xy * y + dx], [yx, yy, y - yx * x - yy * y + dy]]
    cv2.warpAffine(image, np.array(rows), (width, height), out, _LINEAR, borderMode=border)


def _rotate(image: np.ndarray, out: np.ndarray) -> None:
    angle = math.radians(random.uniform(-30, 30))
    c, s = math.cos(angle), math.sin(angle)
    _warp(image, out, (c, -s, s, c, 0, 0))


def _shift(image: np.ndarray, out: np.ndarray) -> None:
    height, width, _ = image.shape
    dx, dy = random.uniform(-0.3, 0.3) * width, random.uniform(-0.3, 0.3) * height
    _warp(image, out, (1, 0, 0, 1, dx, dy))


def _shear(image: np.ndarray, out: np.ndarray) -> None:
    angle = math.radians(random.uniform(-30, 30))
    _warp(image, out, (1, -math.sin(angle), 0, math.cos(angle), 0, 0))


def _zoom(image: np.ndarray, out: np.ndarray) -> None:
    _warp(image, out, (random.uniform(0.5, 1.5), 0, 0, random.uniform(0.5, 1.5), 0, 0))


def _translate(image: np.ndarray, out: np.ndarray, dx: float, dy: float) -> None:
    """By whole pixels, the border repeated."""
    height, width, _ = image.shape
    x, y = int(dx * width), int(dy * height)
    wide = cv2.copyMakeBorder(image, max(-y, 0), max(y, 0), max(-x, 0), max(x, 0), _REPEAT)
    out[:] = wide[max(y, 0) : max(y, 0) + height, max(x, 0) : max(x, 0) + width]


def _perspective(image: np.ndarray, out: np.ndarray) -> None:
    height, width, _ = image.shape
    x, y = width - 1, height - 1
    corners = [(0, 0), (x, 0), (x, y), (0, y)]
    moved = [
        (abs(cx - random.randint(0, width // 4)), abs(cy - random.randint(0, height // 4)))
        for cx, cy in corners
    ]
    matrix = cv2.getPerspectiveTransform(np.array(corners, np.float32), np.array(moved, np.float32))
    cv2.warpPerspective(image, matrix, (width, height), out, cv2.INTER_LINEAR)


def _elastic(image: np.ndarray, out: np.ndarray) -> None:
    height, width, _ = image.shape
    places = []
    for at in np.mgrid[:height, :width][::-1]:
        noise = np.random.uniform(-1, 1, (height, width))
        smooth = cv2.GaussianBlur(noise, (25, 25), 4, borderType=cv2.BORDER_REFLECT)
        places.append((at + 34 * smooth).astype(np.float32))
    cv2.remap(image, places[0], places[1], cv2.INTER_LINEAR, out, cv2.BORDER_REFLECT)


def _crop(image: np.ndarray, out: np.ndarray) -> None:
    height, width, _ = image.shape
    padded = cv2.copyMakeBorder(image, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=0)
    top, left = random.randint(0, 8), random.randint(0, 8)
    out[:] = padded[top : top + height, left : left + width]


def _scale_crop(image: np.ndarray, out: np.ndarray) -> None:
    height, width, _ = image.shape
    side = random.randint(38, 60)
    large = cv2.resize(image, (side, side))
    top, left = random.randint(0, side - height), random.randint(0, side - width)
    out[:] = large[top : top + height, left : left + width]


def _rrc(image: np.ndarray, out: np.ndarray) -> None:
    height, width, _ = image.shape
    for _ in range(10):
        area = random.uniform(0.08, 1) * height * width
        aspect = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        wide, tall = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < wide <= width and 0 < tall <= height:
            break
    else:
        wide, tall = width, height
    top, left = random.randint(0, height - tall), random.randint(0, width - wide)
    cv2.resize(image[top : top + tall, left : left + wide], (width, height), out)


def _erase(image: np.ndarray, out: np.ndarray) -> None:
    height, width, _ = image.shape
    while True:
        area = random.uniform(0.02, 0.4) * height * width
        aspect = math.exp(random.uniform(math.log(0.3), math.log(3.3)))
        tall, wide = int(math.sqrt(area * aspect)), int(math.sqrt(area / aspect))
        top, left = random.randrange(height), random.randrange(width)
        if top + tall <= height and left + wide <= width:
            break
    out[:] = image
    out[top : top + tall, left : left + wide] = random.randrange(256)


def _cutout(image: np.ndarray, out: np.ndarray) -> None:
    out[:] = image
    y, x = random.randrange(image.shape[0]), random.randrange(image.shape[1])
    out[max(y - 8, 0) : y + 8, max(x - 8, 0) : x + 8] = _MEAN


def _slant(image: np.ndarray, out: np.ndarray, sideways: bool) -> None:
    """From the upper left corner."""
    by, height, width = random.uniform(-0.3, 0.3), *image.shape[:2]
    if sideways:
        _warp(image, out, (1, by, 0, 1, by * (height - 1) / 2, 0))
    else:
        _warp(image, out, (1, 0, by, 1, 0, by * (width - 1) / 2))


# By the names of ops.
WAYS = {
    "rotate": _rotate,
    "shift": _shift,
    "shear": _shear,
    "shearx": lambda i, out: _slant(i, out, True),
    "sheary": lambda i, out: _slant(i, out, False),
    "translatex": lambda i, out: _translate(i, out, random.uniform(-0.3, 0.3), 0),
    "translatey": lambda i, out: _translate(i, out, 0, random.uniform(-0.3, 0.3)),
    "zoom": _zoom,
    "perspective": _perspective,
    "elastic": _elastic,
    "flip": lambda i, out: cv2.flip(i, 1, out),
    "flipud": lambda i, out: cv2.flip(i, 0, out),
    "altflip": lambda i, out: cv2.flip(i, 1, out) if random.random() < 0.5 else np.copyto(out, i),
    "rot": lambda i, out: np.copyto(out, np.rot90(i, random.randrange(4))),
    "crop": _crop,
    "scalecrop": _scale_crop,
    "rrc": _rrc,
    "erase": _erase,
    "cutout": _cutout,
}
