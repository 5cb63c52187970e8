"""What is written beside prepared images: which files they are in, and what is recorded of them.

It is in the two files that TFDS writes, `dataset_info.json` and `metadata.json`, and read here
without TFDS, which takes long to import.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

INFO, METADATA = "dataset_info.json", "metadata.json"
# The only template of file names that TFDS writes unless it is told otherwise, with a number for
# each file.
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"

_Found = TypeVar("_Found")


@dataclasses.dataclass(frozen=True)
class Split:
    """One prepared split; its attributes are called as those of TFDS's `SplitInfo`.

    Attributes:
        name: "train" or "test".
        shard_lengths: how many examples each file has.
        filepaths: of the files.
    """

    name: str
    shard_lengths: list[int]
    filepaths: list[Path]

    @property
    def num_examples(self) -> int:
        return sum(self.shard_lengths)

    @property
    def filenames(self) -> list[str]:
        return [path.name for path in self.filepaths]


@dataclasses.dataclass(frozen=True, eq=False)
class Description:
    """What is prepared in a folder; its attributes are called as those of TFDS's `DatasetInfo`.

    Attributes:
        data_dir: the folder, DATA_DIR/dataset/config/version.
        name: of the dataset that was written.
        splits: by name.
    """

    data_dir: str
    name: str
    splits: dict[str, Split]

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        """What is recorded of the images.

        Raises:
            ValueError: if it is damaged; the message is a clause.
        """
        return _read(path_of(self.data_dir) / METADATA, dict)


def path_of(place: str | os.PathLike[str]) -> Any:
    """A path that files can be read from, in a bucket, too."""
    if "://" in os.fspath(place):
        import tensorflow_datasets as tfds

        return tfds.core.Path(place)
    return Path(place)


def read(folder: str | os.PathLike[str], version: str) -> Description:
    """The description of what is prepared in a folder.

    Args:
        folder: DATA_DIR/dataset/config/version.
        version: the one that can be read.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is damaged, or another version's; the message is a clause.
    """
    place = path_of(folder)

    def described(info: Mapping[str, Any]) -> Description:
        if info["version"] != version:
            raise ValueError(f"its version is {info['version']}, not {version}")
        kind = info.get("fileFormat", "tfrecord")
        splits = [_split(place, info["name"], kind, one) for one in info["splits"]]
        return Description(os.fspath(folder), info["name"], {one.name: one for one in splits})

    return _read(place / INFO, described)


def _read(path: Any, understood: Callable[[Any], _Found]) -> _Found:
    try:
        return understood(json.loads(path.read_text()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {type(error).__name__}: {error}") from error


def _split(place: Any, dataset: str, kind: str, info: Mapping[str, Any]) -> Split:
    if info.get("filepathTemplate", _TEMPLATE) != _TEMPLATE:
        raise ValueError(f"files that are called {info['filepathTemplate']}")
    lengths = [int(length) for length in info["shardLengths"]]
    if not lengths:
        raise ValueError(f"no files of {info['name']}")
    count = len(lengths)
    stem = f"{dataset}-{info['name']}.{kind}"
    files = [place / f"{stem}-{number:05d}-of-{count:05d}" for number in range(count)]
    return Split(info["name"], lengths, files)
