"""Augmented CIFAR as a TensorFlow dataset: a recipe's name goes in, tf.data comes out.

    import cifar10_aug
    import tensorflow_datasets as tfds
    train = tfds.load("cifar10_aug/rotate30+erase", split="train", batch_size=128)

Importing registers the datasets `cifar10_aug`, `cifar100_aug` and `cifar10_aug_sample`, whether it
comes before or after TFDS. It imports neither TFDS nor TensorFlow: what needs them is imported when
it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from cifar10_aug._compat import lazy_registration
from cifar10_aug.data.spec import SPECS
from cifar10_aug.errors import (
    ExportError,
    PythonOpError,
    RecipeError,
    RegistrationError,
    SourceError,
)
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.recipes.registration import register, seeded

if TYPE_CHECKING:
    from cifar10_aug.builders import (
        cifar10_aug_dataset_builder,
        cifar10_aug_sample_dataset_builder,
        cifar100_aug_dataset_builder,
    )
    from cifar10_aug.builders.loader import Loader
    from cifar10_aug.cli.picture import preview
    from cifar10_aug.pipelines.augmenting import augment
    from cifar10_aug.pipelines.service import distribute

    __version__: str

__all__ = [
    "ExportError",
    "Loader",
    "PythonOpError",
    "Recipe",
    "RecipeError",
    "RegistrationError",
    "SourceError",
    "augment",
    "cifar10_aug_dataset_builder",
    "cifar10_aug_sample_dataset_builder",
    "cifar100_aug_dataset_builder",
    "distribute",
    "preview",
    "register",
    "seeded",
]

_BUILDERS = [f"{name}_dataset_builder" for name in SPECS]
# What is imported when it is first used, by the module that it is in.
_LATER = {
    "Loader": "builders.loader",
    "augment": "pipelines.augmenting",
    "distribute": "pipelines.service",
    "preview": "cli.picture",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("cifar10_aug")
    elif name in _BUILDERS:
        found = importlib.import_module(f"cifar10_aug.builders.{name}")
    elif name in _LATER:
        found = getattr(importlib.import_module(f"cifar10_aug.{_LATER[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


lazy_registration.install(SPECS, lambda: [__getattr__(name) for name in _BUILDERS])
