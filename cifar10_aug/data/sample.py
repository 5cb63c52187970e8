"""The sample: small pictures of ten shapes, drawn by this code, so that nothing is downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifar10_aug.data.images import SIDE, LabelledImages, LabelledSplits, Provenance
from cifar10_aug.data.spec import SAMPLE
from cifar10_aug.rng import draws
from cifar10_aug.rng.draws import Draws

TRAIN_IMAGES = 4000
TEST_IMAGES = 1000
# An arbitrary Philox key that sets the pictures apart from what augments them.
_SEED = 0x5A3B1E
_SLOTS = 12


def read() -> LabelledSplits:
    """All pictures; the same bytes on every machine."""
    return LabelledSplits(
        _split("train", TRAIN_IMAGES),
        _split("test", TEST_IMAGES),
        Provenance("drawn", "sample", "", False, "drawn by cifar10_aug; not CIFAR-10"),
    )


def _split(split: str, count: int) -> LabelledImages:
    numbers = np.arange(count)
    labels = numbers % len(_SHAPES)
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for label, shape in enumerate(_SHAPES.values()):
        chosen = numbers[label :: len(_SHAPES)]
        images[chosen] = _draw(shape, _random(chosen, split))
    return LabelledImages(images, labels.astype(np.int64))


def _random(numbers: np.ndarray, split: str) -> Draws:
    key = draws.example_keys(numbers, split)
    zero = np.zeros_like(key)
    words = [
        word
        for block in range(_SLOTS // 4)
        for word in draws.philox(
            key & draws.MASK,
            key >> draws.HALF,
            zero,
            zero + np.uint64(block),
            zero + np.uint64(_SEED),
            zero,
        )
    ]
    return Draws(np.stack(words).astype(np.uint32))


def _draw(shape: Any, random: Draws) -> np.ndarray:
    """uint8 [n, 32, 32, 3] pictures of one shape, each turned, placed and coloured at random."""
    centre = (SIDE - 1) / 2
    radius = random.uniform(0, 8.0, 12.5)[:, None, None]
    at_x = centre + random.uniform(1, -3.5, 3.5)[:, None, None]
    at_y = centre + random.uniform(2, -3.5, 3.5)[:, None, None]
    sine, cosine = (a[:, None, None] for a in random.sine_cosine(random.uniform(3, 0.0, 360.0)))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    x, y = columns - at_x, rows - at_y
    distance = shape(cosine * x + sine * y, cosine * y - sine * x, radius)
    cover = np.clip(0.5 - distance, 0.0, 1.0)[..., None]
    # A dark shape on a bright ground, or the other way round, and light falling from one side.
    bright = np.stack([random.uniform(slot, 140.0, 250.0) for slot in (4, 5, 6)], axis=-1)
    dark = np.stack([random.uniform(slot, 5.0, 100.0) for slot in (7, 8, 9)], axis=-1)
    swap = random.chance(10, 0.5)[:, None]
    ink, ground = np.where(swap, bright, dark), np.where(swap, dark, bright)
    light = random.uniform(11, -1.2, 1.2)[:, None, None] * (columns - centre + rows - centre) / 2
    picture = ground[:, None, None] * (1 - cover) + ink[:, None, None] * cover + light[..., None]
    return np.rint(np.clip(picture, 0.0, 255.0)).astype(np.uint8)


# Signed distances to the outline, negative inside, of shapes of radius r about the origin.


def _disc(x: Any, y: Any, r: Any) -> Any:
    return np.sqrt(x * x + y * y) - 0.85 * r


def _ring(x: Any, y: Any, r: Any) -> Any:
    return np.abs(np.sqrt(x * x + y * y) - 0.75 * r) - 0.2 * r


def _square(x: Any, y: Any, r: Any) -> Any:
    return np.maximum(np.abs(x), np.abs(y)) - 0.75 * r


def _frame(x: Any, y: Any, r: Any) -> Any:
    return np.abs(np.maximum(np.abs(x), np.abs(y)) - 0.65 * r) - 0.17 * r


def _triangle(x: Any, y: Any, r: Any) -> Any:
    return np.maximum(np.abs(x) * 0.8660254 + y * 0.5, -y) - 0.5 * r


def _star(x: Any, y: Any, r: Any) -> Any:
    return np.minimum(_triangle(x, y, r), _triangle(x, -y, r))


def _cross(x: Any, y: Any, r: Any) -> Any:
    one = np.maximum(np.abs(x) - 0.95 * r, np.abs(y) - 0.27 * r)
    return np.minimum(one, np.maximum(np.abs(y) - 0.95 * r, np.abs(x) - 0.27 * r))


def _bars(x: Any, y: Any, r: Any) -> Any:
    return np.maximum(np.abs(np.abs(x) - 0.5 * r) - 0.2 * r, np.abs(y) - 0.9 * r)


def _crescent(x: Any, y: Any, r: Any) -> Any:
    moved = x - 0.5 * r
    return np.maximum(_disc(x, y, r), 0.7 * r - np.sqrt(moved * moved + y * y))


def _dumbbell(x: Any, y: Any, r: Any) -> Any:
    ball = np.abs(x) - 0.6 * r
    rod = np.maximum(np.abs(x) - 0.6 * r, np.abs(y) - 0.13 * r)
    return np.minimum(np.sqrt(ball * ball + y * y) - 0.38 * r, rod)


_SHAPES = {
    "disc": _disc,
    "ring": _ring,
    "square": _square,
    "frame": _frame,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "bars": _bars,
    "crescent": _crescent,
    "dumbbell": _dumbbell,
}
assert tuple(_SHAPES) == SAMPLE.class_names
