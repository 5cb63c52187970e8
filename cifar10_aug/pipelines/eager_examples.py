"""The examples that a split argument names, in memory, each with what runs on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cifar10_aug.data import slices
from cifar10_aug.data.description import Split
from cifar10_aug.data.images import SHAPE
from cifar10_aug.engines.arguments import one_hot
from cifar10_aug.engines.numba import views
from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.engines.numba.turns import TURN
from cifar10_aug.pipelines import resident as prepared
from cifar10_aug.pipelines import stored_batches
from cifar10_aug.pipelines.options import Augmentation
from cifar10_aug.pipelines.stored_batches import Batches
from cifar10_aug.rng import draws
from cifar10_aug.rng.names import example_ids


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Consecutive examples that come from one split.

    TensorFlow keeps what a pipeline's Python calls refer to for ever, even when the dataset is
    gone. So a part owns no arrays.

    Attributes:
        engine: what runs on them.
        resident: the whole split, which pipelines share.
        partners: what it is mixed with, if it is; pipelines share them, too.
        info: of the split.
        numbers: which of the split.
    """

    engine: views.AnyEngine
    resident: prepared.Resident
    partners: Partners | None
    info: Split
    numbers: range

    def rows(self, places: Any) -> Any:
        """Where in the split examples are, by their places in the part: int64 [n]."""
        return self.numbers.start + places * self.numbers.step

    def keys(self, places: np.ndarray) -> np.ndarray:
        """uint64 [n], see `draws.example_keys`."""
        return draws.example_keys(self.rows(places), self.info.name)

    def labels(self, places: np.ndarray) -> np.ndarray:
        """int64 [n]."""
        return self.resident.labels[self.rows(places)]

    def images(self, epoch: int, places: np.ndarray) -> np.ndarray:
        """What the engine makes of them, [n, …]."""
        return self.engine(*self._given(places), epoch, self.partners)

    def write(self, epoch: int, places: np.ndarray, target: Target) -> None:
        """Writes what `images` returns."""
        self.engine.write(*self._given(places), epoch, self.partners, target)

    def _given(self, places: np.ndarray) -> tuple[Source, np.ndarray, np.ndarray]:
        return self.resident.source, self.rows(places), self.keys(places)

    @property
    def coarse(self) -> dict[str, np.ndarray]:
        """The coarser labels by feature, int64 [examples]."""
        return self.engine.plan.dataset.coarse(self.labels(np.arange(len(self.numbers))))

    @property
    def ids(self) -> np.ndarray:
        """bytes [examples]."""
        return example_ids(self.info.name, np.array(self.numbers))

    @property
    def tfds_ids(self) -> np.ndarray:
        """bytes [examples], as TFDS names examples."""
        return slices.tfds_ids(self.info)[np.array(self.numbers)]


# Which of some positions, the part that they lie in, and where in it.
_Piece = tuple[np.ndarray | slice, Part, np.ndarray]


class Examples:
    """Parts, one after the other; a position counts through all of them.

    Attributes:
        soft_labels: whether labels are shares of classes, float32 [classes], instead of int64.
    """

    def __init__(self, parts: list[Part], soft_labels: bool):
        """Takes at least one part; all return one dtype."""
        self._parts = parts
        self._num_classes = parts[0].engine.plan.dataset.num_classes
        self.soft_labels = soft_labels
        self._starts = np.cumsum([0, *(len(part.numbers) for part in parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def dtype(self) -> str:
        return self._parts[0].engine.plan.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is made of an example: [height, width, 3], or [views, height, width, 3]."""
        return self._parts[0].engine.plan.shape(*SHAPE[:2])

    @property
    def label_dtype(self) -> str:
        return "float32" if self.soft_labels else "int64"

    @property
    def label_shape(self) -> tuple[int, ...]:
        return (self._num_classes,) if self.soft_labels else ()

    @property
    def runs_python(self) -> bool:
        """Whether functions of the user's run on any of them."""
        return any(part.engine.plan.runs_python for part in self._parts)

    def coarse(self) -> dict[str, np.ndarray]:
        """The coarser labels of all parts by feature, int64 [examples]."""
        found = [part.coarse for part in self._parts]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}

    def joined(self, attribute: str) -> np.ndarray:
        """An attribute of all parts, [examples]."""
        return np.concatenate([getattr(part, attribute) for part in self._parts])

    def write(self, epoch: int, positions: np.ndarray, target: Target) -> np.ndarray:
        """Writes the augmented images at some positions; may be called from several threads.

        It takes a copy if they are of several parts.

        Returns:
            Their labels, int64 [n], or float32 [n, classes].
        """
        pieces = list(self._pieces(positions))
        with TURN.lock:
            if len(pieces) == 1:
                ((_, part, places),) = pieces
                part.write(epoch, places, target)
            else:
                images = np.empty((len(positions), *self.shape), self.dtype)
                for chosen, part, places in pieces:
                    images[chosen] = part.images(epoch, places)
                target.write(images)
            return self._labels(epoch, pieces, len(positions))

    def _labels(self, epoch: int, pieces: Sequence[_Piece], count: int) -> np.ndarray:
        out = np.empty((count, *self.label_shape), self.label_dtype)
        for chosen, part, places in pieces:
            own = part.labels(places)
            if self.soft_labels:
                own = one_hot(own, self._num_classes)
            if part.engine.plan.softens:
                own = part.engine.soft_labels(own, part.keys(places), epoch, part.partners)
            out[chosen] = own
        return out

    def _pieces(self, positions: np.ndarray) -> Iterator[_Piece]:
        """Which of the positions lie in which part, and where in it."""
        if len(self._parts) == 1:
            yield slice(None), self._parts[0], positions
            return
        belongs = np.searchsorted(self._starts, positions, side="right") - 1
        for number in np.unique(belongs):
            chosen = belongs == number
            yield chosen, self._parts[number], positions[chosen] - self._starts[number]


def of(
    named: list[slices.Slice],
    splits: Mapping[str, Split],
    augmentation: Augmentation,
    buffers: Buffers,
    batches: Batches = stored_batches.by_tensorflow,
) -> Examples:
    """The examples of some slices, read into memory.

    Args:
        named: at least one slice.
        splits: what is prepared.
        augmentation: what is done to them.
        buffers: the memory of what is made.
        batches: what reads the files.

    Raises:
        SourceError: if the prepared files are damaged.
    """
    engines = {
        augmented: views.engine(
            augmentation.of(augmented).plan,
            augmentation.seed,
            *SHAPE[:2],
            execution=augmentation.execution,
            buffers=buffers,
        )
        for augmented in {one.augmented for one in named}
    }
    parts: list[Part] = []
    for one in named:
        info, engine = splits[one.split], engines[one.augmented]
        resident = prepared.resident(info, batches)
        partners = None
        if engine.plan.mixes:
            keys = draws.example_keys(one.among, one.split)
            partners = resident.partners(one.among, keys, engine.plan.dataset.num_classes)
        parts.append(
            Part(
                engine=engine,
                resident=resident,
                partners=partners,
                info=info,
                numbers=_evenly_spaced(one.numbers),
            )
        )
    return Examples(parts, augmentation.recipe.softens)


def _evenly_spaced(numbers: np.ndarray) -> range:
    first, *following = (int(number) for number in numbers[:2])
    step = following[0] - first if following else 1
    return range(first, first + step * len(numbers), step)
