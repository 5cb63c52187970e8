"""Reads Hugging Face's Parquet files: a column of PNG pictures and one of labels."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_aug.data.images import SHAPE, LabelledImages, LabelledSplits, Provenance, checked
from cifar10_aug.data.sources import png
from cifar10_aug.data.sources.batch_file import refused
from cifar10_aug.data.sources.official import Published
from cifar10_aug.errors import SourceError

MAGIC = b"PAR1"
_IMAGE_COLUMNS = ("img", "image")
_MOST_FILES = 100
_ROWS_A_READ = 1000
_CHECKED = "no checksum is published for the images in this format"
_ORDER = "that of the Parquet files, which is not the official one"


@dataclasses.dataclass(frozen=True)
class Parquet:
    """The files of both splits."""

    folder: Path
    train: list[Path]
    test: list[Path]
    published: Published

    @property
    def files(self) -> list[Path]:
        return [*self.train, *self.test]

    def read(self, called: str, digest: str) -> LabelledSplits:
        """The images, in the files' order.

        Raises:
            SourceError: if they are not what they should be.
        """
        provenance = Provenance("parquet", self.folder.name, digest, False, _CHECKED, order=_ORDER)
        return LabelledSplits(
            self._split(self.train, self.published.train),
            self._split(self.test, self.published.test),
            provenance,
        )

    def _split(self, files: list[Path], most: int) -> LabelledImages:
        images = np.empty((most, *SHAPE), np.uint8)
        names = [self.published.label_column, *self._coarse]
        labels = {name: np.empty(most, np.int64) for name in names}
        count = 0
        for file in files:
            with self._whole(file):
                for data, *numbers in self._rows(file, most - count):
                    images[count] = png.decode(data)
                    for name, number in zip(names, numbers, strict=True):
                        labels[name][count] = number
                    count += 1
        found = {name: numbers[:count] for name, numbers in labels.items()}
        return checked(
            images[:count],
            found.pop(self.published.label_column),
            found,
            most=most,
            dataset=self.published.dataset,
            name=str(files[0]),
        )

    @property
    def _coarse(self) -> list[str]:
        return [one.feature for one in self.published.dataset.groupings]

    def _rows(self, path: Path, most: int) -> Iterator[tuple[Any, ...]]:
        """The pictures of one file, each with its label and its coarser labels."""
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            image = next((name for name in _IMAGE_COLUMNS if name in names), None)
            numbers = [self.published.label_column, *self._coarse]
            if image is None or not set(numbers) <= set(names):
                raise ValueError(
                    f"columns {', '.join(names)} instead of {' and '.join(['img', *numbers])}"
                )
            about = file.metadata
            if about.num_rows > most:
                raise ValueError(f"{about.num_rows} rows, and at most {most} can be")
            groups = (about.row_group(k) for k in range(about.num_row_groups))
            size = sum(
                group.column(k).total_uncompressed_size
                for group in groups
                for k in range(group.num_columns)
            )
            if size > png.LARGEST * max(about.num_rows, 1):
                raise ValueError(f"{size} bytes of content")
            columns = [image, *numbers]
            for batch in file.iter_batches(_ROWS_A_READ, columns=columns):
                lists = [batch.column(name).to_pylist() for name in columns]
                for picture, *labels in zip(*lists, strict=True):
                    yield _bytes(picture), *labels

    def _whole(self, file: Path) -> contextlib.AbstractContextManager[None]:
        """Raises a `SourceError` if the file is not what it should be."""
        return refused(
            lambda reason: (
                f"{file}: expected PNG pictures of 32 x 32 pixels (img or image) and whole numbers "
                f"({self.published.label_column}), found something else ({reason}); get the file "
                "again"
            )
        )


def _bytes(picture: Any) -> bytes:
    """The PNG itself, which Hugging Face stores beside its name."""
    data = picture["bytes"] if isinstance(picture, dict) else picture
    if not isinstance(data, bytes):
        raise ValueError("a picture that is not in the file")
    return data


def find(path: Path, published: Published) -> Parquet | None:
    """The files in a folder, or beside one of them.

    Raises:
        SourceError: if those of a split are missing.
    """
    beside = path if path.is_dir() else path.parent
    for folder in (beside / name for name in ("", published.parquet_folder, "data")):
        train, test = (sorted(folder.glob(f"{name}*.parquet")) for name in ("train", "test"))
        if not train and not test:
            continue
        if not train or not test or len(train) + len(test) > _MOST_FILES:
            raise SourceError(
                f"{folder}: expected train*.parquet and test*.parquet, at most {_MOST_FILES} "
                f"files, found {len(train)} and {len(test)}; give the folder that holds both"
            )
        return Parquet(folder, train, test, published)
    return None
