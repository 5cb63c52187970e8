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

# What these do is called by address alone.
from cifar10_aug.engines.numba.kernels import levels, painting, straight  # noqa: F401
from cifar10_aug.engines.numba.kernels.compiling import loop
from cifar10_aug.engines.numba.kernels.memory import copy, part, prefetch, uint32_view, word
from cifar10_aug.engines.numba.kernels.mixes import SHOWN, is_seen
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
    Resampling,
    Scratch,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.kernels.resampling import RESAMPLER
from cifar10_aug.engines.numba.kernels.separate import Signature
from cifar10_aug.engines.numba.kernels.strokes import SPECIAL, STROKE
from cifar10_aug.engines.numba.kernels.writing import COPIER, WRITER

_LOW_BYTE = uint32(0xFF)
_LOW_HALF = uint32(0xFFFF)
_THREE_BYTES = uint32(0xFFFFFF)

_U32 = types.uint32[::1]
_STORED = types.Array(types.uint8, 1, "C", readonly=True)
_UNPACKED = Signature(types.none, _STORED, i64, i64, _U32)
_unpacked, _resampled = _UNPACKED.call, RESAMPLER.call
_copied, _painted, _special = COPIER.call, STROKE.call, SPECIAL.call
_shown, _written = SHOWN.call, WRITER.call


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


@loop
def render(
    images: Images,
    partners: Images | None,
    mixed: Mixed | None,
    warps: Warps,
    strokes: Strokes,
    output: Output,
    scratch: Scratch,
    functions: np.ndarray,
) -> None:
    """Makes one pass: gathers, resamples, paints, recolours, mixes and writes.

    Args:
        images: of the batch.
        partners, mixed: one for each, if they are mixed. It is compiled anew without, and less.
        warps, strokes: of the examples, and then of their partners.
        output: for the examples.
        scratch: see there.
        functions: `separate.ADDRESSES`; what the pass needs is compiled.
    """
    height, width, count = images.height, images.width, images.starts.shape[0]
    size, pixels = (height, width), height * width
    # Cache lines of a stored image. It lies anywhere in 150 MB; images that an earlier pass has
    # made lie one after the other.
    lines = 3 * pixels // 64 + 1
    turns = count if partners is None else 2 * count
    for turn in range(turns):
        some, example, b = images, turn, turn
        is_partner, seen, own = False, True, 0
        if partners is not None:
            # The partner comes before the image that it is mixed with.
            example, is_partner = turn // 2, turn % 2 == 0
            b = example
            if is_partner:
                some, b, own = partners, count + example, 5
                seen = is_seen(mixed, example)
        is_stored, starts, method = some.stored.shape[0] > 0, some.starts, warps.methods[b]
        copied = MIRRORED <= method <= SCALED
        # Half of the next image now, half when this one is read: the processor stops at more at
        # once.
        half = lines // 2 if seen and not copied else lines
        fetched = is_stored and example + 1 < count
        if fetched:
            prefetch(some.stored, starts[example + 1], half)
        if not seen:
            continue
        if copied:
            _copied(functions[method], some, example, warps, strokes, b, scratch, output)
            continue
        start = i64(0) if is_stored else starts[example]
        source = scratch.lines[1] if is_stored else some.pixels
        # Without a copy, where the image is made there is where it is to be.
        stays = output.writer == IN_PLACE and method == IDENTITY
        if stays:
            line = part(source, start, pixels)
        elif output.writer == PACKED and not is_partner:
            line = uint32_view(output.memory[b])
        else:
            line = part(scratch.lines[own], 0, pixels)
        if is_stored:
            unpacked = line if method == IDENTITY else source
            _unpacked(functions[UNPACKED], some.stored, starts[example], pixels, unpacked)
        if method != IDENTITY:
            given = Resampling(source, start, size, warps, b, scratch, line, functions)
            _resampled(functions[method], given)
        elif not is_stored and not stays:
            copy(source, start, line, 0, pixels)
        if fetched:
            prefetch(some.stored, starts[example + 1] + 64 * half, lines - half)
        for j in range(strokes.codes.shape[1]):
            code = strokes.codes[b, j]
            if NOISY_BOX <= code <= TABLE:
                _special(functions[code], strokes, b, j, size, line)
            elif code != NOTHING:
                _painted(functions[code], strokes.numbers[b, j], size, scratch, line)
        if is_partner:
            continue
        if partners is not None and is_seen(mixed, b):
            _shown(functions[MIXED], mixed, b, size, scratch, line)
        if output.writer == IN_PLACE:
            if not stays:
                copy(line, 0, source, start, pixels)
        elif output.writer != PACKED:
            _written(functions[output.writer], line, output, b)
