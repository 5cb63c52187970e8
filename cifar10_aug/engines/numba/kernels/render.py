"""The compiled loop that makes a pass: it resamples images, paints on them and writes them.

A source is a flat array of packed images (see `pixels`), one after the other, with `slack(width)`
spare elements at its end: the right and lower neighbours of border pixels are read there, with
weight 0. Images that are stored as levels are packed one by one, into an array that stays in the
processor's nearest cache.

Coordinates are 16.16 fixed-point integers and interpolation weights have 8 bits, so results are
the same on every machine. Each step is a plain loop over the pixels of one image with its own
arrays, which LLVM turns into vector code; one loop that does it all is slower.
"""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import types, uint32
from numba.extending import register_jitable

from cifar10_aug.engines.numba.kernels.compiling import inlined, inner, loop
from cifar10_aug.engines.numba.kernels.levels import STORED_SCALER, TABLE_STROKE
from cifar10_aug.engines.numba.kernels.memory import prefetch, word
from cifar10_aug.engines.numba.kernels.painting import NOISE_STROKE
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    IDENTITY,
    IN_PLACE,
    MIRRORED,
    NOISY_BOX,
    NOTHING,
    SCALED,
    TABLE,
    UNPACKED,
    Images,
    Keys,
    Output,
    Scratch,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.kernels.resampling import RESAMPLER
from cifar10_aug.engines.numba.kernels.separate import Signature
from cifar10_aug.engines.numba.kernels.straight import MIRRORER
from cifar10_aug.engines.numba.kernels.strokes import STROKE
from cifar10_aug.engines.numba.kernels.writing import WRITER

_LOW_BYTE = uint32(0xFF)
_LOW_HALF = uint32(0xFFFF)
_THREE_BYTES = uint32(0xFFFFFF)

_U32 = types.uint32[::1]
_STORED = types.Array(types.uint8, 1, "C", readonly=True)
_UNPACKED = Signature(types.none, _STORED, i64, i64, _U32)
_unpacked, _resampled, _mirrored = _UNPACKED.call, RESAMPLER.call, MIRRORER.call
_stored_scaled, _painted, _noise = STORED_SCALER.call, STROKE.call, NOISE_STROKE.call
_table, _written = TABLE_STROKE.call, WRITER.call


@register_jitable
def slack(width: int) -> int:
    """Spare elements that a source of images of this width needs at its end."""
    return width + 2


@_UNPACKED.separate(UNPACKED)
def _pack(stored: np.ndarray, start: int, pixels: int, packed: np.ndarray) -> None:
    """Packs levels, four pixels at a time: three words become four."""
    for i in range(pixels // 4):
        place = start + 12 * i
        one, two, three = word(stored, place), word(stored, place + 4), word(stored, place + 8)
        packed[4 * i] = one & _THREE_BYTES
        packed[4 * i + 1] = (one >> uint32(24)) | ((two & _LOW_HALF) << uint32(8))
        packed[4 * i + 2] = (two >> uint32(16)) | ((three & _LOW_BYTE) << uint32(16))
        packed[4 * i + 3] = three >> uint32(8)


@inner
def fetch(images: Images, place: int) -> None:
    """Has an image fetched that is read soon; it lies anywhere in 150 or 200 MB."""
    if place >= images.starts.shape[0]:
        return
    start, pixels = images.starts[place], images.height * images.width
    # A cache line holds 64 bytes.
    if images.stored.shape[0] > 0:
        for i in range(0, 3 * pixels, 64):
            prefetch(images.stored, start + i)
    else:
        for i in range(0, pixels, 16):
            prefetch(images.pixels, start + i)


def _make(
    images: Images,
    place: int,
    warps: Warps,
    strokes: Strokes,
    keys: Keys,
    b: int,
    scratch: Scratch,
    line: np.ndarray,
    functions: np.ndarray,
) -> None:
    """Makes the image of example `b`, which is read in this place, packed: into `line`."""
    size, pixels = (images.height, images.width), line.shape[0]
    is_stored = images.stored.shape[0] > 0
    packed, method = scratch.lines[1], warps.methods[b]
    source = packed if is_stored else images.pixels
    start = i64(0) if is_stored else images.starts[place]
    if is_stored:
        unpacked = line if method == IDENTITY else packed
        _unpacked(functions[UNPACKED], images.stored, images.starts[place], pixels, unpacked)
    if method != IDENTITY:
        _resampled(functions[method], source, start, size, warps, b, scratch, line, functions)
    elif not is_stored:
        image = source[start : start + pixels]
        for i in range(pixels):
            line[i] = image[i]
    for j in range(strokes.codes.shape[1]):
        code, numbers = strokes.codes[b, j], strokes.numbers[b, j]
        if code == NOISY_BOX:
            first, key, epoch, seed = strokes.bases[j], keys.keys[b], keys.epoch, keys.seed
            _noise(functions[code], numbers, first, key, epoch, seed, size[1], line)
        elif code == TABLE:
            _table(functions[code], strokes.tables[b, j], line)
        elif code != NOTHING:
            _painted(functions[code], numbers, size, scratch, line)


make = inlined(_make)


@loop
def render(
    images: Images,
    warps: Warps,
    strokes: Strokes,
    keys: Keys,
    output: Output,
    scratch: Scratch,
    functions: np.ndarray,
) -> None:
    """Makes one pass: gathers, resamples, paints, recolours and writes.

    Args:
        images, warps, strokes, keys, output, scratch: see there.
        functions: `separate.ADDRESSES`; what the pass needs is compiled.
    """
    size, pixels = (images.height, images.width), images.height * images.width
    line, stored = scratch.lines[0, :pixels], images.stored
    for b in range(images.starts.shape[0]):
        fetch(images, b + 1)
        method, start = warps.methods[b], images.starts[b]
        if method == MIRRORED:
            moved, warp = warps.kinds.shape[0] > 0, warps.only[b]
            across, down = (
                moved and warps.matrices[b, warp, 0] < 0,
                moved and warps.matrices[b, warp, 4] < 0,
            )
            _mirrored(functions[method], stored, start, size, across, down, output.memory[b])
            continue
        if method == SCALED:
            numbers, table = strokes.numbers[b, 0], scratch.tables[0]
            _stored_scaled(functions[method], numbers, table, stored, start, output.memory[b])
            continue
        make(images, b, warps, strokes, keys, b, scratch, line, functions)
        if output.writer == IN_PLACE:
            image = images.pixels[start : start + pixels]
            for i in range(pixels):
                image[i] = line[i]
        else:
            _written(functions[output.writer], line, output.scale, output.offset, output.memory[b])
