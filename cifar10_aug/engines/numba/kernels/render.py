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
from numba import int32 as i32
from numba import int64 as i64
from numba import types, uint32, uint64
from numba.extending import register_jitable

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import inner, loop
from cifar10_aug.engines.numba.kernels.coordinates import (
    WARPS,
    coordinates,
    folded,
    is_identity,
    is_near,
    nearest_coordinates,
)
from cifar10_aug.engines.numba.kernels.memory import prefetch, word
from cifar10_aug.engines.numba.kernels.painting import BOX_STROKE, NOISE_STROKE, TABLE_STROKE
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    AFFINE,
    ALIGNED,
    BOX,
    CONSTANT,
    EDGE,
    GENERAL,
    NEAR,
    NOISY_BOX,
    TABLE,
    UNPACKED,
    Images,
    Keys,
    Output,
    Scratch,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.kernels.separate import Signature
from cifar10_aug.engines.numba.kernels.writing import WRITER

_LOW_BYTE = uint32(0xFF)
_RED_BLUE = uint32(0xFF00FF)
_BLUE = uint32(0xFF0000)
_LOW_HALF = uint32(0xFFFF)
_THREE_BYTES = uint32(0xFFFFFF)
_HALF_LEVEL = uint32(1 << 15)

_U32, _I64 = types.uint32[::1], types.int64[::1]
_LINES = types.uint32[:, ::1]
_STORED = types.Array(types.uint8, 1, "C", readonly=True)
_SIZE = types.UniTuple(i64, 2)
_SCRATCH = types.NamedTuple((_LINES, types.uint64[:, ::1], types.int64[:, ::1]), Scratch)
_RESAMPLED = _U32, i64, _SIZE, WARPS, i64, _SCRATCH, _U32
_QUICK = Signature(types.boolean, *_RESAMPLED)
_GENERAL = Signature(types.none, *_RESAMPLED, _I64)
_UNPACKED = Signature(types.none, _STORED, i64, i64, _U32)
_quick, _general, _unpacked = _QUICK.call, _GENERAL.call, _UNPACKED.call
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
def _gather(
    source: np.ndarray,
    start: int,
    width: int,
    pixel: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
) -> None:
    """Reads each pixel with its right neighbour as one 64-bit word, in two rows."""
    for i in range(pixel.shape[0]):
        # Signed, which processors load sooner here.
        k = uint64(start + i64(i32(pixel[i])))
        below = k + uint64(width)
        upper[i] = uint64(source[k]) | (uint64(source[k + uint64(1)]) << uint64(32))
        lower[i] = uint64(source[below]) | (uint64(source[below + uint64(1)]) << uint64(32))


@inner
def _blend(
    upper: np.ndarray, lower: np.ndarray, wx: np.ndarray, wy: np.ndarray, line: np.ndarray
) -> None:
    """Bilinear interpolation, two 16-bit lanes to a word: red with blue, upper with lower green.

    Sideways the full 16 bits are kept, so rounding happens once, at the end.
    """
    eight, sixteen = uint32(8), uint32(16)
    for i in range(line.shape[0]):
        a, b = uint32(upper[i] & uint64(0xFFFFFFFF)), uint32(upper[i] >> uint64(32))
        c, d = uint32(lower[i] & uint64(0xFFFFFFFF)), uint32(lower[i] >> uint64(32))
        x, y = wx[i], wy[i]
        rb = a & _RED_BLUE
        top = (rb << eight) + ((b & _RED_BLUE) - rb) * x
        rb = c & _RED_BLUE
        bottom = (rb << eight) + ((d & _RED_BLUE) - rb) * x
        left = ((a >> eight) & _LOW_BYTE) | ((c << eight) & _BLUE)
        right = ((b >> eight) & _LOW_BYTE) | ((d << eight) & _BLUE)
        green = (left << eight) + (right - left) * x
        r0, r1 = top & _LOW_HALF, bottom & _LOW_HALF
        g0, g1 = green & _LOW_HALF, green >> sixteen
        b0, b1 = top >> sixteen, bottom >> sixteen
        r = uint32((r0 << eight) + (r1 - r0) * y + _HALF_LEVEL) >> sixteen
        g = uint32((g0 << eight) + (g1 - g0) * y + _HALF_LEVEL) >> sixteen
        bl = uint32((b0 << eight) + (b1 - b0) * y + _HALF_LEVEL) >> sixteen
        line[i] = r | (g << eight) | (bl << sixteen)


@inner
def _paint_border(painted: np.ndarray, line: np.ndarray) -> None:
    for i in range(line.shape[0]):
        line[i] = uint32(painted[i] & i64(0xFFFFFF)) if painted[i] else line[i]


