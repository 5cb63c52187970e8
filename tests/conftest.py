"""Fixtures: what tests read is made here, once for each run."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

# Before TensorFlow is imported anywhere.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.pop("CIFAR10_AUG_SOURCE", None)
os.environ.pop("CIFAR10_AUG_MIRROR", None)
# Images that somebody has prepared there would be found.
os.environ["TFDS_DATA_DIR"] = tempfile.mkdtemp(prefix="cifar10_aug-")
os.environ["KERAS_HOME"] = os.environ["TFDS_DATA_DIR"]

from hypothesis import Phase, settings

from cifar10_aug.data import sample
from cifar10_aug.data.sources import caches
from cifar10_aug.data.sources.official import BINARY, PYTHON
from tests import archives

# Drawn once in each process of tests; no test changes it.
sample.read = functools.cache(sample.read)
# What torchvision has downloaded would be found, too.
caches.ROOTS = ()

# What a shell starts in the background ignores Ctrl-C, and so would the programs that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("default", deadline=None, derandomize=True)
# For scripts/mutate.sh, which asks only whether a test fails, not for the smallest example, and
# asks thousands of times.
settings.register_profile(
    "mutation",
    settings.get_profile("default"),
    phases=[Phase.explicit, Phase.generate],
    max_examples=20,
)
settings.load_profile("default")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["TFDS_DATA_DIR"], ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow or many tests come first, so that processes end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    count = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -count[item.path], item.path))


def pytest_collection_finish() -> None:
    """What has been imported stays, so garbage need not be looked for there again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def made() -> archives.Made:
    """100 training and 20 test images."""
    return archives.make()


@pytest.fixture(scope="session")
def sources(made: archives.Made, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same images in both layouts, as folders and archives."""
    place = tmp_path_factory.mktemp("sources")
    binary = archives.write_folder(made, place, BINARY)
    python = archives.write_folder(made, place, PYTHON)
    return {
        "binary folder": binary,
        "python folder": python,
        "binary archive": archives.pack(binary, place / BINARY.archive),
        "python archive": archives.pack(python, place / PYTHON.archive),
    }


@pytest.fixture(scope="session")
def data_dir(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder in which `cifar10_aug/plain` is prepared, from the binary archive."""
    from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder

    place = str(tmp_path_factory.mktemp("data"))
    builder = Builder(config="plain", data_dir=place, source=sources["binary archive"])
    builder.download_and_prepare()
    return place


@pytest.fixture(scope="session")
def sample_images() -> np.ndarray:
    """uint8 [4000, 32, 32, 3], the training pictures of the sample."""
    return sample.read().train.images
