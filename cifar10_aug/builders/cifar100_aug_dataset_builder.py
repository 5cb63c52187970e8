"""CIFAR-100 under any recipe: `tfds.load("cifar100_aug/rotate30+erase")`."""

from __future__ import annotations

from cifar10_aug.builders.published import PublishedBuilder
from cifar10_aug.data.sources import official
from cifar10_aug.data.spec import CIFAR100


class Builder(PublishedBuilder):
    """CIFAR-100, augmented while it is read."""

    _description = (
        "CIFAR-100: 60,000 colour images of 32 x 32 pixels in 100 classes, which form 20 "
        "superclasses; augmented by the recipe that the config is named after, for example "
        "rotate30+erase."
    )
    dataset = CIFAR100
    _published = official.CIFAR100
