"""Packed images, the form in which engines read them."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Source:
    """Packed images, one after the other, that the kernels read.

    Attributes:
        pixels: uint32, flat, with `render.slack` spare elements at the end.
        count, height, width: of the images.
    """

    pixels: np.ndarray
    count: int
    height: int
    width: int

    @staticmethod
    def empty(count: int, height: int, width: int) -> Source:
        """Room for images that a pass or a reader is to write."""
        from cifar10_aug.engines.numba.kernels import render

        size = count * height * width
        pixels = np.empty(size + render.slack(width), np.uint32)
        pixels[size:] = 0
        return Source(pixels, count, height, width)

    @staticmethod
    def of(images: np.ndarray) -> Source:
        """The source of uint8 images [n, height, width, 3]."""
        source = Source.empty(*images.shape[:3])
        source.write(0, images)
        return source

    @property
    def packed(self) -> np.ndarray:
        """The images without what is spare: uint32 [count, height * width]."""
        size = self.height * self.width
        return self.pixels[: self.count * size].reshape(self.count, size)

    def write(self, first: int, images: np.ndarray) -> None:
        """Packs uint8 images [n, height, width, 3] into the places from `first` on."""
        from cifar10_aug.engines.numba.kernels import pixels

        size = self.height * self.width
        part = self.pixels[first * size : (first + len(images)) * size]
        pixels.pack(np.ascontiguousarray(images).reshape(-1), part)

    def unpacked(self) -> np.ndarray:
        """All images as a new array, uint8 [count, height, width, 3]."""
        images = np.empty((self.count, self.height, self.width, 3), np.uint8)
        self.unpack(images)
        return images

    def unpack(self, images: np.ndarray) -> None:
        """Writes all images as uint8 [count, height, width, 3]."""
        from cifar10_aug.engines.numba.kernels import pixels

        pixels.unpack(self.pixels, images.reshape(-1))
