"""The compiled loops of the eager engine.

Pixels are packed, one uint32 each (red | green << 8 | blue << 16). A source is a flat array of
packed images, one behind the other, with `slack(width)` spare elements at its end: the right and
lower neighbours of border pixels are read there, with weight 0.

Coordinates are 16.16 fixed-point integers and interpolation weights have 8 bits, so results are
the same on every machine. Each step is a plain loop over the pixels of one image with its own
arrays, which LLVM turns into vector code; one loop that does it all is slower.

All of it is one file because numba's cache on disk notices a change in the file of the function
that is called, and in no other.
"""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32
from numba import int64 as i64
from numba import njit, uint8, uint32, uint64

from cifar10_aug import draws

# The one place that says how kernels are compiled. No fastmath: pixels must not depend on the
# machine. No parallel=True: tf.data calls kernels from several threads at once, which numba's
# threading layers do not all survive.
compiled = njit(nogil=True, cache=True, error_model="numpy")

FRACTION = 16
NEAREST, CONSTANT, REFLECT, MIRROR = range(4)
PACKED, LEVELS, FLOATS = range(3)
BORDERS = {"nearest": NEAREST, "constant": CONSTANT, "reflect": REFLECT, "mirror": MIRROR}
# Set in a pixel that shows a border's level instead of the image.
_PAINTED = 1 << 24

_LOW_BYTE = uint32(0xFF)
_RED_BLUE = uint32(0xFF00FF)
_BLUE = uint32(0xFF0000)
_LOW_HALF = uint32(0xFFFF)
_HALF_LEVEL = uint32(1 << 15)

philox = compiled(draws.philox)


def slack(width: int) -> int:
    """Spare elements that a source of images of this width needs at its end."""
    return width + 2


@compiled
def pack(images: np.ndarray, source: np.ndarray) -> None:
    """Packs uint8 [pixels, 3] into the front of a source."""
    for i in range(images.shape[0]):
        source[i] = (
            uint32(images[i, 0])
            | (uint32(images[i, 1]) << uint32(8))
            | (uint32(images[i, 2]) << uint32(16))
        )


