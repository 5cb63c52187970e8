"""The drawn sample under any recipe: `tfds.load("cifar10_aug_sample/rotate30+erase")`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cifar10_aug.builder import AugmentedBuilder
from cifar10_aug.source import drawn
from cifar10_aug.source.choose import Downloads
from cifar10_aug.source.images import Cifar10


class Builder(AugmentedBuilder):
    """Small drawn pictures in ten classes, with the shapes of CIFAR-10; nothing is downloaded."""

    _description = (
        "5,000 pictures of ten shapes, 32 x 32 pixels, drawn by the code, to try recipes on. "
        "It is not CIFAR-10."
    )
    _label_names: Sequence[str] = drawn.SHAPE_NAMES

    def _read_source(self, downloads: Downloads, manual_dir: Path) -> Cifar10:
        return drawn.read()
