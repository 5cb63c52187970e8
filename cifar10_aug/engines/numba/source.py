"""Images as engines read them: packed, or as levels where they are stored."""

from __future__ import annotations

import dataclasses

import numpy as np

from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.kernels.pass_arguments import Images

_NOTHING = np.empty(0, np.uint8)


@dataclasses.dataclass(frozen=True)
class Source:
    """Images that the kernels read: packed, one after the other, or stored.

    Attributes:
        pixels: uint32, flat, with `render.slack` spare elements at the end; empty for stored ones.
        count, height, width: of the images.
        stored: read-only memory, uint8, and where in it each image begins, int64 [count].
    """

    pixels: np.ndarray
    count: int
    height: int
    width: int
    stored: tuple[np.ndarray, np.ndarray] | None = None

    @staticmethod
    def empty(count: int, height: int, width: int, buffers: Buffers | None = None) -> Source:
        """Room for images that a pass or a reader is to write, in recycled memory or in its own."""
        from cifar10_aug.engines.numba.kernels import render

        size = count * height * width
        empty = np.empty if buffers is None else buffers.empty
        pixels = empty((size + render.slack(width),), np.uint32)
        pixels[size:] = 0
        return Source(pixels, count, height, width)

    @staticmethod
    def in_place(memory: np.ndarray, starts: np.ndarray, height: int, width: int) -> Source:
        """Images where they are stored; they have a multiple of four pixels."""
        assert height * width % 4 == 0
        pixels = np.empty(0, np.uint32)
        return Source(pixels, len(starts), height, width, (memory, starts))

    def images(self, rows: np.ndarray) -> Images:
        """Some of the images, by their numbers, int64 [batch], as the compiled pass reads them."""
        if self.stored is None:
            stored, starts = _NOTHING, rows * (self.height * self.width)
        else:
            stored, places = self.stored
            starts = places[rows]
        return Images(self.pixels, stored, starts, self.height, self.width)

    @staticmethod
    def of(images: np.ndarray) -> Source:
        """The source of uint8 images [n, height, width, 3]."""
        source = Source.empty(*images.shape[:3])
        source.write(0, images)
        return source

    @staticmethod
    def reading(images: np.ndarray) -> Source:
        """The source of uint8 images [n, height, width, 3], which must not change: no copy."""
        count, height, width, _ = images.shape
        if height * width % 4 or not images.flags.c_contiguous:
            return Source.of(images)
        memory = images.reshape(-1).view()
        memory.setflags(write=False)
        return Source.in_place(memory, np.arange(count) * (3 * height * width), height, width)

    @property
    def packed(self) -> np.ndarray:
        """Packed images, without what is spare: uint32 [count, height * width]; none if stored."""
        size = self.height * self.width
        return self.pixels[: self.count * size].reshape(-1, size)

    def write(self, first: int, images: np.ndarray) -> None:
        """Packs uint8 images [n, height, width, 3] into the places from `first` on."""
        from cifar10_aug.engines.numba.kernels import pixels

        size = self.height * self.width
        part = self.pixels[first * size : (first + len(images)) * size]
        pixels.pack(np.ascontiguousarray(images).reshape(-1), part)

    def unpack(self, images: np.ndarray) -> None:
        """Writes all images, which are packed, as uint8 [count, height, width, 3]."""
        from cifar10_aug.engines.numba.kernels import pixels

        pixels.unpack(self.pixels, images.reshape(-1))
