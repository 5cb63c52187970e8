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
from numba import float32 as f32
from numba import int32 as i32
from numba import int64 as i64
from numba import uint8, uint32, uint64
from numba.extending import register_jitable

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.coordinates import (
    constant_from,
    coordinates,
    folded,
    is_identity,
    is_near,
    nearest_coordinates,
    reflected_coordinates,
)
from cifar10_aug.engines.numba.kernels.memory import prefetch, word
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    AFFINE,
    BOX,
    CONSTANT,
    EDGE,
    FIELD,
    FRACTIONS,
    IN_PLACE,
    LEVELS,
    NEAREST,
    NOISY_BOX,
    PACKED,
    REFLECT,
    TABLE,
    Images,
    Keys,
    Output,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.kernels.philox import noise

_LOW_BYTE = uint32(0xFF)
_RED_BLUE = uint32(0xFF00FF)
_BLUE = uint32(0xFF0000)
_LOW_HALF = uint32(0xFFFF)
_THREE_BYTES = uint32(0xFFFFFF)
_HALF_LEVEL = uint32(1 << 15)


@register_jitable
def slack(width: int) -> int:
    """Spare elements that a source of images of this width needs at its end."""
    return width + 2


@compiled
def _pack(stored: np.ndarray, start: int, pixels: int, packed: np.ndarray) -> None:
    """Packs levels, four pixels at a time: three words become four."""
    for i in range(pixels // 4):
        place = start + 12 * i
        one, two, three = word(stored, place), word(stored, place + 4), word(stored, place + 8)
        packed[4 * i] = one & _THREE_BYTES
        packed[4 * i + 1] = (one >> uint32(24)) | ((two & _LOW_HALF) << uint32(8))
        packed[4 * i + 2] = (two >> uint32(16)) | ((three & _LOW_BYTE) << uint32(16))
        packed[4 * i + 3] = three >> uint32(8)


@compiled
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
        k = uint64(start + pixel[i])
        below = k + uint64(width)
        upper[i] = uint64(source[k]) | (uint64(source[k + uint64(1)]) << uint64(32))
        lower[i] = uint64(source[below]) | (uint64(source[below + uint64(1)]) << uint64(32))


@compiled
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


@compiled
def _paint_border(painted: np.ndarray, line: np.ndarray) -> None:
    for i in range(line.shape[0]):
        line[i] = uint32(painted[i] & i64(0xFFFFFF)) if painted[i] else line[i]


@compiled
def _paint_outside(
    matrix: np.ndarray, border: int, level: int, size: tuple[int, int], line: np.ndarray
) -> None:
    """Shows a constant border's level where one near map reads outside the image."""
    height, width = size
    xx, xy, x0 = i32(matrix[0]), i32(matrix[1]), i32(matrix[2])
    yx, yy, y0 = i32(matrix[3]), i32(matrix[4]), i32(matrix[5])
    low, last = constant_from(border)
    low_x, last_x = i32(low), i32(((width - 1) << FRACTION) + last)
    last_y = i32(((height - 1) << FRACTION) + last)
    for y in range(height):
        start_x, start_y = i32(xy * i32(y) + x0), i32(yy * i32(y) + y0)
        row = line[y * width : (y + 1) * width]
        for x in range(width):
            sx, sy = i32(start_x + xx * i32(x)), i32(start_y + yx * i32(x))
            inside = (sx >= low_x) & (sx <= last_x) & (sy >= low_x) & (sy <= last_y)
            row[x] = row[x] if inside else uint32(level)


@compiled
def _copy_aligned(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    line: np.ndarray,
) -> None:
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


@compiled
def _paint_box(box: np.ndarray, colour: int, width: int, line: np.ndarray) -> None:
    """Fills the rectangle top, left, bottom, right."""
    for y in range(box[0], box[2]):
        for x in range(box[1], box[3]):
            line[y * width + x] = colour


@compiled
def _paint_noise(
    box: np.ndarray, base: int, keys: Keys, example: int, width: int, line: np.ndarray
) -> None:
    """Fills a rectangle with independent levels, drawn from the counters after `base`."""
    # The noise of a pixel does not depend on where the box is: lane i % 4 of block i // 4.
    for y in range(box[0], box[2]):
        block = i64(-1)
        four = (uint64(0), uint64(0), uint64(0), uint64(0))
        for x in range(box[1], box[3]):
            i = y * width + x
            if i // 4 != block:
                block = i // 4
                four = noise(keys.keys[example], keys.epoch, keys.seed, base, block)
            line[i] = uint32(four[i % 4]) & uint32(0xFFFFFF)


@compiled
def _look_up(table: np.ndarray, line: np.ndarray) -> None:
    for i in range(line.shape[0]):
        red = uint32(table[line[i] & _LOW_BYTE])
        green = uint32(table[(line[i] >> uint32(8)) & _LOW_BYTE])
        blue = uint32(table[(line[i] >> uint32(16)) & _LOW_BYTE])
        line[i] = red | (green << uint32(8)) | (blue << uint32(16))


@compiled
def _write(
    line: np.ndarray, kind: int, scale: np.ndarray, offset: np.ndarray, out: np.ndarray
) -> None:
    """Writes packed pixels as they are, as levels, level / 255, or level * scale + offset."""
    if kind == PACKED:
        for i in range(line.shape[0]):
            out[i] = line[i]
    elif kind == LEVELS:
        for i in range(line.shape[0]):
            out[3 * i] = uint8(line[i] & _LOW_BYTE)
            out[3 * i + 1] = uint8((line[i] >> uint32(8)) & _LOW_BYTE)
            out[3 * i + 2] = uint8((line[i] >> uint32(16)) & _LOW_BYTE)
    elif kind == FRACTIONS:
        for i in range(line.shape[0]):
            out[3 * i] = f32(i32(line[i] & _LOW_BYTE)) / f32(255)
            out[3 * i + 1] = f32(i32((line[i] >> uint32(8)) & _LOW_BYTE)) / f32(255)
            out[3 * i + 2] = f32(i32((line[i] >> uint32(16)) & _LOW_BYTE)) / f32(255)
    else:
        s0, s1, s2 = scale[0], scale[1], scale[2]
        o0, o1, o2 = offset[0], offset[1], offset[2]
        for i in range(line.shape[0]):
            out[3 * i] = f32(i32(line[i] & _LOW_BYTE)) * s0 + o0
            out[3 * i + 1] = f32(i32((line[i] >> uint32(8)) & _LOW_BYTE)) * s1 + o1
            out[3 * i + 2] = f32(i32((line[i] >> uint32(16)) & _LOW_BYTE)) * s2 + o2


@compiled
def _write_planes(
    line: np.ndarray, kind: int, scale: np.ndarray, offset: np.ndarray, out: np.ndarray
) -> None:
    """Writes levels, or level * scale + offset, one channel after the other."""
    pixels = line.shape[0]
    for channel in range(3):
        first, shift = channel * pixels, uint32(8 * channel)
        if kind == LEVELS:
            for i in range(pixels):
                out[first + i] = uint8((line[i] >> shift) & _LOW_BYTE)
        else:
            s, o = scale[channel], offset[channel]
            for i in range(pixels):
                out[first + i] = f32(i32((line[i] >> shift) & _LOW_BYTE)) * s + o


@compiled
def render(images: Images, warps: Warps, strokes: Strokes, keys: Keys, output: Output) -> None:
    """Makes one pass: gathers, resamples, paints, recolours and writes."""
    height, width = images.height, images.width
    pixels = height * width
    pixel = np.empty(pixels, np.int32)
    wx = np.empty(pixels, np.uint32)
    wy = np.empty(pixels, np.uint32)
    upper = np.empty(pixels, np.uint64)
    lower = np.empty(pixels, np.uint64)
    at = np.empty((3, pixels), np.int64)
    line = np.empty(pixels, np.uint32)
    count = warps.kinds.shape[0]
    affine = count == 1 and warps.kinds[0] == AFFINE
    is_clamped = count == 1 and warps.borders[0] in (NEAREST, CONSTANT, EDGE)
    displaced = count == 1 and warps.kinds[0] == FIELD and warps.borders[0] == REFLECT
    packed = np.zeros(pixels + slack(width), np.uint32)
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
        unmoved = count == 0 or (affine and is_identity(warps.matrices[b, 0]))
        if is_stored:
            _pack(stored, starts[b], pixels, line if unmoved else packed)
        if unmoved:
            if not is_stored:
                image = source[start : start + pixels]
                for i in range(pixels):
                    line[i] = image[i]
        elif warps.pixel_aligned:
            _copy_aligned(source, start, (height, width), warps, b, line)
        elif affine and is_clamped and is_near(warps.matrices[b, 0], height, width):
            nearest_coordinates(warps.matrices[b, 0], height, width, pixel, wx, wy)
            _gather(source, start, width, pixel, upper, lower)
            _blend(upper, lower, wx, wy, line)
            if warps.borders[0] != NEAREST:
                level = warps.levels[0]
                _paint_outside(warps.matrices[b, 0], warps.borders[0], level, (height, width), line)
        elif displaced and reflected_coordinates(warps.fields[b, 0], height, width, pixel, wx, wy):
            _gather(source, start, width, pixel, upper, lower)
            _blend(upper, lower, wx, wy, line)
        else:
            coordinates(warps, b, (height, width), at, pixel, wx, wy)
            _gather(source, start, width, pixel, upper, lower)
            _blend(upper, lower, wx, wy, line)
            _paint_border(at[2], line)
        for j in range(strokes.codes.shape[1]):
            code = strokes.codes[b, j]
            if code == BOX:
                _paint_box(strokes.boxes[b, j], strokes.colours[b, j], width, line)
            elif code == NOISY_BOX:
                _paint_noise(strokes.boxes[b, j], strokes.bases[j], keys, b, width, line)
            elif code == TABLE:
                _look_up(strokes.tables[b, j], line)
        if output.kind == IN_PLACE:
            image = source[start : start + pixels]
            for i in range(pixels):
                image[i] = line[i]
        elif output.channels_first:
            _write_planes(line, output.kind, output.scale, output.offset, output.pixels[b])
        else:
            _write(line, output.kind, output.scale, output.offset, output.pixels[b])
