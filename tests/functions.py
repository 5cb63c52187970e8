"""Functions that tests register as ops. Worker processes import this, so it imports little."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np


def sepia(image: np.ndarray, rng: np.random.Generator, strength: float = 0.5) -> np.ndarray:
    """Browns the image, more or less.

    The rest of this text is not for lists.
    """
    mean = image.mean(axis=-1, keepdims=True) * [1.07, 0.74, 0.43]
    share = strength * rng.random()
    return np.clip(image * (1 - share) + mean * share, 0, 255).astype(np.uint8)


def speckle(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image[rng.random(image.shape[:2]) < 0.1] = 255
    return image


def speckle_all(images: np.ndarray, rngs: list[np.random.Generator]) -> np.ndarray:
    """As `speckle`, on a batch."""
    for image, rng in zip(images, rngs, strict=True):
        image[rng.random(image.shape[:2]) < 0.1] = 255
    return images


def standardize(image: np.ndarray, rng: np.random.Generator, least_std: float = 1) -> np.ndarray:
    levels = image.astype(np.float32)
    std = max(levels.std(), np.float32(least_std))
    return (levels - levels.mean()) / std


def process(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Says in the first pixels who made it."""
    image[0, 0] = [os.getpid() >> shift & 255 for shift in (0, 8, 16)]
    return image


def pids(images: np.ndarray) -> set[int]:
    """What `process` has said."""
    return {
        int(r) | int(g) << 8 | int(b) << 16
        for r, g, b in images[:, 0, 0].reshape(-1, 3).astype(np.int64)
    }


def slow(image: np.ndarray, rng: np.random.Generator, milliseconds: float = 1) -> np.ndarray:
    time.sleep(milliseconds / 1000)
    return image


def dark(image: np.ndarray, rng: np.random.Generator, at: int = 3) -> np.ndarray:
    """Fails on the images that begin with a certain level."""
    if image[0, 0, 0] == at:
        raise ZeroDivisionError("no light\nat all")
    return image


def crash(image: np.ndarray, rng: np.random.Generator, at: int = 3) -> np.ndarray:
    if image[0, 0, 0] == at:
        os._exit(3)
    return image


def numbered(count: int, size: int = 8) -> Any:
    """Images that begin with their number."""
    images = np.random.default_rng(1).integers(0, 256, (count, size, size, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    return images
