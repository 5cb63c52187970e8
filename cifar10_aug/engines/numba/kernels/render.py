"""The compiled loop that makes a pass: it resamples images, paints on them and hands them out.

A source is a flat array of packed images (see `pixels`), one after the other, with `slack(width)`
spare elements at its end: the right and lower neighbours of border pixels are read there, with
weight 0.

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

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.memory import prefetch
from cifar10_aug.engines.numba.kernels.philox import noise

NEAREST, CONSTANT, REFLECT, MIRROR, EDGE = range(5)
PACKED, LEVELS, FLOATS = range(3)
BORDERS = {"nearest": NEAREST, "constant": CONSTANT, "reflect": REFLECT, "mirror": MIRROR}
AFFINE, PERSPECTIVE, FIELD = range(3)
NOTHING, BOX, NOISY_BOX, TABLE = range(4)
# Set in a pixel that shows a border's level instead of the image.
_PAINTED = 1 << 24

_LOW_BYTE = uint32(0xFF)
_RED_BLUE = uint32(0xFF00FF)
_BLUE = uint32(0xFF0000)
_LOW_HALF = uint32(0xFFFF)
_HALF_LEVEL = uint32(1 << 15)


def slack(width: int) -> int:
    """Spare elements that a source of images of this width needs at its end."""
    return width + 2


@compiled
def _nearest_coordinates(
    matrix: np.ndarray, height: int, width: int, pixel: np.ndarray, wx: np.ndarray, wy: np.ndarray
) -> None:
    """Where each output pixel is read: by one map that is near, with the nearest border.

    Writes the index of the upper left neighbour and the weights of the right and lower ones.
    """
    xx, xy, x0 = i32(matrix[0]), i32(matrix[1]), i32(matrix[2])
    yx, yy, y0 = i32(matrix[3]), i32(matrix[4]), i32(matrix[5])
    last_x, last_y = i32((width - 1) << FRACTION), i32((height - 1) << FRACTION)
    stride = i32(width)
    for y in range(height):
        start_x, start_y = i32(xy * i32(y) + x0), i32(yy * i32(y) + y0)
        row = y * width
        for x in range(width):
            sx = min(max(i32(start_x + xx * i32(x)), i32(0)), last_x)
            sy = min(max(i32(start_y + yx * i32(x)), i32(0)), last_y)
            pixel[row + x] = (sy >> i32(16)) * stride + (sx >> i32(16))
            wx[row + x] = uint32((sx >> i32(8)) & i32(255))
            wy[row + x] = uint32((sy >> i32(8)) & i32(255))


@compiled
def _folded(at: int, size: int, border: int) -> int:
    """A coordinate brought back into the image, [0, size - 1], by a border's rule."""
    last = i64(size - 1) << FRACTION
    half = i64(1) << (FRACTION - 1) if border == REFLECT else i64(0)
    if border == REFLECT or (border == MIRROR and size > 1):
        period = i64(2 * size) << FRACTION if border == REFLECT else 2 * last
        at += half
        # In floats, because there is no vector division of integers. The fold is symmetric about
        # every multiple of the period, so it does not matter to which side one is rounded.
        at = abs(at - i64(np.floor(at / period)) * period)
        at = min(at, period - at) - half
    return min(max(at, i64(0)), last)


