"""Makes CIFAR-10 and CIFAR-100 in their published layouts, small and from random images."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_aug.data.sources.official import CIFAR10, PUBLISHED, PYTHON, Layout, Published


@dataclasses.dataclass(frozen=True)
class Made:
    """What was put into the files: uint8 [n, 32, 32, 3] and int64 [n] for each split."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def make(per_file: int = 20, seed: int = 0, classes: int = 10) -> Made:
    """Smooth random images, so that interpolation has something to work on, and labels."""
    rng = np.random.default_rng(seed)
    count = 6 * per_file
    coarse = rng.integers(0, 256, (count, 5, 5, 3)).astype(np.float64)
    images = np.repeat(np.repeat(coarse, 7, axis=1), 7, axis=2)[:, :32, :32]
    images = (images + np.roll(images, 3, 1) + np.roll(images, 3, 2)) / 3
    images = np.clip(images + rng.normal(0, 6, images.shape), 0, 255).astype(np.uint8)
    labels = rng.integers(0, classes, count)
    cut = 5 * per_file
    return Made(images[:cut], labels[:cut], images[cut:], labels[cut:])


def write_folder(made: Made, parent: Path, layout: Layout) -> Path:
    """Writes one layout's folder into `parent`."""
    folder = parent / layout.folder
    folder.mkdir(parents=True)
    train_images = np.array_split(made.train_images, len(layout.train))
    train_labels = np.array_split(made.train_labels, len(layout.train))
    parts = dict(zip(layout.train, zip(train_images, train_labels, strict=True), strict=True))
    parts[layout.test] = (made.test_images, made.test_labels)
    for name, (images, labels) in parts.items():
        (folder / name).write_bytes(file_bytes(images, labels, layout))
    meta = "batches.meta.txt" if layout.kind == "binary" else "batches.meta"
    (folder / meta).write_text("\n".join(_published(layout).classes) + "\n")
    return folder


def _published(layout: Layout) -> Published:
    return next(one for one in PUBLISHED.values() if layout in one.layouts)


def file_bytes(images: np.ndarray, labels: np.ndarray, layout: Layout) -> bytes:
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), 3072)
    every_label = [*_published(layout).dataset.coarse(labels).values(), labels]
    if layout.kind == "binary":
        return np.column_stack([*every_label, rows]).astype(np.uint8).tobytes()
    named = zip(layout.labels, every_label, strict=True)
    content = {
        b"data": rows,
        **{name.encode(): labels.tolist() for name, labels in named},
        b"batch_label": b"made for a test",
    }
    return pickle.dumps(content, protocol=2)


def pack(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder, folder.name)
    return archive


def pretended(folder: Path | None = None, **published: Path) -> Published:
    """CIFAR-10, if other files were published.

    Args:
        folder: the files of the Python layout.
        **published: the archives, by their layout's kind.
    """
    layouts = tuple(
        dataclasses.replace(layout, **_facts(published[layout.kind]))
        if layout.kind in published
        else layout
        for layout in CIFAR10.layouts
    )
    if folder is not None:
        files = {
            name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in PYTHON.files
        }
        layouts = (layouts[0], dataclasses.replace(layouts[1], file_digests=files))
    return dataclasses.replace(CIFAR10, layouts=layouts)


def _facts(archive: Path) -> dict[str, Any]:
    data = archive.read_bytes()
    return {"digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}
