"""What the compiled pass is told, and the numbers that stand for words in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEAREST, CONSTANT, REFLECT, MIRROR, EDGE = range(5)
BORDERS = {"nearest": NEAREST, "constant": CONSTANT, "reflect": REFLECT, "mirror": MIRROR}
AFFINE, PERSPECTIVE, FIELD = range(3)
# What is done to images, in functions that are compiled when a pass needs them; see `separate`.
# Strokes, of which others have numbers that are not needed here:
NOTHING, BOX, NOISY_BOX, TABLE, SCALE = range(5)
# Ways to resample an image, or to copy it; two go from stored levels to levels, and that is all:
IDENTITY, ALIGNED, STRAIGHT, NEAR, REFLECTED, GENERAL, MIRRORED, SCALED = range(5, 13)
UNPACKED, TILT, DISPLACE, OUTSIDE = range(13, 17)
# Ways to write it; IN_PLACE is where it was read, packed:
PACKED, LEVELS, FLOATS, FRACTIONS, LEVEL_PLANES, FLOAT_PLANES, IN_PLACE = range(17, 24)
# One more way to resample, what mixes an image with its partner, and two parts of resampling.
TILTED, MIXED, FOLD, BLEND = range(24, 28)
# Three more ways, two of several maps.
CHAINED, STACKED, SLANTED = range(28, 31)
# Those that write one channel after the other.
PLANES = {LEVELS: LEVEL_PLANES, FLOATS: FLOAT_PLANES}


class Images(NamedTuple):
    """What is read.

    Attributes:
        pixels: uint32 [images * height * width + slack], packed; empty if they are stored.
        stored: uint8, memory in which images lie as levels; empty if they are packed.
        starts: int64 [batch], where each example's image begins in the one or the other.
        height, width: of every image; if they are stored, with a multiple of four pixels.
    """

    pixels: np.ndarray
    stored: np.ndarray
    starts: np.ndarray
    height: int
    width: int


class Warps(NamedTuple):
    """The maps of a pass, in the order in which an output pixel meets them: the last op's first.

    Attributes:
        kinds: int64 [warps], AFFINE, PERSPECTIVE or FIELD.
        matrices: int64 [batch, warps, 6], 16.16 fixed point, of affine maps.
        perspectives: float64 [batch, warps, 8], of perspectives; [batch, 0, 8] without any.
        fields: int32 [batch or more, warps, 2, pixels], 16.16 fixed point, of fields; likewise.
            They are written anew for each part of a batch.
        borders: int64 [warps], of `BORDERS`, or EDGE.
        levels: uint32 [warps], the packed level of a constant border.
        methods: int64 [batch], how each image is resampled: IDENTITY to SCALED, TILTED, or
            CHAINED to SLANTED.
        only: int64 [batch], the map that moves an image which only one does; of others any.
    """

    kinds: np.ndarray
    matrices: np.ndarray
    perspectives: np.ndarray
    fields: np.ndarray
    borders: np.ndarray
    levels: np.ndarray
    methods: np.ndarray
    only: np.ndarray

    def of(self, part: slice | np.ndarray) -> Warps:
        """Those of some examples; the fields are left as they are."""
        return self._replace(
            matrices=self.matrices[part],
            perspectives=self.perspectives[part],
            methods=self.methods[part],
            only=self.only[part],
        )


class Strokes(NamedTuple):
    """What is painted afterwards, in order.

    Attributes:
        codes: int64 [batch, strokes], NOTHING or the number of a function.
        numbers: float64 [batch, strokes, 5], what functions need to know: of a box, top, left,
            bottom, right and its packed colour.
        tables: uint8 [batch, strokes, 256], what becomes of each level; [batch, strokes, 0] without
            any.
        bases: uint64 [strokes], the first counter of a stroke's noise.
        keys: uint64 [batch], what keys an example's noise, as the next two do.
        epoch, seed: uint64.
    """

    codes: np.ndarray
    numbers: np.ndarray
    tables: np.ndarray
    bases: np.ndarray
    keys: np.ndarray
    epoch: np.uint64
    seed: np.uint64

    def of(self, part: slice | np.ndarray) -> Strokes:
        """Those of some examples."""
        return self._replace(
            codes=self.codes[part],
            numbers=self.numbers[part],
            tables=self.tables[part],
            keys=self.keys[part],
        )


class Mixed(NamedTuple):
    """How images are mixed with their partners.

    Attributes:
        boxes: int64 [batch, 4]: top, left, bottom, right.
        shares: uint32 [batch], of the own image within the box, in 65,536ths.
        shrunk: bool [batch], whether the whole partner is resized into the box.
    """

    boxes: np.ndarray
    shares: np.ndarray
    shrunk: np.ndarray

    def of(self, part: slice) -> Mixed:
        """Those of some images."""
        return Mixed(*(values[part] for values in self))


class Output(NamedTuple):
    """What is written.

    Attributes:
        writer: PACKED to IN_PLACE.
        scale, offset: float32 [3], for FLOATS and FLOAT_PLANES.
        memory: uint8 [batch, bytes], of arrays of the writer's dtype; [0, 0] for IN_PLACE.
    """

    writer: int
    scale: np.ndarray
    offset: np.ndarray
    memory: np.ndarray


class Scratch(NamedTuple):
    """Memory for one image on its way through a pass.

    Attributes:
        lines: uint32 [6, pixels + slack]: the image as it is made, the image that is read if it is
            stored as levels, where each pixel is read: its upper left neighbour, and the weights of
            the right and the lower ones; and the image that another is mixed with.
        pairs: uint64 [2, pixels], each pixel's upper and lower neighbours.
        at: int64 [3, pixels], coordinates, and borders met; see `coordinates`.
        tables: uint8 [3, 256], a table for each channel.
        counts: int32 [6, 256], two numbers for each level of each channel.
        reals: float64 [3, 256], likewise.
    """

    lines: np.ndarray
    pairs: np.ndarray
    at: np.ndarray
    tables: np.ndarray
    counts: np.ndarray
    reals: np.ndarray

    @staticmethod
    def of(pixels: int, slack: int) -> Scratch:
        """That of images of a number of pixels."""
        return Scratch(
            np.empty((6, pixels + slack), np.uint32),
            np.empty((2, pixels), np.uint64),
            np.empty((3, pixels), np.int64),
            np.empty((3, 256), np.uint8),
            np.empty((6, 256), np.int32),
            np.empty((3, 256)),
        )


class Resampling(NamedTuple):
    """What is resampled, and how.

    Attributes:
        source: uint32, packed images.
        start: where the image begins in it.
        size: height and width.
        warps: the maps of all examples.
        example: which one this is.
        scratch: memory to work in.
        line: uint32 [pixels], what is written.
        functions: `separate.ADDRESSES`.
    """

    source: np.ndarray
    start: int
    size: tuple[int, int]
    warps: Warps
    example: int
    scratch: Scratch
    line: np.ndarray
    functions: np.ndarray
