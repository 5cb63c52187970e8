"""Reads a NumPy file with `x_train`, `y_train`, `x_test` and `y_test`, as Keras returns them."""

from __future__ import annotations

import dataclasses
import math
import zipfile
from pathlib import Path

import numpy as np

from cifar10_aug.data.images import SHAPE, LabelledImages, LabelledSplits, Provenance, checked
from cifar10_aug.data.sources import archives, batches
from cifar10_aug.data.sources.batch_file import refused
from cifar10_aug.data.sources.official import Published
from cifar10_aug.errors import SourceError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
# Of a label, and of what is before the numbers, in bytes.
_LARGEST_LABEL = 8
_HEADER = 2**16
_ORDER = "that of the file, which is not compared with the official one"
_CHECKED = "no checksum is published for this format"


@dataclasses.dataclass(frozen=True)
class Npz:
    """One such file."""

    path: Path
    published: Published

    @property
    def files(self) -> list[Path]:
        return [self.path]

    def read(self, called: str, digest: str) -> LabelledSplits:
        """The images, in the file's order.

        Raises:
            SourceError: if they are not what they should be.
        """

        def say(reason: str) -> str:
            return (
                f"{called}: expected an .npz with {', '.join(ARRAYS)}, found one that is damaged "
                f"({reason}); make it again with numpy.savez"
            )

        with refused(say), archives.opened_zip(self.path) as archive:
            train = self._split(archive, "train", self.published.train, called)
            test = self._split(archive, "test", self.published.test, called)
        provenance = Provenance("npz", self.path.name, digest, False, _CHECKED, order=_ORDER)
        return LabelledSplits(train, test, provenance)

    def _split(self, archive: zipfile.ZipFile, name: str, most: int, called: str) -> LabelledImages:
        images = _array(archive, f"x_{name}", most * math.prod(SHAPE), called)
        labels = _array(archive, f"y_{name}", most * _LARGEST_LABEL, called)
        if images.dtype != np.uint8 or images.shape[1:] != SHAPE:
            raise SourceError(
                f"{called}: expected x_{name} of uint8 [n, 32, 32, 3], found {images.dtype} "
                f"{list(images.shape)}; save levels from 0 to 255, channels last"
            )
        # Arrays do not say what they are of, and all labels of CIFAR-10 are ones of CIFAR-100, too.
        for other in self.published.others:
            few, all_of_them = len(other.classes), len(self.published.classes)
            if few < all_of_them <= len(labels) and labels.max() < few:
                raise batches.other(called, self.published, other, f"labels below {few} alone")
        if labels.shape == (len(images), 1):
            labels = labels[:, 0]
        if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
            raise SourceError(
                f"{called}: expected y_{name} of {len(images)} whole numbers, found {labels.dtype} "
                f"{list(labels.shape)}; save the classes' numbers"
            )
        return checked(
            images, labels, most=most, dataset=self.published.dataset, name=f"{called}: {name}"
        )


def find(path: Path, published: Published) -> Npz | None:
    """The file, if it is one.

    Raises:
        SourceError: if it has other arrays.
    """
    try:
        with archives.opened_zip(path) as archive:
            names = [info.filename for info in archive.infolist()]
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        # A damaged zip file, which is reported where archives are read.
        return None
    arrays = [name.removesuffix(".npy") for name in names if name.endswith(".npy")]
    if set(ARRAYS) <= set(arrays):
        return Npz(path, published)
    if arrays and len(arrays) == len(names):
        raise SourceError(
            f"{path}: expected the arrays {', '.join(ARRAYS)}, found {batches.told(arrays)}; save "
            "them with numpy.savez under these names"
        )
    return None


def _array(archive: zipfile.ZipFile, name: str, largest: int, called: str) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy")
    # NumPy makes room for as many numbers as the header says that there are.
    with archives.opened(archive, info) as file:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read_header(file)
    size = max(info.file_size - _HEADER, math.prod(shape) * dtype.itemsize)
    if size > largest:
        raise SourceError(
            f"{called}: expected at most {largest} bytes in {name}, found {dtype} {list(shape)}; "
            "save images as uint8 and labels as whole numbers"
        )
    with archives.opened(archive, info) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
