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

from cifar10_aug.engines.numba.kernels.compiling import inner, loop
from cifar10_aug.engines.numba.kernels.levels import STORED_SCALER, TABLE_STROKE
from cifar10_aug.engines.numba.kernels.memory import prefetch, uint32_view, word
from cifar10_aug.engines.numba.kernels.mixes import SHOWN
from cifar10_aug.engines.numba.kernels.painting import NOISE_STROKE
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    IDENTITY,
    IN_PLACE,
    MIRRORED,
    MIXED,
    NOISY_BOX,
    NOTHING,
    PACKED,
    SCALED,
    TABLE,
    UNPACKED,
    Images,
    Mixed,
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
_table, _shown, _written = TABLE_STROKE.call, SHOWN.call, WRITER.call


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
def _fetch(images: Images, place: int, first: int, stop: int) -> None:
    """Has some of the cache lines, of 64 bytes, of a stored image brought near ahead of its use.

    It lies anywhere in 150 MB; those that an earlier pass has made lie one after the other.
    """
    if place < images.starts.shape[0] and images.stored.shape[0] > 0:
        start = images.starts[place]
        for i in range(first, stop):
            prefetch(images.stored, start + 64 * i)


@loop
def render(
    images: Images,
    partners: Images,
    mixed: Mixed,
    warps: Warps,
    strokes: Strokes,
    output: Output,
    scratch: Scratch,
    functions: np.ndarray,
) -> None:
    """Makes one pass: gathers, resamples, paints, recolours, mixes and writes.

    Args:
        images: of the batch.
        partners, mixed: one for each, if they are mixed, else none.
        warps, strokes: of the examples, and then of their partners.
        output: for the examples.
        scratch: see there.
        functions: `separate.ADDRESSES`; what the pass needs is compiled.
    """
    height, width = images.height, images.width
    size, pixels = (height, width), height * width
    count, mixes = images.starts.shape[0], partners.starts.shape[0] > 0
    for example in range(count):
        # Whether something is seen of a partner.
        shows = mixes and mixed.boxes[example, 2] > mixed.boxes[example, 0]
        shows = shows and mixed.boxes[example, 3] > mixed.boxes[example, 1]
        # The partner, if there is one, comes before the image that it is mixed with.
        for turn in range(0 if mixes else 1, 2):
            partner = turn == 0
            some, b = (partners, count + example) if partner else (images, example)
            stored, starts = some.stored, some.starts
            is_stored = stored.shape[0] > 0
            packed, line = scratch.lines[1], scratch.lines[5 if partner else 0, :pixels]
            source = packed if is_stored else some.pixels
            seen = shows or not partner
            method, start = warps.methods[b], i64(0) if is_stored else starts[example]
            # Half of the next image now, half when this one is read: the processor stops at more
            # at once.
            lines = 3 * pixels // 64 + 1
            half = lines // 2 if seen and method not in (MIRRORED, SCALED) else lines
            _fetch(some, example + 1, i64(0), half)
            if not seen:
                continue
            if method == MIRRORED:
                moved, warp = warps.kinds.shape[0] > 0, warps.only[b]
                across, down = (
                    moved and warps.matrices[b, warp, 0] < 0,
                    moved and warps.matrices[b, warp, 4] < 0,
                )
                _mirrored(
                    functions[method], stored, starts[b], size, across, down, output.memory[b]
                )
                continue
            if method == SCALED:
                numbers, table = strokes.numbers[b, 0], scratch.tables[0]
                _stored_scaled(
                    functions[method], numbers, table, stored, starts[b], output.memory[b]
                )
                continue
            # Without a copy, where the image is made there is where it is to be.
            stays = output.writer == IN_PLACE and method == IDENTITY
            if stays:
                line = source[start : start + pixels]
            elif output.writer == PACKED and not partner:
                line = uint32_view(output.memory[b])
            if is_stored:
                unpacked = line if method == IDENTITY else packed
                _unpacked(functions[UNPACKED], stored, starts[example], pixels, unpacked)
            if method != IDENTITY:
                _resampled(
                    functions[method], source, start, size, warps, b, scratch, line, functions
                )
            elif not is_stored and not stays:
                image = source[start : start + pixels]
                for i in range(pixels):
                    line[i] = image[i]
            _fetch(some, example + 1, half, lines)
            for j in range(strokes.codes.shape[1]):
                code, numbers = strokes.codes[b, j], strokes.numbers[b, j]
                if code == NOISY_BOX:
                    first, key = strokes.bases[j], strokes.keys[b]
                    epoch, seed = strokes.epoch, strokes.seed
                    _noise(functions[code], numbers, first, key, epoch, seed, width, line)
                elif code == TABLE:
                    _table(functions[code], strokes.tables[b, j], line)
                elif code != NOTHING:
                    _painted(functions[code], numbers, size, scratch, line)
            if partner:
                continue
            if shows:
                _shown(functions[MIXED], mixed, b, size, scratch, line)
            if output.writer == IN_PLACE and not stays:
                image = source[start : start + pixels]
                for i in range(pixels):
                    image[i] = line[i]
            elif output.writer not in (IN_PLACE, PACKED):
                _written(
                    functions[output.writer], line, output.scale, output.offset, output.memory[b]
                )