@_QUICK.separate(ALIGNED)
def _copy_aligned(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    scratch: Scratch,
    line: np.ndarray,
) -> bool:
    """A flip and whole-pixel shift: rows are copied, forwards or backwards, nothing is blended."""
    height, width = size
    matrix, border, level = warps.matrices[example, 0], warps.borders[0], warps.levels[0]
    step = i64(matrix[0]) >> FRACTION
    x0, y0 = i64(matrix[2]) >> FRACTION, i64(matrix[5]) >> FRACTION
    row_step = i64(matrix[4]) >> FRACTION
    # Output columns [first, last) lie inside the image.
    first = max(i64(0), -x0) if step > 0 else max(i64(0), x0 - (width - 1))
    last = min(i64(width), width - x0) if step > 0 else min(i64(width), x0 + 1)
    last = max(first, last)
    for y in range(height):
        sy = row_step * y + y0
        out = y * width
        if border in (CONSTANT, EDGE) and (sy < 0 or sy >= height):
            line[out : out + width] = level
            continue
        row = start + (folded(sy << FRACTION, height, border) >> FRACTION) * width
        # Slices, since an index that may be negative keeps loops from becoming vector code.
        inside = line[out + first : out + last]
        begin = row + x0 + first if step > 0 else row + x0 - last + 1
        read = source[begin : begin + inside.shape[0]]
        if step > 0:
            for x in range(inside.shape[0]):
                inside[x] = read[x]
        else:
            for x in range(inside.shape[0]):
                inside[x] = read[inside.shape[0] - 1 - x]
        for part in range(2):
            begin, end = (i64(0), min(first, i64(width))) if part == 0 else (last, i64(width))
            for x in range(begin, end):
                if border in (CONSTANT, EDGE):
                    line[out + x] = level
                else:
                    sx = folded((step * x + x0) << FRACTION, width, border) >> FRACTION
                    line[out + x] = source[row + sx]
    return True


@_QUICK.separate(NEAR)
def _interpolate_near(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    scratch: Scratch,
    line: np.ndarray,
) -> bool:
    """One affine map with the nearest border; False, and nothing is done, if it is not near."""
    height, width = size
    matrix = warps.matrices[example, 0]
    if not is_near(matrix, height, width):
        return False
    pixels = height * width
    wx, wy, pixel = scratch.lines[2, :pixels], scratch.lines[3, :pixels], scratch.lines[4, :pixels]
    upper, lower = scratch.pairs[0], scratch.pairs[1]
    nearest_coordinates(matrix, height, width, pixel, wx, wy)
    _gather(source, start, width, pixel, upper, lower)
    _blend(upper, lower, wx, wy, line)
    return True


@_GENERAL.separate(GENERAL)
def _interpolate(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    scratch: Scratch,
    line: np.ndarray,
    functions: np.ndarray,
) -> None:
    """Maps of any kind, with any border."""
    pixels = size[0] * size[1]
    wx, wy, pixel = scratch.lines[2, :pixels], scratch.lines[3, :pixels], scratch.lines[4, :pixels]
    upper, lower = scratch.pairs[0], scratch.pairs[1]
    coordinates(warps, example, size, scratch.at, pixel, wx, wy, functions)
    _gather(source, start, size[1], pixel, upper, lower)
    _blend(upper, lower, wx, wy, line)
    _paint_border(scratch.at[2], line)


@loop
def render(
    images: Images,
    warps: Warps,
    strokes: Strokes,
    keys: Keys,
    output: Output,
    scratch: Scratch,
    functions: np.ndarray,
) -> bool:
    """Makes one pass: gathers, resamples, paints, recolours and writes.

    Args:
        images, warps, strokes, keys, output, scratch: see there.
        functions: `separate.ADDRESSES`; what the pass needs is compiled.

    Returns:
        False if an image needs GENERAL, which is not compiled; then not all images are written.
    """
    height, width = images.height, images.width
    size, pixels = (height, width), height * width
    line, packed = scratch.lines[0, :pixels], scratch.lines[1]
    is_affine = warps.kinds.shape[0] == 1 and warps.kinds[0] == AFFINE
    stored, starts = images.stored, images.starts
    is_stored = stored.shape[0] > 0
    source = packed if is_stored else images.pixels
    for b in range(starts.shape[0]):
        # The next image lies anywhere in 150 or 200 MB. A cache line holds 64 bytes.
        if b + 1 < starts.shape[0]:
            if is_stored:
                for i in range(0, 3 * pixels, 64):
                    prefetch(stored, starts[b + 1] + i)
            else:
                for i in range(0, pixels, 16):
                    prefetch(source, starts[b + 1] + i)
        start = i64(0) if is_stored else starts[b]
        unmoved = warps.kinds.shape[0] == 0 or (is_affine and is_identity(warps.matrices[b, 0]))
        if is_stored:
            _unpacked(functions[UNPACKED], stored, starts[b], pixels, line if unmoved else packed)
        if unmoved:
            if not is_stored:
                image = source[start : start + pixels]
                for i in range(pixels):
                    line[i] = image[i]
        elif warps.quick == GENERAL or not _quick(
            functions[warps.quick], source, start, size, warps, b, scratch, line
        ):
            if functions[GENERAL] == 0:
                return False
            _general(functions[GENERAL], source, start, size, warps, b, scratch, line, functions)
        for j in range(strokes.codes.shape[1]):
            code, box = strokes.codes[b, j], strokes.boxes[b, j]
            if code == BOX:
                _box(functions[code], box, strokes.colours[b, j], width, line)
            elif code == NOISY_BOX:
                base, key = strokes.bases[j], keys.keys[b]
                _noise(functions[code], box, base, key, keys.epoch, keys.seed, width, line)
            elif code == TABLE:
                _table(functions[code], strokes.tables[b, j], line)
        _written(functions[output.writer], line, output.scale, output.offset, output.memory[b])
    return True
