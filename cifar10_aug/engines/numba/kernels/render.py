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

from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.coordinates import (
    coordinates,
    is_identity,
    is_near,
    nearest_coordinates,
)
from cifar10_aug.engines.numba.kernels.levels import scale, scale_stored
from cifar10_aug.engines.numba.kernels.memory import prefetch, word
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    AFFINE,
    BOX,
    FRACTIONS,
    LEVELS,
    LINE,
    NEAREST,
    NOISY_BOX,
    PACKED,
    TABLE,
    Images,
    Keys,
    Output,
    Strokes,
    Warps,
)
from cifar10_aug.engines.numba.kernels.philox import noise
from cifar10_aug.engines.numba.kernels.straight import (
    blend_columns,
    blend_rows,
    copy_aligned,
    gather_straight,
    is_straight,
    mirror_levels,
    takes_onto_itself,
)

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
    red_blue = np.empty(pixels, np.uint32)
    green = np.empty(pixels, np.uint32)
    line = np.empty(pixels, np.uint32)
    tables = np.empty((3, 256), np.uint8)
    count = warps.kinds.shape[0]
    affine = count == 1 and warps.kinds[0] == AFFINE
    packed = np.zeros(pixels + slack(width), np.uint32)
    stored, starts = images.stored, images.starts
    is_stored = stored.shape[0] > 0
    source = packed if is_stored else images.pixels
    # What is only mirrored, or made brighter or darker, need not be packed.
    as_levels = is_stored and output.kind == LEVELS and not output.channels_first
    direct = as_levels and warps.pixel_aligned and strokes.codes.shape[1] == 0
    recoloured = as_levels and count == 0 and strokes.codes.shape[1] == 1
    for b in range(starts.shape[0]):
        # The next image lies anywhere in 150 or 200 MB. A cache line holds 64 bytes.
        if b + 1 < starts.shape[0]:
            if is_stored:
                for i in range(0, 3 * pixels, 64):
                    prefetch(stored, starts[b + 1] + i)
            else:
                for i in range(0, pixels, 16):
                    prefetch(source, starts[b + 1] + i)
        if direct and takes_onto_itself(warps.matrices, b, height, width):
            mirror_levels(stored, starts[b], height, width, warps.matrices, b, output.pixels)
            continue
        if recoloured and strokes.codes[b, 0] == LINE:
            factor, offset = strokes.lines[b, 0]
            scale_stored(factor, offset, tables[0], stored, starts[b], output.pixels, b)
            continue
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
            copy_aligned(source, start, (height, width), warps, b, line)
        elif is_straight(warps, b):
            size = height, width
            low, high = gather_straight(source, start, size, warps, b, at, upper, wx)
            first, stop = uint64(low * width), uint64(high * width)
            blend_columns(upper, wx, first, stop, red_blue, green)
            blend_rows(red_blue, green, at[1], size, line)
        elif (
            affine and warps.borders[0] == NEAREST and is_near(warps.matrices[b, 0], height, width)
        ):
            nearest_coordinates(warps.matrices[b, 0], height, width, pixel, wx, wy)
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
            elif code == LINE:
                factor, offset = strokes.lines[b, j]
                scale(factor, offset, tables, line)
        if output.channels_first:
            _write_planes(line, output.kind, output.scale, output.offset, output.pixels[b])
        else:
            _write(line, output.kind, output.scale, output.offset, output.pixels[b])
