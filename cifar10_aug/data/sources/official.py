"""What is known about the files in which CIFAR-10 is published (Krizhevsky 2009).

The archives' digests are those of the published files: TFDS's checksum table has the binary one's,
Keras the Python one's, and torchvision those of the files inside.

Another dataset of the same form is another `Published`.
"""

from __future__ import annotations

import dataclasses

from cifar10_aug.data import spec
from cifar10_aug.data.spec import DatasetSpec

HOME = "https://www.cs.toronto.edu/~kriz/"


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """One of the two published layouts.

    Attributes:
        kind: "binary" or "python".
        archive: the archive's file name.
        folder: the folder inside it.
        train, test: the files that hold images.
        labels: what a binary record has before its pixels, a byte each, and what pickles call it;
            the last is the label.
        digest: the archive's, as "sha256:…".
        size: the archive's, in bytes.
        file_digests: md5 of each file inside, where published.
        urls: where the archive can be downloaded, the best place first.
    """

    kind: str
    archive: str
    folder: str
    train: tuple[str, ...]
    test: str
    labels: tuple[str, ...]
    digest: str
    size: int
    file_digests: dict[str, str]
    urls: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.train, self.test)


BINARY = Layout(
    kind="binary",
    archive="cifar-10-binary.tar.gz",
    folder="cifar-10-batches-bin",
    train=tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
    test="test_batch.bin",
    labels=("labels",),
    digest="sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    size=170_052_171,
    file_digests={},
    urls=(f"{HOME}cifar-10-binary.tar.gz",),
)
PYTHON = Layout(
    kind="python",
    archive="cifar-10-python.tar.gz",
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{k}" for k in range(1, 6)),
    test="test_batch",
    labels=("labels",),
    digest="sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    size=170_498_071,
    file_digests={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    # The official host has been slow at times; the mirror is what other projects use since.
    urls=(
        "https://storage.googleapis.com/skypilot-example-data/datasets/cifar-10-python.tar.gz",
        f"{HOME}cifar-10-python.tar.gz",
    ),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Published:
    """One dataset and its files.

    Attributes:
        dataset: which.
        layouts: of its archives.
        train, test: how many images the splits have.
        label_column: what Hugging Face's Parquet files call the label.
        keras: what Keras calls the folder in which it keeps the Python archive's files.
        others: folders of other datasets that are easily mistaken for it, and their titles.
    """

    dataset: DatasetSpec
    layouts: tuple[Layout, ...]
    train: int
    test: int
    label_column: str
    keras: str
    others: dict[str, str]

    @property
    def title(self) -> str:
        return self.dataset.title

    @property
    def classes(self) -> tuple[str, ...]:
        return self.dataset.class_names

    @property
    def archives(self) -> tuple[str, ...]:
        return tuple(layout.archive for layout in self.layouts)

    @property
    def expected(self) -> str:
        """What can be read, for errors."""
        return (
            f"expected {self.title}: {' or '.join(self.archives)}, a tar or zip of the same files, "
            f"the folder unpacked from one ({', '.join(one.folder for one in self.layouts)}), "
            "an .npz, Parquet files or PNG folders"
        )


CIFAR10 = Published(
    dataset=spec.CIFAR10,
    layouts=(BINARY, PYTHON),
    train=50_000,
    test=10_000,
    label_column="label",
    keras="cifar-10-batches-py",
    others={"cifar-100-binary": "CIFAR-100", "cifar-100-python": "CIFAR-100"},
)
