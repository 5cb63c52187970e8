"""Which files a frozen dataset consists of, and what is in each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from cifar10_aug.data.spec import SPECS
from cifar10_aug.recipes.recipe import Recipe

# Of files and metadata; counted up when older readers could misread what is written.
FORMAT_VERSION = 1
TRAIN = "train"
# Enough for a progress bar, for many workers and for resuming without losing much; with CIFAR-10
# and bytes a shard has 32 MB.
_SHARDS_A_COPY = 5


def not_for_png(recipe: Recipe) -> str:
    """What a recipe makes that is not stored as PNG; "" if it makes images that are."""
    if recipe.dtype != "uint8":
        return f"{recipe.dtype} images, which PNG cannot hold"
    return "several views of an image, and PNG is for one picture a record" if recipe.views else ""


@dataclasses.dataclass(frozen=True)
class Frozen:
    """What is frozen: everything that decides the bytes, but for the images themselves.

    Attributes:
        dataset: the TFDS name, "cifar10_aug" or "cifar10_aug_sample".
        recipe: the normalised spelling.
        copies: how many epochs of the training split.
        seed: of the draws.
        file_format: "tfrecord" or "array_record".
        image_encoding: "raw" or "png".
    """

    dataset: str
    recipe: str
    copies: int
    seed: int
    file_format: str
    image_encoding: str

    @property
    def parsed(self) -> Recipe:
        """The recipe, for the dataset's images."""
        return Recipe.parse(self.recipe).on(SPECS[self.dataset])

    def shards(self, counts: Mapping[str, int]) -> list[Shard]:
        """All shards, in the order in which they are read; `counts` are the splits' sizes."""
        size = max(1, -(-counts[TRAIN] // _SHARDS_A_COPY))
        return [
            Shard(self, split, place, len(parts), *part)
            for split, count in counts.items()
            for parts in [list(_parts(count, self.copies if split == TRAIN else 1, size))]
            for place, part in enumerate(parts)
        ]


def _parts(count: int, copies: int, size: int) -> Iterator[tuple[int, int, int]]:
    for copy in range(copies):
        for first in range(0, count, size):
            yield copy, first, min(first + size, count)


@dataclasses.dataclass(frozen=True)
class Shard:
    """One file: consecutive examples of one copy of a split.

    Attributes:
        frozen: what it is a part of.
        split: "train" or "test".
        place: which of the split's shards it is.
        of: how many the split has.
        copy: the epoch that is frozen; 0 in splits that are not augmented.
        first: the number of its first example in the split.
        stop: the number after its last example's.
    """

    frozen: Frozen
    split: str
    place: int
    of: int
    copy: int
    first: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.first

    @property
    def name(self) -> str:
        """The file's name, as TFDS expects it."""
        kind = f"{self.frozen.dataset}-{self.split}.{self.frozen.file_format}"
        return f"{kind}-{self.place:05d}-of-{self.of:05d}"
