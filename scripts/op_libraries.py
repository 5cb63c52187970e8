"""What other libraries can do of the ops of this package, and whether it is the same work."""

from __future__ import annotations

import functools
import importlib.util
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# A batch, uint8 [batch, height, width, 3], to what becomes of it.
Way = Callable[[np.ndarray], Any]

# What is not seen in the pixels of one batch, by library and op.
ONE_DRAW = "one draw for the whole batch"
ZEROS = "zeros outside"
LESS = {
    **{("torchvision", op): ONE_DRAW for op in ("mixup", "cutmix")},
    **{("Pillow", op): ZEROS for op in ("rotate", "shearx", "sheary", "translatex", "translatey")},
    **{("torchvision", op): ZEROS for op in ("rotate", "shift", "shear", "translatex")},
    ("torchvision", "translatey"): ZEROS,
    **{("Kornia", op): ZEROS for op in ("rotate", "shift", "shear")},
    ("torchvision", "elastic"): ZEROS,
    ("OpenCV", "posterize"): "nothing is drawn",
}
# How far apart two ways may change images and still count as doing the same.
ALIKE = 0.65, 1.5


class Library(NamedTuple):
    """A library and its ways.

    Attributes:
        needs: what must be installed, as it is imported.
        ways: makes them, by the names of ops.
        clock: counts the processor's time, of all threads where it has any.
    """

    needs: tuple[str, ...]
    ways: Callable[[], dict[str, Way]]
    clock: Callable[[], float] = time.thread_time

    @property
    def missing(self) -> str:
        """What is not installed of what it needs; "" if nothing is missing."""
        return ", ".join(one for one in self.needs if importlib.util.find_spec(one) is None)


def _of(made: Callable[[Any, np.ndarray], Any], ways: dict[str, Any]) -> dict[str, Way]:
    return {op: functools.partial(made, way) for op, way in ways.items()}


def _opencv() -> dict[str, Way]:
    import op_opencv

    return {**_of(op_opencv.made, op_opencv.WAYS), **op_opencv.BATCHES}


def _albumentations() -> dict[str, Way]:
    import op_albumentations

    return _of(op_albumentations.made, op_albumentations.WAYS)


def _pillow() -> dict[str, Way]:
    import op_pillow

    return _of(op_pillow.made, op_pillow.WAYS)


def _published() -> dict[str, Way]:
    import op_published

    return _of(op_published.made, op_published.WAYS)


def _keras() -> dict[str, Way]:
    import op_keras

    return _of(op_keras.made, op_keras.WAYS)


def _torchvision() -> dict[str, Way]:
    import op_torch

    return _of(op_torch.torchvision_made, op_torch.torchvision_ways())


def _kornia() -> dict[str, Way]:
    import op_torch

    return _of(op_torch.kornia_made, op_torch.kornia_ways())


LIBRARIES = {
    "OpenCV": Library(("cv2",), _opencv),
    "Albumentations": Library(("albumentations",), _albumentations),
    "Pillow": Library(("PIL",), _pillow),
    "published": Library(("cv2", "scipy"), _published),
    "keras.layers": Library(("tensorflow",), _keras, time.process_time),
    "torchvision": Library(("torch", "torchvision"), _torchvision, time.process_time),
    "Kornia": Library(("torch", "kornia"), _kornia, time.process_time),
}


def change(way: Way, images: np.ndarray, calls: int = 4) -> float:
    """How far a way moves levels, on average over some calls.

    Raises:
        ValueError: if what it makes has another shape than the images.
    """
    total = 0.0
    for _ in range(calls):
        made = np.asarray(way(images))
        if made.shape != images.shape:
            raise ValueError(f"made {list(made.shape)} of images {list(images.shape)}")
        total += float(np.abs(made.astype(np.float64) - images).mean())
    return total / calls


def mark(library: str, op: str, share: float) -> str:
    """What a way lacks, by what it is known for, or by its share of our change; "" for nothing."""
    if known := LESS.get((library, op)):
        return known
    low, high = ALIKE
    return "" if low <= share <= high else f"changes {share:.2g} × as much"
