"""Kills `prepare --overwrite` before each of its changes of files, one after the other.

For a program in which TensorFlow does nothing, so that processes can be forked.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import sys
from pathlib import Path

import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data import prepared
from tests.frozen.crashes import counting, in_child

OVERWRITE = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)


def prepare(place: Path, source: Path) -> None:
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    builder = Builder(config="plain", data_dir=str(place), source=source)
    builder.download_and_prepare(download_config=OVERWRITE)


def killed(place: Path, source: Path, at: int) -> None:
    counting(place, at)
    prepare(place, source)


def main(*paths: str) -> None:
    old, new, place = map(Path, paths)
    assert in_child(functools.partial(prepare, place / "prepared", old)) == 0
    kills, seen = 0, set()
    status = -signal.SIGKILL
    while status:
        kills += 1
        folder = place / "data"
        shutil.copytree(place / "prepared", folder)
        status = in_child(functools.partial(killed, folder, new, kills))
        assert status in (0, -signal.SIGKILL), status
        # What is read is whole, from one source or the other.
        found = prepared.read(Builder(config="flip", data_dir=str(folder)).info).provenance.name
        assert status or found == new.name, found
        seen.add(found)
        assert in_child(functools.partial(prepare, folder, new)) == 0
        found = prepared.read(Builder(config="flip", data_dir=str(folder)).info).provenance.name
        assert found == new.name, found
        assert not list(folder.rglob("replaced.1.0.0"))
        # The next one that is asked for anything removes what the killed one has left.
        left = [*folder.rglob("incomplete.*"), *folder.rglob("writing.*")]
        assert not left, left
        shutil.rmtree(folder)
    assert seen == {old.name, new.name}
    sys.stdout.write(f"{kills - 1} kills, the old images or the new ones each time\n")
