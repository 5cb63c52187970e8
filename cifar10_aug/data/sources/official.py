"""What is known about the files in which CIFAR-10 and CIFAR-100 are published (Krizhevsky 2009).

The archives' digests are those of the published files: TFDS's checksum table has the binary ones',
Keras the Python ones', and torchvision those of the files inside.

Another dataset of the same form is another `Published`.
"""

from __future__ import annotations

import dataclasses
import os

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
        labels: what a binary record has before its pixels, a byte each, or what pickles call it;
            the last is the label, the others are the dataset's groupings.
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
    labels=("label",),
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
        name: what TFDS calls the dataset that it prepares itself.
        dataset: which.
        layouts: of its archives.
        train, test: how many images the splits have.
        label_column: what Hugging Face's Parquet files call the label; coarser labels have the
            names of their features.
        parquet_folder: the folder in which Hugging Face keeps them.
        keras: what Keras calls the folder in which it keeps the Python archive's files.
    """

    name: str
    dataset: DatasetSpec
    layouts: tuple[Layout, ...]
    train: int
    test: int
    label_column: str
    parquet_folder: str
    keras: str

    @property
    def source_variable(self) -> str:
        """The environment variable that may name a local file or folder."""
        return f"{self.name.upper()}_AUG_SOURCE"

    @property
    def environment_source(self) -> str | None:
        """What that variable names, if it is set."""
        return os.environ.get(self.source_variable) or None

    @property
    def mirror_variable(self) -> str:
        """The environment variable that may name a URL to download from."""
        return f"{self.name.upper()}_AUG_MIRROR"

    @property
    def option(self) -> str:
        """How commands are told of it; " --dataset …", or nothing for what is the default."""
        return "" if self.name == DEFAULT.name else f" --dataset {self.name}"

    @property
    def others(self) -> list[Published]:
        """The other datasets, which are easily mistaken for it."""
        return [one for one in PUBLISHED.values() if one.name != self.name]

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
    name="cifar10",
    dataset=spec.CIFAR10,
    layouts=(BINARY, PYTHON),
    train=50_000,
    test=10_000,
    label_column="label",
    parquet_folder="plain_text",
    keras="cifar-10-batches-py",
)
CIFAR100 = Published(
    name="cifar100",
    dataset=spec.CIFAR100,
    layouts=(
        Layout(
            kind="binary",
            archive="cifar-100-binary.tar.gz",
            folder="cifar-100-binary",
            train=("train.bin",),
            test="test.bin",
            labels=("coarse label", "fine label"),
            digest="sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            size=168_513_733,
            file_digests={},
            urls=(f"{HOME}cifar-100-binary.tar.gz",),
        ),
        Layout(
            kind="python",
            archive="cifar-100-python.tar.gz",
            folder="cifar-100-python",
            train=("train",),
            test="test",
            labels=("coarse_labels", "fine_labels"),
            digest="sha256:85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            size=169_001_437,
            file_digests={
                "train": "16019d7e3df5f24257cddd939b257f8d",
                "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            },
            urls=(f"{HOME}cifar-100-python.tar.gz",),
        ),
    ),
    train=50_000,
    test=10_000,
    label_column="fine_label",
    parquet_folder="cifar100",
    keras="cifar-100-python",
)
# By the names that TFDS knows.
PUBLISHED = {"cifar10_aug": CIFAR10, "cifar100_aug": CIFAR100}
# What commands are about unless they are told.
DEFAULT = CIFAR10


def option(name: str) -> str:
    """What tells commands of the dataset that TFDS knows by a name, a space before it."""
    return PUBLISHED[name].option if name in PUBLISHED else " --sample"
