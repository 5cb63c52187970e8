"""Augmented CIFAR as a TensorFlow dataset: a recipe's name goes in, tf.data comes out.

    import cifar10_aug
    import tensorflow_datasets as tfds
    train = tfds.load("cifar10_aug/rotate30+erase", split="train", batch_size=128)

Importing registers the datasets `cifar10_aug`, `cifar100_aug` and `cifar10_aug_sample`.
"""

import importlib.metadata

from cifar10_aug._compat import code_first
from cifar10_aug.builders import (
    cifar10_aug_dataset_builder,
    cifar10_aug_sample_dataset_builder,
    cifar100_aug_dataset_builder,
)
from cifar10_aug.builders.augmented import AugmentedBuilder
from cifar10_aug.builders.loader import Loader
from cifar10_aug.cli.picture import preview
from cifar10_aug.errors import (
    ExportError,
    PythonOpError,
    RecipeError,
    RegistrationError,
    SourceError,
)
from cifar10_aug.pipelines.augmenting import augment
from cifar10_aug.pipelines.service import distribute
from cifar10_aug.recipes.recipe import Config, Recipe
from cifar10_aug.recipes.registration import register, seeded

__version__ = importlib.metadata.version("cifar10_aug")
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

code_first.install(AugmentedBuilder, Config.parse)
