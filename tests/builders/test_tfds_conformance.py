"""TFDS's own test of dataset builders, on an archive made for it."""

import tempfile
import unittest.mock
from pathlib import Path
from typing import Any, ClassVar

import pytest
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.builders.cifar10_aug_sample_dataset_builder import Builder as SampleBuilder
from cifar10_aug.builders.cifar100_aug_dataset_builder import Builder as HundredBuilder
from cifar10_aug.data.sources import downloading, official
from tests import archives


class Cifar10AugTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST: ClassVar = ["plain", "standard", "rotate30+erase+normalize"]
    SPLITS: ClassVar = {"train": 100, "test": 20}
    PUBLISHED: ClassVar = official.CIFAR10
    _place: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        cls._place = tempfile.TemporaryDirectory()
        place = Path(cls._place.name)
        layout, classes = cls.PUBLISHED.layouts[0], len(cls.PUBLISHED.classes)
        folder = archives.write_folder(archives.make(classes=classes), place / "unpacked", layout)
        archive = archives.pack(folder, place / layout.archive)
        cls.EXAMPLE_DIR = str(place)
        # TFDS's download manager, which the base class replaces, is not used.
        fetched = unittest.mock.patch.object(downloading, "fetch", return_value=archive)
        fetched.start()
        cls.addClassCleanup(fetched.stop)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        cls._place.cleanup()


class Cifar100AugTest(Cifar10AugTest):
    DATASET_CLASS = HundredBuilder
    BUILDER_CONFIG_NAMES_TO_TEST: ClassVar = ["plain", "standard", "cutmix"]
    PUBLISHED: ClassVar = official.CIFAR100


class Cifar10AugSampleTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = SampleBuilder
    BUILDER_CONFIG_NAMES_TO_TEST: ClassVar = ["plain", "rotate30+erase"]
    SPLITS: ClassVar = {"train": 4000, "test": 1000}
    EXAMPLE_DIR = str(Path(__file__).parent)


# The base class would run as a separate test.
del tfds
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
