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
from cifar10_aug.engines.numba.kernels.levels import SCALER, STORED_SCALER
from cifar10_aug.engines.numba.kernels.memory import prefetch, word
from cifar10_aug.engines.numba.kernels.painting import BOX_STROKE, NOISE_STROKE, TABLE_STROKE
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    BOX,
    IDENTITY,
    IN_PLACE,
    LINE,
    MIRRORED,
    NOISY_BOX,
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
from cifar10_aug.engines.numba.kernels.writing import WRITER

_LOW_BYTE = uint32(0xFF)
_LOW_HALF = uint32(0xFFFF)
_THREE_BYTES = uint32(0xFFFFFF)

_U32 = types.uint32[::1]
_STORED = types.Array(types.uint8, 1, "C", readonly=True)
_UNPACKED = Signature(types.none, _STORED, i64, i64, _U32)
_unpacked, _resampled, _mirrored = _UNPACKED.call, RESAMPLER.call, MIRRORER.call
_scaled, _stored_scaled = SCALER.call, STORED_SCALER.call
_box, _noise, _table, _written = BOX_STROKE.call, NOISE_STROKE.call, TABLE_STROKE.call, WRITER.call


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
def _fetch(images: Images, is_stored: bool, start: int, first: int, stop: int) -> None:
    """Has some of an image's cache lines, of 64 bytes, brought near ahead of their use.

    The next image lies anywhere in 150 or 200 MB.
    """
    for i in range(first, stop):
        if is_stored:
            prefetch(images.stored, start + 64 * i)
        else:
            prefetch(images.pixels, start + 16 * i)


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
    height, width = images.height, images.width
    size, pixels = (height, width), height * width
    line, packed = scratch.lines[0, :pixels], scratch.lines[1]
    stored, starts = images.stored, images.starts
    is_stored = stored.shape[0] > 0
    source = packed if is_stored else images.pixels
    lines = (3 * pixels if is_stored else 4 * pixels) // 64 + 1
    for b in range(starts.shape[0]):
        method, start = warps.methods[b], i64(0) if is_stored else starts[b]
        # Half of it now, half when this one is read: the processor stops at more at once.
        ahead = starts[min(b + 1, starts.shape[0] - 1)]
        half = lines if method in (MIRRORED, SCALED) else lines // 2
        _fetch(images, is_stored, ahead, 0, half)
        if method == MIRRORED:
            moved = warps.kinds.shape[0] > 0
            across, down = (
                moved and warps.matrices[b, 0, 0] < 0,
                moved and warps.matrices[b, 0, 4] < 0,
            )
            _mirrored(functions[method], stored, starts[b], size, across, down, output.memory[b])
            continue
        if method == SCALED:
            factor, offset = strokes.lines[b, 0, 0], strokes.lines[b, 0, 1]
            table, out = scratch.tables[0], output.memory[b]
            _stored_scaled(functions[method], factor, offset, table, stored, starts[b], out)
            continue
        if is_stored:
            unpacked = line if method == IDENTITY else packed
            _unpacked(functions[UNPACKED], stored, starts[b], pixels, unpacked)
        if method != IDENTITY:
            _resampled(functions[method], source, start, size, warps, b, scratch, line, functions)
        elif not is_stored:
            image = source[start : start + pixels]
            for i in range(pixels):
                line[i] = image[i]
        _fetch(images, is_stored, ahead, half, lines)
        for j in range(strokes.codes.shape[1]):
            code = strokes.codes[b, j]
            if code == BOX:
                _box(functions[BOX], strokes.boxes[b, j], strokes.colours[b, j], width, line)
            elif code == NOISY_BOX:
                _noise(
                    functions[NOISY_BOX],
                    strokes.boxes[b, j],
                    strokes.bases[j],
                    keys.keys[b],
                    keys.epoch,
                    keys.seed,
                    width,
                    line,
                )
            elif code == TABLE:
                _table(functions[TABLE], strokes.tables[b, j], line)
            elif code == LINE:
                factor, offset = strokes.lines[b, j, 0], strokes.lines[b, j, 1]
                _scaled(functions[LINE], factor, offset, scratch.tables, line)
        if output.writer == IN_PLACE:
            image = source[start : start + pixels]
            for i in range(pixels):
                image[i] = line[i]
        else:
            _written(functions[output.writer], line, output.scale, output.offset, output.memory[b])
