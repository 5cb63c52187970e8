"""The compiled loop that makes a pass over images and their partners, and mixes them."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import uint32

from cifar10_aug.engines.numba.kernels.compiling import inner, loop
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    Images,
    Keys,
    Mixed,
    Output,
    Scratch,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE as _LOW
from cifar10_aug.engines.numba.kernels.pixels import packed
from cifar10_aug.engines.numba.kernels.render import fetch, make
from cifar10_aug.engines.numba.kernels.writing import WRITER

_written = WRITER.call


@loop
def render_mixed(
    images: Images,
    partners: Images,
    mixed: Mixed,
    warps: Warps,
    strokes: Strokes,
    keys: Keys,
    output: Output,
    scratch: Scratch,
    functions: np.ndarray,
) -> None:
    """Makes a pass over images and partners, shows partners in a box of each, and writes.

    Args:
        images: of the batch.
        partners: one for each.
        mixed: how.
        warps, strokes, keys: of the examples, and then of their partners.
        output: for the examples.
        scratch, functions: as for `render`.
    """
    count, size = images.starts.shape[0], (images.height, images.width)
    pixels = images.height * images.width
    line, partner = scratch.lines[0, :pixels], scratch.lines[5, :pixels]
    for b in range(count):
        fetch(images, b + 1)
        fetch(partners, b + 1)
        top, left, bottom, right = mixed.boxes[b]
        seen = bottom > top and right > left
        # The partner first.
        for own in range(0 if seen else 1, 2):
            some, place = (images, b) if own else (partners, count + b)
            made = line if own else partner
            make(some, b, warps, strokes, keys, place, scratch, made, functions)
        if seen:
            room = scratch.lines[1:3]
            _show(partner, mixed.boxes[b], mixed.shares[b], mixed.shrunk[b], size, room, line)
        _written(functions[output.writer], line, output.scale, output.offset, output.memory[b])


@inner
def _show(
    partner: np.ndarray,
    box: np.ndarray,
    share: int,
    shrunk: bool,
    size: tuple[int, int],
    room: np.ndarray,
    line: np.ndarray,
) -> None:
    """Shows a partner, packed, in a box of an image; see `Mixed`."""
    height, width = size
    top, left, bottom, right = box
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
