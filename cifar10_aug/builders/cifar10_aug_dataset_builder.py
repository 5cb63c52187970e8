"""CIFAR-10 under any recipe: `tfds.load("cifar10_aug/rotate30+erase")`."""

from __future__ import annotations

from cifar10_aug.builders.published import PublishedBuilder
from cifar10_aug.data.sources import official
from cifar10_aug.data.spec import CIFAR10


class Builder(PublishedBuilder):
    """CIFAR-10, augmented while it is read."""

    _description = (
        "CIFAR-10: 60,000 colour images of 32 x 32 pixels in ten classes, augmented by the recipe "
        "that the config is named after, for example rotate30+erase."
    )
    dataset = CIFAR10
    _published = official.CIFAR10
