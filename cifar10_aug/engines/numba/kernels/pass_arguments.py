"""What the compiled pass is told, and the numbers that stand for words in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEAREST, CONSTANT, REFLECT, MIRROR, EDGE = range(5)
BORDERS = {"nearest": NEAREST, "constant": CONSTANT, "reflect": REFLECT, "mirror": MIRROR}
AFFINE, PERSPECTIVE, FIELD = range(3)
NOTHING, BOX, NOISY_BOX, TABLE = range(4)
PACKED, LEVELS, FLOATS, FRACTIONS, IN_PLACE = range(5)


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
        pixel_aligned: whether to copy instead of interpolating; then there is at most one map.
    """

    kinds: np.ndarray
    matrices: np.ndarray
    perspectives: np.ndarray
    fields: np.ndarray
    borders: np.ndarray
    levels: np.ndarray
    pixel_aligned: bool

    def of(self, part: slice | np.ndarray) -> Warps:
        """Those of some examples; the fields are left as they are."""
        return self._replace(
            matrices=self.matrices[part],
            perspectives=self.perspectives[part],
        )


class Strokes(NamedTuple):
    """What is painted afterwards, in order.

    Attributes:
        codes: int64 [batch, strokes], NOTHING to TABLE.
        boxes: int64 [batch, strokes, 4]: top, left, bottom, right.
        colours: uint32 [batch, strokes], a box's packed colour.
        tables: uint8 [batch, strokes, 256], what becomes of each level.
        bases: uint64 [strokes], the first counter of a stroke's noise.
    """

    codes: np.ndarray
    boxes: np.ndarray
    colours: np.ndarray
    tables: np.ndarray
    bases: np.ndarray

    def of(self, part: slice | np.ndarray) -> Strokes:
        """Those of some examples."""
        return self._replace(
            codes=self.codes[part],
            boxes=self.boxes[part],
            colours=self.colours[part],
            tables=self.tables[part],
        )


class Keys(NamedTuple):
    """What keys the noise.

    Attributes:
        keys: uint64 [batch].
        epoch, seed: uint64.
    """

    keys: np.ndarray
    epoch: np.uint64
    seed: np.uint64


class Output(NamedTuple):
    """What is written.

    Attributes:
        kind: PACKED, LEVELS, FLOATS, or FRACTIONS, which are level / 255; IN_PLACE writes packed
            pixels where they were read.
        channels_first: whether all of one channel comes before the next, for LEVELS and FLOATS.
        scale, offset: float32 [3], for FLOATS.
        pixels: uint32 [batch, pixels] for PACKED, [0, pixels] for IN_PLACE, else uint8 or float32
            [batch, pixels * 3].
    """

    kind: int
    channels_first: bool
    scale: np.ndarray
    offset: np.ndarray
    pixels: np.ndarray
