"""What is written beside prepared images, read without TFDS."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds

from cifar10_aug import Loader, SourceError
from cifar10_aug.data import prepared


def test_it_says_what_tfds_reads_in_it(data_dir: str) -> None:
    info = tfds.builder("cifar10_aug/flip", data_dir=data_dir).info
    found = prepared.described(info.data_dir)
    assert (found.data_dir, found.name) == (info.data_dir, "cifar10_aug")
    assert found.metadata == dict(info.metadata.items())
    assert list(found.splits) == list(info.splits)
    for name, split in found.splits.items():
        theirs = info.splits[name]
        assert (split.name, split.shard_lengths) == (theirs.name, theirs.shard_lengths)
        assert split.num_examples == theirs.num_examples
        assert split.filenames == theirs.filenames
        assert list(map(str, split.filepaths)) == list(map(str, theirs.filepaths))


def without_version(info: Any) -> Any:
    del info["version"]
    return info


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda info: [], "TypeError: list indices must be"),
        (without_version, "KeyError: 'version'"),
        (lambda info: {**info, "version": "2.0.0"}, "its version is 2.0.0, not 1.0.0"),
        (lambda info: {**info, "splits": [{"name": "train", "shardLengths": []}]}, "no files of"),
        (lambda info: {**info, "splits": [{"name": "train", "shardLengths": ["x"]}]}, "invalid"),
        (
            lambda info: {**info, "splits": [{**info["splits"][0], "filepathTemplate": "{SPLIT}"}]},
            "files that are called {SPLIT}",
        ),
    ],
)
def test_what_is_damaged_is_refused(
    damage: Callable[[Any], Any], found: str, data_dir: str, tmp_path: Path
) -> None:
    shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "cifar10_aug" / "plain" / "1.0.0"
    file = folder / "dataset_info.json"
    file.write_text(json.dumps(damage(json.loads(file.read_text()))))
    message = (
        f"{re.escape(str(folder))}: dataset_info.json or metadata.json is damaged "
        rf"\(dataset_info.json: .*{re.escape(found)}.*\); delete this folder and prepare it again"
    )
    with pytest.raises(SourceError, match=message):
        Loader("flip", batch_size=10, data_dir=tmp_path)
