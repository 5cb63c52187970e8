"""Makes CIFAR-10 in the forms that users have besides the published ones."""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

from cifar10_aug.data.spec import CIFAR10, DatasetSpec
from tests.archives import Made


def png(image: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png", **options)
    return stream.getvalue()


def tar(folder: Path, path: Path, mode: Any, prefix: str) -> Path:
    """The files of a folder below `prefix`, which may be empty."""
    with tarfile.open(path, mode) as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, f"{prefix}{file.name}")
    return path


def zipped(files: Mapping[str, bytes], path: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def npz(made: Made, path: Path, **others: np.ndarray) -> Path:
    """As Keras returns them: labels in a column."""
    arrays: dict[str, Any] = {
        "x_train": made.train_images,
        "y_train": made.train_labels[:, None].astype(np.uint8),
        "x_test": made.test_images,
        "y_test": made.test_labels[:, None].astype(np.uint8),
    }
    arrays.update(others)
    np.savez_compressed(path, **arrays)
    return path


def parquet(
    images: np.ndarray | list[bytes],
    labels: np.ndarray,
    path: Path,
    column: str = "img",
    label: str = "label",
    coarse: DatasetSpec | None = None,
) -> Path:
    """As Hugging Face stores them; with the coarser labels of a dataset, if one is given."""
    data = [one if isinstance(one, bytes) else png(one) for one in images]
    pictures = [{"bytes": one, "path": f"{k}.png"} for k, one in enumerate(data)]
    others = coarse.coarse(labels) if coarse else {}
    table = pyarrow.table({column: pictures, label: labels, **others})
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path, row_group_size=32)
    return path


def parquets(made: Made, folder: Path, **options: Any) -> Path:
    name = "{}-00000-of-00001.parquet"
    parquet(made.train_images, made.train_labels, folder / name.format("train"), **options)
    parquet(made.test_images, made.test_labels, folder / name.format("test"), **options)
    return folder


def png_folder(images: np.ndarray, labels: np.ndarray, folder: Path, split: str) -> Path:
    """Pictures and table of one split, as Kaggle has them: numbers begin with 1."""
    (folder / split).mkdir(parents=True)
    with open(folder / f"{split}Labels.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "label"])
        for number, (image, label) in enumerate(zip(images, labels, strict=True), start=1):
            table.writerow([number, CIFAR10.class_names[label]])
            (folder / split / f"{number}.png").write_bytes(png(image))
    return folder
