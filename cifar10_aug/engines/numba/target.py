"""Where an engine writes images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

_ALL = slice(None)


@dataclasses.dataclass(frozen=True)
class Target:
    """Arrays that images are written to, one after the other.

    Attributes:
        arrays: of one dtype, [n, height, width, 3] or [n, 3, height, width], C-contiguous; of
            several views [n, views, …].
        channels_first: whether channels come before height and width.
    """

    arrays: Sequence[np.ndarray]
    channels_first: bool = False

    def parts(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Each array, and which of all images it has."""
        first = 0
        for array in self.arrays:
            yield slice(first, first + len(array)), array
            first += len(array)

    def views_apart(self) -> Target:
        """The same memory, with each view as an image: [n * views, …]."""
        arrays = [array.reshape(-1, *array.shape[2:]) for array in self.arrays]
        return Target(arrays, self.channels_first)

    def of(self, part: slice) -> Target:
        """The target of some consecutive images, from `part.start` to `part.stop`."""
        arrays = [
            array[max(part.start - place.start, 0) : part.stop - place.start]
            for place, array in self.parts()
            if place.start < part.stop and part.start < place.stop
        ]
        return dataclasses.replace(self, arrays=arrays)

    def write(self, images: np.ndarray, views: np.ndarray | slice = _ALL) -> None:
        """Copies images [n, …, height, width, 3]; of several views perhaps some, by number."""
        if self.channels_first:
            images = np.moveaxis(images, -1, -3)
        for part, array in self.parts():
            array[:, views] = images[part]
