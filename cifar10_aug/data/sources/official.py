"""What is known about the files in which CIFAR-10 is published (Krizhevsky 2009).

The archives' digests are those of the published files: the binary one's stands in TFDS's checksum
table too, the Python ones, with those of the files inside, in torchvision's `CIFAR10`.
"""

from __future__ import annotations

import dataclasses

HOME = "https://www.cs.toronto.edu/~kriz/"
IMAGES_IN_A_FILE = 10_000


@dataclasses.dataclass(frozen=True)
class Layout:
    """One of the two published layouts.

    Attributes:
        kind: "binary" or "python".
        archive: the archive's file name.
        folder: the folder inside it.
        train, test: the files that hold images.
        digest: the archive's, as "sha256:…" or "md5:…".
        size: the archive's, in bytes.
        file_digests: md5 of each file inside, where published.
    """

    kind: str
    archive: str
    folder: str
    train: tuple[str, ...]
    test: str
    digest: str
    size: int
    file_digests: dict[str, str]

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.train, self.test)


BINARY = Layout(
    kind="binary",
    archive="cifar-10-binary.tar.gz",
    folder="cifar-10-batches-bin",
    train=tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
    test="test_batch.bin",
    digest="sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    size=170_052_171,
    file_digests={},
)
PYTHON = Layout(
    kind="python",
    archive="cifar-10-python.tar.gz",
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{k}" for k in range(1, 6)),
    test="test_batch",
    digest="md5:c58f30108f718f92721af3b95e74349a",
    size=170_498_071,
    file_digests={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
)
LAYOUTS = (BINARY, PYTHON)
URL = HOME + BINARY.archive