@compiled
def draw_words(
    keys: np.ndarray, epoch: int, seed: int, positions: np.ndarray, slots: np.ndarray
) -> np.ndarray:
    """The random words of every op for every example.

    Args:
        keys: uint64 [batch], as `draws.example_keys` makes them.
        epoch, seed: uint64.
        positions, slots: int64 [ops], each op's position in the recipe and number of words.

    Returns:
        uint32 [sum of slots, batch].
    """
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    words = np.empty((slots.sum(), keys.shape[0]), np.uint32)
    row = 0
    for j in range(positions.shape[0]):
        base = uint64(positions[j]) << uint64(draws.POSITION_SHIFT)
        for b in range(keys.shape[0]):
            for first in range(0, slots[j], 4):
                four = philox(
                    keys[b] & mask,
                    keys[b] >> half,
                    epoch,
                    base | uint64(first // 4),
                    seed & mask,
                    seed >> half,
                )
                for lane in range(min(4, slots[j] - first)):
                    words[row + first + lane, b] = uint32(four[lane])
        row += slots[j]
    return words


@compiled
def shuffled(count: int, epoch: int, seed: int) -> np.ndarray:
    """A permutation of 0 … count - 1 (Fisher and Yates), keyed by epoch and seed; int64."""
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    position = uint64(draws.ORDER_POSITION) << uint64(draws.POSITION_SHIFT)
    order = np.arange(count)
    four = (uint64(0), uint64(0), uint64(0), uint64(0))
    for drawn in range(count - 1):
        i = count - 1 - drawn
        if drawn % 4 == 0:
            four = philox(uint64(drawn // 4), uint64(0), epoch, position, seed & mask, seed >> half)
        other = i64((four[drawn % 4] * uint64(i + 1)) >> half)
        order[i], order[other] = order[other], order[i]
    return order


@compiled
def _nearest_coordinates(
    matrix: np.ndarray, height: int, width: int, pixel: np.ndarray, wx: np.ndarray, wy: np.ndarray
) -> None:
    """Where each output pixel is read: by one map, with the nearest border.

    Writes the index of the upper left neighbour and the weights of the right and lower ones.
    """
    xx, xy, x0, yx, yy, y0 = matrix[0], matrix[1], matrix[2], matrix[3], matrix[4], matrix[5]
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
def _follow(
    matrix: np.ndarray, border: int, level: int, size: tuple[int, int], at: np.ndarray
) -> None:
    """Takes coordinates one map further and brings them back into the image.

    `at` holds x, y and the packed level of the first constant border met (0 for none), int64
    [3, pixels].
    """
    height, width = size
    m0, m1, m2 = i64(matrix[0]), i64(matrix[1]), i64(matrix[2])
    m3, m4, m5 = i64(matrix[3]), i64(matrix[4]), i64(matrix[5])
    half = i64(1) << (FRACTION - 1)
    xs, ys, painted = at[0], at[1], at[2]
    for i in range(xs.shape[0]):
        x = ((m0 * xs[i] + m1 * ys[i] + half) >> FRACTION) + m2
        ys[i] = ((m3 * xs[i] + m4 * ys[i] + half) >> FRACTION) + m5
        xs[i] = x
    if border == CONSTANT:
        last_x, last_y = i64(width - 1) << FRACTION, i64(height - 1) << FRACTION
        paint = i64(level) | i64(_PAINTED)
        for i in range(xs.shape[0]):
            x, y = xs[i], ys[i]
            inside = (x >= 0) & (x <= last_x) & (y >= 0) & (y <= last_y)
            painted[i] = painted[i] if inside or painted[i] else paint
    # Each rule in a loop of its own: with the rule constant, LLVM can vectorise the loop.
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
def _coordinates(
    matrices: np.ndarray,
    borders: np.ndarray,
    levels: np.ndarray,
    size: tuple[int, int],
    at: np.ndarray,
    pixel: np.ndarray,
    wx: np.ndarray,
    wy: np.ndarray,
) -> None:
    """As `_nearest_coordinates`, through several maps and with any border.

    The maps stand in the order in which an output pixel meets them.
    """
    height, width = size
    xs, ys = at[0], at[1]
    for y in range(height):
        for x in range(width):
            xs[y * width + x] = i64(x) << FRACTION
            ys[y * width + x] = i64(y) << FRACTION
    at[2] = 0
    for leg in range(matrices.shape[0]):
        _follow(matrices[leg], borders[leg], levels[leg], size, at)
    for i in range(xs.shape[0]):
        pixel[i] = i32((ys[i] >> FRACTION) * width + (xs[i] >> FRACTION))
        wx[i] = uint32((xs[i] >> i64(8)) & i64(255))
        wy[i] = uint32((ys[i] >> i64(8)) & i64(255))


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
def _copy_lattice(
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
        if border == CONSTANT and (sy < 0 or sy >= height):
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
                if border == CONSTANT:
                    line[out + x] = level
                else:
                    sx = _folded((step * x + x0) << FRACTION, width, border) >> FRACTION
                    line[out + x] = source[row + sx]


@compiled
def _paint_boxes(
    boxes: np.ndarray,
    colours: np.ndarray,
    noise: np.ndarray,
    key: int,
    epoch: int,
    seed: int,
    width: int,
    line: np.ndarray,
) -> None:
    """Fills each rectangle with its colour, or, where `noise` holds a counter base, with noise."""
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    for j in range(boxes.shape[0]):
        top, left, bottom, right = boxes[j, 0], boxes[j, 1], boxes[j, 2], boxes[j, 3]
        for y in range(top, bottom):
            for x in range(left, right):
                line[y * width + x] = colours[j]
        if noise[j] == uint64(0) or top == bottom:
            continue
        # The noise of a pixel does not depend on where the box is: lane i % 4 of block i // 4.
        for y in range(top, bottom):
            block = i64(-1)
            four = (uint64(0), uint64(0), uint64(0), uint64(0))
            for x in range(left, right):
                i = y * width + x
                if i // 4 != block:
                    block = i // 4
                    counter = noise[j] + uint64(block)
                    four = philox(
                        key & mask, key >> half, epoch, counter, seed & mask, seed >> half
                    )
                line[i] = uint32(four[i % 4]) & uint32(0xFFFFFF)


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
    matrices: np.ndarray,
    borders: np.ndarray,
    levels: np.ndarray,
    lattice: bool,
    boxes: np.ndarray,
    colours: np.ndarray,
    noise: np.ndarray,
    keys: np.ndarray,
    epoch: int,
    seed: int,
    kind: int,
    scale: np.ndarray,
    offset: np.ndarray,
    out: np.ndarray,
) -> None:
    """Makes one pass: gathers, resamples, paints boxes and hands out.

    Args:
        source: uint32 [images * height * width + slack], packed.
        rows: int64 [batch], which image of the source each example is.
        height, width: of every image.
        matrices: int32 [batch, legs, 6], 16.16 fixed point, in the order in which an output pixel
            meets them: the recipe's last op first.
        borders: int64 [legs], of `BORDERS`.
        levels: uint32 [legs], the packed level of a constant border.
        lattice: whether to copy instead of interpolating; then there is at most one leg.
        boxes: int64 [batch, boxes, 4]: top, left, bottom, right.
        colours: uint32 [batch, boxes], packed.
        noise: uint64 [boxes], the first counter of a box's noise, or 0 for a colour.
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
    legs = matrices.shape[1]
    for b in range(rows.shape[0]):
        start = rows[b] * pixels
        if legs == 0:
            for i in range(pixels):
                line[i] = source[start + i]
        elif lattice:
            _copy_lattice(source, start, matrices[b, 0], borders[0], levels[0], height, width, line)
        elif legs == 1 and borders[0] == NEAREST:
            _nearest_coordinates(matrices[b, 0], height, width, pixel, wx, wy)
            _gather(source, start, width, pixel, upper, lower)
            _blend(upper, lower, wx, wy, line)
        else:
            _coordinates(matrices[b], borders, levels, (height, width), at, pixel, wx, wy)
            _gather(source, start, width, pixel, upper, lower)
            _blend(upper, lower, wx, wy, line)
            _paint_border(at[2], line)
        _paint_boxes(boxes[b], colours[b], noise, keys[b], epoch, seed, width, line)
        _hand_out(line, kind, scale, offset, out[b])
