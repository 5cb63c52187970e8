"""The drawn sample under any recipe: `tfds.load("cifar10_aug_sample/rotate30+erase")`."""

from __future__ import annotations

from pathlib import Path

from cifar10_aug.builders.augmented import AugmentedBuilder
from cifar10_aug.data import sample
from cifar10_aug.data.images import LabelledSplits
from cifar10_aug.data.sources.choose import Downloads
from cifar10_aug.data.spec import SAMPLE


class Builder(AugmentedBuilder):
    """Small drawn pictures in ten classes, with the shapes of CIFAR-10; nothing is downloaded."""

    _description = (
        "5,000 pictures of ten shapes, 32 x 32 pixels, drawn by the code, to try recipes on. "
        "It is not CIFAR-10."
    )
    dataset = SAMPLE

    def _read_source(self, downloads: Downloads, manual_dir: Path) -> LabelledSplits:
        return sample.read()
