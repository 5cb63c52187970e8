"""Reads Kaggle's form of CIFAR-10: a PNG for each image, and the labels in a table.

train/1.png …  trainLabels.csv    id,label
test/1.png …   testLabels.csv     if you have them: the competition gives none
"""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import numpy as np

from cifar10_aug.data.images import (
    NO_IMAGES,
    SHAPE,
    LabelledImages,
    LabelledSplits,
    Provenance,
    checked,
)
from cifar10_aug.data.sources import png
from cifar10_aug.data.sources.batch_file import brief, refused
from cifar10_aug.data.sources.official import Published
from cifar10_aug.errors import SourceError

TRAIN, TEST = "trainLabels.csv", "testLabels.csv"
_LARGEST_TABLE = 2**22
_COLUMNS = ["id", "label"]
_LONGEST_ID = 9
_CHECKED = "no checksum is published for the images in this format"
_ORDER = "by the pictures' numbers, which is not the official one"


@dataclasses.dataclass(frozen=True)
class PngFolders:
    """The pictures' folders and their tables."""

    folder: Path
    published: Published

    @property
    def files(self) -> list[Path]:
        tables = [self.folder / TRAIN, *self._test_table]
        return [*tables, *(file for table in tables for file, _ in self._pictures(table))]

    @property
    def _test_table(self) -> list[Path]:
        return [table for table in (self.folder / TEST,) if table.is_file()]

    def read(self, called: str, digest: str) -> LabelledSplits:
        """The images, in the order of their numbers; without labels there is no test split.

        Raises:
            SourceError: if they are not what they should be.
        """
        train = self._split(self.folder / TRAIN)
        test = NO_IMAGES
        for table in self._test_table:
            test = self._split(table)
        order = _ORDER if len(test) else f"{_ORDER}; without {TEST} there is no test split"
        provenance = Provenance("png", self.folder.name, digest, False, _CHECKED, order=order)
        return LabelledSplits(train, test, provenance)

    def _pictures(self, table: Path) -> list[tuple[Path, int]]:
        """The picture and label of each row, in the order of the numbers."""
        classes = {name: number for number, name in enumerate(self.published.classes)}
        try:
            rows = _rows(table)
            wrong = [row for row in rows if len(row) != 2 or not _is_id(row[0])]
            if wrong:
                raise ValueError(f"the row {','.join(wrong[0])}")
            unknown = sorted({label for _, label in rows} - set(classes))
            if unknown:
                raise ValueError(f"the label {unknown[0]}")
            labels = {int(number): classes[label] for number, label in rows}
            if len(labels) != len(rows):
                raise ValueError("a number twice")
        except (ValueError, csv.Error) as error:
            raise SourceError(
                f"{table}: expected a table with the columns id,label, numbers and the classes' "
                f"names, found something else ({brief(error)}); get the file again"
            ) from error
        folder = table.parent / table.name.removesuffix("Labels.csv")
        pictures = [(folder / f"{number}.png", labels[number]) for number in sorted(labels)]
        for file, _ in pictures:
            if not file.is_file():
                raise SourceError(
                    f"{file}: expected the picture that {table.name} names, found none; unpack "
                    "the pictures again"
                )
        return pictures

    def _split(self, table: Path) -> LabelledImages:
        pictures = self._pictures(table)
        most = self.published.train if table.name == TRAIN else self.published.test
        images = np.empty((min(len(pictures), most + 1), *SHAPE), np.uint8)
        for number, (file, _) in enumerate(pictures[: len(images)]):
            images[number] = _decoded(file)
        labels = np.array([label for _, label in pictures[: len(images)]], np.int64)
        return checked(images, labels, most=most, dataset=self.published.dataset, name=str(table))


def find(folder: Path, published: Published) -> PngFolders | None:
    """The folder, if it holds pictures and their table."""
    return PngFolders(folder, published) if (folder / TRAIN).is_file() else None


def _rows(table: Path) -> list[list[str]]:
    """What is below the table's head."""
    size = table.stat().st_size
    if size > _LARGEST_TABLE:
        raise ValueError(f"{size} bytes")
    head, *rows = csv.reader(io.StringIO(table.read_bytes().decode("utf-8-sig")))
    if head != _COLUMNS:
        raise ValueError(f"the columns {','.join(head)}")
    return rows


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID


def _decoded(file: Path) -> np.ndarray:
    def say(reason: str) -> str:
        return (
            f"{file}: expected a PNG of 32 x 32 pixels, found something else ({reason}); get the "
            "file again"
        )

    with refused(say), open(file, "rb") as opened:
        image = png.decode(opened.read(png.LARGEST + 1))
    return image