@compiled
def _move(matrix: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> None:
    """Takes coordinates through an affine map."""
    m0, m1, m2 = i64(matrix[0]), i64(matrix[1]), i64(matrix[2])
    m3, m4, m5 = i64(matrix[3]), i64(matrix[4]), i64(matrix[5])
    half = i64(1) << (FRACTION - 1)
    for i in range(xs.shape[0]):
        x = ((m0 * xs[i] + m1 * ys[i] + half) >> FRACTION) + m2
        ys[i] = ((m3 * xs[i] + m4 * ys[i] + half) >> FRACTION) + m5
        xs[i] = x


@compiled
def horizon(height: int, width: int) -> float:
    """The farthest that a perspective map shows, in 16.16 fixed point: 32 images and more."""
    return 2097152.0 * max(height, width, 1024)


@compiled
def _tilt(h: np.ndarray, size: tuple[int, int], xs: np.ndarray, ys: np.ndarray) -> None:
    """Takes coordinates through a perspective map, float64 [8]; see `ops.kinds.Perspective`."""
    one = float(1 << FRACTION)
    farthest = horizon(*size)
    for i in range(xs.shape[0]):
        x, y = xs[i] / one, ys[i] / one
        depth = h[6] * x + h[7] * y + 1.0
        # What is at the horizon or beyond it lies farther than any border.
        depth = one / depth if depth > 1e-6 else 1e12
        at_x = (h[0] * x + h[1] * y + h[2]) * depth
        at_y = (h[3] * x + h[4] * y + h[5]) * depth
        xs[i] = i64(np.floor(min(max(at_x, -farthest), farthest) + 0.5))
        ys[i] = i64(np.floor(min(max(at_y, -farthest), farthest) + 0.5))


@compiled
def _displace(field: np.ndarray, size: tuple[int, int], xs: np.ndarray, ys: np.ndarray) -> None:
    """Adds what a field, int32 [2, pixels], has at the nearest pixel: x, then y."""
    height, width = size
    half = i64(1) << (FRACTION - 1)
    for i in range(xs.shape[0]):
        x = min(max((xs[i] + half) >> FRACTION, i64(0)), i64(width - 1))
        y = min(max((ys[i] + half) >> FRACTION, i64(0)), i64(height - 1))
        xs[i] += i64(field[0, y * width + x])
        ys[i] += i64(field[1, y * width + x])


@compiled
def _bring_back(border: int, level: int, size: tuple[int, int], at: np.ndarray) -> None:
    """Brings coordinates back into the image, and notes where a constant border shows.

    `at` holds x, y and the packed level of the first constant border met (0 for none), int64
    [3, pixels].
    """
    height, width = size
    xs, ys, painted = at[0], at[1], at[2]
    if border in (CONSTANT, EDGE):
        # Up to the outermost centres, or less than half a pixel beyond them.
        low = i64(0) if border == CONSTANT else -(i64(1) << (FRACTION - 1))
        last = i64(0) if border == CONSTANT else (i64(1) << (FRACTION - 1)) - 1
        last_x, last_y = (i64(width - 1) << FRACTION) + last, (i64(height - 1) << FRACTION) + last
        paint = i64(level) | i64(_PAINTED)
        for i in range(xs.shape[0]):
            x, y = xs[i], ys[i]
            inside = (x >= low) & (x <= last_x) & (y >= low) & (y <= last_y)
            painted[i] = painted[i] if inside or painted[i] else paint
    # Each rule in a separate loop: with the rule constant, LLVM can vectorise the loop.
    if border == REFLECT:
        for i in range(xs.shape[0]):
            xs[i] = _folded(xs[i], width, REFLECT)
            ys[i] = _folded(ys[i], height, REFLECT)
    elif border == MIRROR:
        for i in range(xs.shape[0]):
            xs[i] = _folded(xs[i], width, MIRROR)
            ys[i] = _folded(ys[i], height, MIRROR)
    else:
        for i in range(xs.shape[0]):
            xs[i] = _folded(xs[i], width, NEAREST)
            ys[i] = _folded(ys[i], height, NEAREST)


@compiled
def _is_identity(matrix: np.ndarray) -> bool:
    one = i64(1 << FRACTION)
    straight = matrix[0] == one and matrix[4] == one
    return straight and matrix[1] == 0 and matrix[2] == 0 and matrix[3] == 0 and matrix[5] == 0


@compiled
def _coordinates(
    kinds: np.ndarray,
    matrices: np.ndarray,
    perspectives: np.ndarray,
    fields: np.ndarray,
    borders: np.ndarray,
    levels: np.ndarray,
    size: tuple[int, int],
    at: np.ndarray,
    pixel: np.ndarray,
    wx: np.ndarray,
    wy: np.ndarray,
) -> None:
    """As `_nearest_coordinates`, through several maps of any kind and with any border.

    The maps stand in the order in which an output pixel meets them.
    """
    height, width = size
    xs, ys = at[0], at[1]
    for y in range(height):
        for x in range(width):
            xs[y * width + x] = i64(x) << FRACTION
            ys[y * width + x] = i64(y) << FRACTION
    at[2] = 0
    for warp in range(matrices.shape[0]):
        if kinds[warp] == PERSPECTIVE:
            _tilt(perspectives[warp], size, xs, ys)
        elif kinds[warp] == FIELD:
            _displace(fields[warp], size, xs, ys)
        elif _is_identity(matrices[warp]):
            continue
        else:
            _move(matrices[warp], xs, ys)
        _bring_back(borders[warp], levels[warp], size, at)
    for i in range(xs.shape[0]):
        pixel[i] = i32((ys[i] >> FRACTION) * width + (xs[i] >> FRACTION))
        wx[i] = uint32((xs[i] >> i64(8)) & i64(255))
        wy[i] = uint32((ys[i] >> i64(8)) & i64(255))


@compiled
def _is_near(matrix: np.ndarray, height: int, width: int) -> bool:
    """Whether all coordinates of a map fit into 32 bits."""
    limit = i64(1) << 31
    right = abs(matrix[0]) * width + abs(matrix[1]) * height + abs(matrix[2])
    down = abs(matrix[3]) * width + abs(matrix[4]) * height + abs(matrix[5])
    return right < limit and down < limit


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
def _copy_aligned(
    source: np.ndarray,
    start: int,
    matrix: np.ndarray,
    border: int,
    level: int,
    height: int,
    width: int,
    line: np.ndarray,
) -> None:
    """A flip and whole-pixel shift: rows are copied, forwards or backwards, nothing is blended."""
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
        row = start + (_folded(sy << FRACTION, height, border) >> FRACTION) * width
        if step > 0:
            for x in range(first, last):
                line[out + x] = source[row + x0 + x]
        else:
            for x in range(first, last):
                line[out + x] = source[row + x0 - x]
        for part in range(2):
            begin, end = (i64(0), min(first, i64(width))) if part == 0 else (last, i64(width))
            for x in range(begin, end):
                if border in (CONSTANT, EDGE):
                    line[out + x] = level
                else:
                    sx = _folded((step * x + x0) << FRACTION, width, border) >> FRACTION
                    line[out + x] = source[row + sx]


@compiled
def _paint_box(box: np.ndarray, colour: int, width: int, line: np.ndarray) -> None:
    """Fills the rectangle top, left, bottom, right."""
    for y in range(box[0], box[2]):
        for x in range(box[1], box[3]):
            line[y * width + x] = colour


@compiled
def _paint_noise(
    box: np.ndarray, base: int, key: int, epoch: int, seed: int, width: int, line: np.ndarray
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
                four = noise(key, epoch, seed, base, block)
            line[i] = uint32(four[i % 4]) & uint32(0xFFFFFF)


@compiled
def _look_up(table: np.ndarray, line: np.ndarray) -> None:
    for i in range(line.shape[0]):
        red = uint32(table[line[i] & _LOW_BYTE])
        green = uint32(table[(line[i] >> uint32(8)) & _LOW_BYTE])
        blue = uint32(table[(line[i] >> uint32(16)) & _LOW_BYTE])
        line[i] = red | (green << uint32(8)) | (blue << uint32(16))


@compiled
def _hand_out(
    line: np.ndarray, kind: int, scale: np.ndarray, offset: np.ndarray, out: np.ndarray
) -> None:
    """Writes packed pixels as they are, as levels, or as level * scale + offset."""
    if kind == PACKED:
        for i in range(line.shape[0]):
            out[i] = line[i]
    elif kind == LEVELS:
        for i in range(line.shape[0]):
            out[3 * i] = uint8(line[i] & _LOW_BYTE)
            out[3 * i + 1] = uint8((line[i] >> uint32(8)) & _LOW_BYTE)
            out[3 * i + 2] = uint8((line[i] >> uint32(16)) & _LOW_BYTE)
    else:
        s0, s1, s2 = scale[0], scale[1], scale[2]
        o0, o1, o2 = offset[0], offset[1], offset[2]
        for i in range(line.shape[0]):
            out[3 * i] = f32(i32(line[i] & _LOW_BYTE)) * s0 + o0
            out[3 * i + 1] = f32(i32((line[i] >> uint32(8)) & _LOW_BYTE)) * s1 + o1
            out[3 * i + 2] = f32(i32((line[i] >> uint32(16)) & _LOW_BYTE)) * s2 + o2


@compiled
def render(
    source: np.ndarray,
    rows: np.ndarray,
    height: int,
    width: int,
    kinds: np.ndarray,
    matrices: np.ndarray,
    perspectives: np.ndarray,
    fields: np.ndarray,
    borders: np.ndarray,
    levels: np.ndarray,
    pixel_aligned: bool,
    codes: np.ndarray,
    boxes: np.ndarray,
    colours: np.ndarray,
    tables: np.ndarray,
    bases: np.ndarray,
    keys: np.ndarray,
    epoch: int,
    seed: int,
    kind: int,
    scale: np.ndarray,
    offset: np.ndarray,
    out: np.ndarray,
) -> None:
    """Makes one pass: gathers, resamples, paints, recolours and writes.

    Args:
        source: uint32 [images * height * width + slack], packed.
        rows: int64 [batch], which image of the source each example is.
        height, width: of every image.
        kinds: int64 [warps], AFFINE, PERSPECTIVE or FIELD, in the order in which an output pixel
            meets them: the recipe's last op first.
        matrices: int64 [batch, warps, 6], 16.16 fixed point, of affine warps.
        perspectives: float64 [batch, warps, 8], of perspective warps; [batch, 0, 8] without any.
        fields: int32 [batch, warps, 2, pixels], 16.16 fixed point, of displacing warps; likewise.
        borders: int64 [warps], of `BORDERS`.
        levels: uint32 [warps], the packed level of a constant border.
        pixel_aligned: whether to copy instead of interpolating; then there is at most one warp.
        codes: int64 [batch, strokes], what is done, NOTHING to TABLE, in order.
        boxes: int64 [batch, strokes, 4]: top, left, bottom, right.
        colours: uint32 [batch, strokes], a box's packed colour.
        tables: uint8 [batch, strokes, 256], what becomes of each level.
        bases: uint64 [strokes], the first counter of a stroke's noise.
        keys: uint64 [batch]; epoch, seed: uint64. They key the noise.
        kind: PACKED, LEVELS or FLOATS.
        scale, offset: float32 [3], for FLOATS.
        out: uint32 [batch, pixels] for PACKED, else uint8 or float32 [batch, pixels * 3].
    """
    pixels = height * width
    pixel = np.empty(pixels, np.int32)
    wx = np.empty(pixels, np.uint32)
    wy = np.empty(pixels, np.uint32)
    upper = np.empty(pixels, np.uint64)
    lower = np.empty(pixels, np.uint64)
    at = np.empty((3, pixels), np.int64)
    line = np.empty(pixels, np.uint32)
    warps = matrices.shape[1]
    for b in range(rows.shape[0]):
        start = rows[b] * pixels
        if b + 1 < rows.shape[0]:
            # The next image lies anywhere in 205 MB. A cache line holds 16 pixels.
            for i in range(0, pixels, 16):
                prefetch(source, rows[b + 1] * pixels + i)
        affine = warps == 1 and kinds[0] == AFFINE
        if warps == 0 or (affine and _is_identity(matrices[b, 0])):
            for i in range(pixels):
                line[i] = source[start + i]
        elif pixel_aligned:
            _copy_aligned(source, start, matrices[b, 0], borders[0], levels[0], height, width, line)
        elif affine and borders[0] == NEAREST and _is_near(matrices[b, 0], height, width):
            _nearest_coordinates(matrices[b, 0], height, width, pixel, wx, wy)
            _gather(source, start, width, pixel, upper, lower)
            _blend(upper, lower, wx, wy, line)
        else:
            _coordinates(
                kinds,
                matrices[b],
                perspectives[b],
                fields[b],
                borders,
                levels,
                (height, width),
                at,
                pixel,
                wx,
                wy,
            )
            _gather(source, start, width, pixel, upper, lower)
            _blend(upper, lower, wx, wy, line)
            _paint_border(at[2], line)
        for j in range(codes.shape[1]):
            if codes[b, j] == BOX:
                _paint_box(boxes[b, j], colours[b, j], width, line)
            elif codes[b, j] == NOISY_BOX:
                _paint_noise(boxes[b, j], bases[j], keys[b], epoch, seed, width, line)
            elif codes[b, j] == TABLE:
                _look_up(tables[b, j], line)
        _hand_out(line, kind, scale, offset, out[b])
