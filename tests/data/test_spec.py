"""Classes, as the datasets' own files list them."""

import numpy as np

from cifar10_aug.data.spec import CIFAR10, CIFAR100, SPECS

# The superclass of each class of CIFAR-100 in the order of their labels, as the files pair them.
COARSE = [
    *(4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11),
    *(6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5),
    *(5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17),
    *(10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13),
    *(16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13),
]


def test_the_classes_of_cifar100_are_in_the_official_order() -> None:
    (superclasses,) = CIFAR100.groupings
    assert CIFAR100.num_classes == len(set(CIFAR100.class_names)) == 100
    assert len(superclasses.class_names) == 20
    for names in (CIFAR100.class_names, superclasses.class_names):
        assert list(names) == sorted(names)
    assert CIFAR100.class_names[:4] == ("apple", "aquarium_fish", "baby", "bear")
    assert CIFAR100.class_names[-2:] == ("woman", "worm")
    assert superclasses.class_names[19] == "vehicles_2"


def test_each_class_of_cifar100_has_its_superclass() -> None:
    found = CIFAR100.coarse(np.arange(100))
    assert {name: labels.tolist() for name, labels in found.items()} == {"coarse_label": COARSE}
    assert CIFAR10.coarse(np.arange(10)) == {}


def test_colours() -> None:
    assert CIFAR100.mean_levels == (129, 124, 112)
    assert CIFAR100.mean != CIFAR10.mean
    assert CIFAR100.std != CIFAR10.std
    assert SPECS["cifar100_aug"] is CIFAR100
