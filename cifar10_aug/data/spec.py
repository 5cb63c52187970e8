"""What the rest of the package has to know of a dataset of labelled images."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Grouping:
    """Coarser classes, each made of several of a dataset's classes.

    Attributes:
        feature: what examples call the coarser label, such as "coarse_label".
        class_names: of the coarser classes, in the order of their labels 0, 1, 2, ….
        of: the coarser label that belongs to each label.
    """

    feature: str
    class_names: tuple[str, ...]
    of: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class DatasetSpec:
    """A dataset's classes and colours.

    Attributes:
        title: what people call it, such as "CIFAR-10".
        class_names: in the order of the labels 0, 1, 2, ….
        mean, std: of all pixels of the training images by channel, as fractions of 255.
        shape: height, width and channels of its images.
        widespread_std: a deviation that published networks were trained with instead, if any.
        groupings: the coarser labels that examples have besides.
    """

    title: str
    class_names: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    shape: tuple[int, int, int] = (32, 32, 3)
    widespread_std: tuple[float, float, float] | None = None
    groupings: tuple[Grouping, ...] = ()

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def mean_levels(self) -> tuple[int, int, int]:
        """The mean colour, 0 to 255."""
        red, green, blue = (round(255 * mean) for mean in self.mean)
        return red, green, blue

    def coarse(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        """The coarser labels of examples with these labels, by feature: int64 of their shape."""
        return {one.feature: np.array(one.of, np.int64)[labels] for one in self.groupings}


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

# The 20 superclasses of CIFAR-100 and their classes. Labels of both count in alphabetical order.
_SUPERCLASSES = {
    "aquatic_mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food_containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit_and_vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household_electrical_devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household_furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large_carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large_man-made_outdoor_things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large_natural_outdoor_scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large_omnivores_and_herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium_mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect_invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small_mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles_1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles_2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}
_SUPERCLASS_OF = {
    name: number for number, names in enumerate(_SUPERCLASSES.values()) for name in names
}

CIFAR100 = DatasetSpec(
    title="CIFAR-100",
    class_names=tuple(sorted(_SUPERCLASS_OF)),
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    groupings=(
        Grouping(
            "coarse_label",
            tuple(_SUPERCLASSES),
            tuple(_SUPERCLASS_OF[name] for name in sorted(_SUPERCLASS_OF)),
        ),
    ),
)

SAMPLE_NAME = "cifar10_aug_sample"
# By the names that TFDS knows.
SPECS = {"cifar10_aug": CIFAR10, "cifar100_aug": CIFAR100, SAMPLE_NAME: SAMPLE}
