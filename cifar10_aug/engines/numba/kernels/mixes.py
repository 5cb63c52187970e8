"""Compiled functions that mix images with partners."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import types, uint8, uint32

from cifar10_aug.engines.numba.kernels import pointers
from cifar10_aug.engines.numba.kernels.compiling import inner, loop
from cifar10_aug.engines.numba.kernels.memory import prefetch
from cifar10_aug.engines.numba.kernels.pass_arguments import MIXED, Images, Mixed, Scratch
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE as _LOW
from cifar10_aug.engines.numba.kernels.pixels import packed
from cifar10_aug.engines.numba.kernels.separate import Signature

# How images are mixed, which one, height and width, memory with the partner in it, and the image,
# packed, which is changed in place.
SHOWN = Signature(
    types.none, pointers.MIXED, i64, types.UniTuple(i64, 2), pointers.SCRATCH, types.uint32[::1]
)


@inner
def is_seen(mixed: Mixed, example: int) -> bool:
    """Whether something is seen of an example's partner."""
    box = mixed.boxes[example]
    return box[2] > box[0] and box[3] > box[1]


@SHOWN.separate(MIXED)
def _show(
    mixed: Mixed, example: int, size: tuple[int, int], scratch: Scratch, line: np.ndarray
) -> None:
    """Shows a partner in a box of an image."""
    partner, room = scratch.lines[5], scratch.lines[1:3]
    box, share, shrunk = mixed.boxes[example], mixed.shares[example], mixed.shrunk[example]
    height, width = size
    top, left, bottom, right = box[0], box[1], box[2], box[3]
    wide, tall = right - left, bottom - top
    if shrunk:
        columns, shown = room[0, :wide], room[1, :wide]
        for x in range(wide):
            columns[x] = uint32(x * width // wide)
        for y in range(tall):
            first = (y * height // tall) * width
            for x in range(wide):
                shown[x] = partner[first + i64(columns[x])]
            start = (top + y) * width + left
            _blend(share, shown, line[start : start + wide])
    elif wide == width:
        # Whole rows, which follow each other.
        start, stop = top * width, bottom * width
        _blend(share, partner[start:stop], line[start:stop])
    else:
        for y in range(top, bottom):
            start, stop = y * width + left, y * width + right
            _blend(share, partner[start:stop], line[start:stop])


@inner
def _blend(share: int, other: np.ndarray, line: np.ndarray) -> None:
    """Makes pixels a share of themselves, in 65,536ths, and the rest of others; rounds once."""
    a, half = uint32(share), uint32(1 << 15)
    sixteen, eight = uint32(16), uint32(8)
    if a == 0:
        for x in range(line.shape[0]):
            line[x] = other[x]
        return
    # Differences below 0 wrap around, and so do sums with them, back to what they should be.
    for x in range(line.shape[0]):
        b, mine = other[x], line[x]
        red = ((b & _LOW) << sixteen) + ((mine & _LOW) - (b & _LOW)) * a + half
        level, of_mine = (b >> eight) & _LOW, (mine >> eight) & _LOW
        green = (level << sixteen) + (of_mine - level) * a + half
        level, of_mine = (b >> sixteen) & _LOW, (mine >> sixteen) & _LOW
        blue = (level << sixteen) + (of_mine - level) * a + half
        line[x] = packed(uint32(red) >> sixteen, uint32(green) >> sixteen, uint32(blue) >> sixteen)


@loop
def mix_levels(images: Images, partners: Images, mixed: Mixed, memory: np.ndarray) -> None:
    """Mixes images that are stored as levels, and not shrunk, to levels: uint8 [batch, bytes]."""
    width, size = images.width, 3 * images.height * images.width
    for b in range(images.starts.shape[0]):
        if b + 1 < images.starts.shape[0]:
            prefetch(images.stored, images.starts[b + 1], (size + 63) // 64)
            prefetch(partners.stored, partners.starts[b + 1], (size + 63) // 64)
        start, out, share = images.starts[b], memory[b], mixed.shares[b]
        own = images.stored[start : start + size]
        other = partners.stored[partners.starts[b] : partners.starts[b] + size]
        for i in range(size):
            out[i] = own[i]
        top, left = mixed.boxes[b, 0], mixed.boxes[b, 1]
        bottom, right = mixed.boxes[b, 2], mixed.boxes[b, 3]
        # Whole rows follow each other.
        rows, long = (1, bottom - top) if right - left == width else (bottom - top, i64(1))
        for row in range(rows):
            first = 3 * ((top + row) * width + left)
            last = first + 3 * (right - left + (long - 1) * width)
            _blend_levels(share, own[first:last], other[first:last], out[first:last])


@inner
def _blend_levels(share: int, own: np.ndarray, other: np.ndarray, out: np.ndarray) -> None:
    """As `_blend`, of levels."""
    a, half, sixteen = uint32(share), uint32(1 << 15), uint32(16)
    for i in range(out.shape[0]):
        theirs = uint32(other[i])
        level = uint32(theirs << sixteen) + uint32(uint32(uint32(own[i]) - theirs) * a) + half
        out[i] = uint8(uint32(level) >> sixteen)
