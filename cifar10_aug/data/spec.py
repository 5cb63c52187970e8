"""What the rest of the package has to know of a dataset of labelled images."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class DatasetSpec:
    """A dataset's classes and colours.

    Attributes:
        title: what people call it, such as "CIFAR-10".
        class_names: in the order of the labels 0, 1, 2, ….
        mean, std: of all pixels of the training images by channel, as fractions of 255.
        shape: height, width and channels of its images.
        widespread_std: a deviation that published networks were trained with instead, if any.
    """

    title: str
    class_names: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    shape: tuple[int, int, int] = (32, 32, 3)
    widespread_std: tuple[float, float, float] | None = None

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def mean_levels(self) -> tuple[int, int, int]:
        """The mean colour, 0 to 255."""
        red, green, blue = (round(255 * mean) for mean in self.mean)
        return red, green, blue


CIFAR10 = DatasetSpec(
    title="CIFAR-10",
    class_names=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    widespread_std=(0.2023, 0.1994, 0.2010),
)

# Pictures to try recipes on, which are normalised as CIFAR-10 is.
SAMPLE = dataclasses.replace(
    CIFAR10,
    title="the drawn sample",
    class_names=(
        "disc",
        "ring",
        "square",
        "frame",
        "triangle",
        "star",
        "cross",
        "bars",
        "crescent",
        "dumbbell",
    ),
)

# By the names that TFDS knows.
SPECS = {"cifar10_aug": CIFAR10, "cifar10_aug_sample": SAMPLE}
