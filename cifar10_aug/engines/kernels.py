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
(
    NOTHING,
    BOX,
    NOISY_BOX,
    TABLE,
    CONTRAST,
    AUTOCONTRAST,
    EQUALIZE,
    CHANNEL_SHIFT,
    SATURATION,
    HUE,
    SHARPNESS,
    BLUR,
    NOISE,
) = range(13)
# The names are those of `ops.kinds.PROCESSES`.
PROCESSES = {
    "contrast": CONTRAST,
    "autocontrast": AUTOCONTRAST,
    "equalize": EQUALIZE,
    "channelshift": CHANNEL_SHIFT,
    "saturation": SATURATION,
    "hue": HUE,
    "sharpness": SHARPNESS,
    "blur": BLUR,
    "noise": NOISE,
}
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
    keys: np.ndarray, epochs: np.ndarray, seed: int, positions: np.ndarray, slots: np.ndarray
) -> np.ndarray:
    """The random words of every op for every example.

    Args:
        keys: uint64 [batch], as `draws.example_keys` makes them.
        epochs: uint64 [ops], the epoch that each op's words are keyed by.
        seed: uint64.
        positions, slots: int64 [ops], each op's position in the recipe and number of words.

    Returns:
        uint32 [sum of slots, batch].
    """
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    words = np.empty((slots.sum(), keys.shape[0]), np.uint32)
    row = 0
    for j in range(positions.shape[0]):
        base = uint64(positions[j]) << uint64(draws.POSITION_SHIFT)
        epoch = epochs[j]
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
def _paint_box(box: np.ndarray, colour: int, width: int, line: np.ndarray) -> None:
    """Fills the rectangle top, left, bottom, right."""
    for y in range(box[0], box[2]):
        for x in range(box[1], box[3]):
            line[y * width + x] = colour


@compiled
def _paint_noise(
    box: np.ndarray, base: int, key: int, epoch: int, seed: int, width: int, line: np.ndarray
) -> None:
    """Fills a rectangle with independent levels, drawn from the counters behind `base`."""
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    # The noise of a pixel does not depend on where the box is: lane i % 4 of block i // 4.
    for y in range(box[0], box[2]):
        block = i64(-1)
        four = (uint64(0), uint64(0), uint64(0), uint64(0))
        for x in range(box[1], box[3]):
            i = y * width + x
            if i // 4 != block:
                block = i // 4
                counter = base + uint64(block)
                four = philox(key & mask, key >> half, epoch, counter, seed & mask, seed >> half)
            line[i] = uint32(four[i % 4]) & uint32(0xFFFFFF)


@compiled
def _channels(packed: int) -> tuple[int, int, int]:
    return (
        i32(packed & _LOW_BYTE),
        i32((packed >> uint32(8)) & _LOW_BYTE),
        i32((packed >> uint32(16)) & _LOW_BYTE),
    )


@compiled
def _packed(red: int, green: int, blue: int) -> int:
    return uint32(red) | (uint32(green) << uint32(8)) | (uint32(blue) << uint32(16))


@compiled
def _level(value: float) -> int:
    """A level, as Pillow makes one: fractions and what lies outside are cut off."""
    return i32(min(max(value, 0.0), 255.0))


@compiled
def _look_up(tables: np.ndarray, line: np.ndarray) -> None:
    """Replaces levels by uint8 [3, 256], a table for each channel."""
    for i in range(line.shape[0]):
        red, green, blue = _channels(line[i])
        line[i] = _packed(tables[0, red], tables[1, green], tables[2, blue])


@compiled
def _grey(red: int, green: int, blue: int) -> int:
    """As Pillow weighs the channels: ITU-R BT.601 in 16.16 fixed point."""
    return (i64(19595) * red + i64(38470) * green + i64(7471) * blue + i64(0x8000)) >> i64(16)


@compiled
def _saturate(factor: float, line: np.ndarray) -> None:
    for i in range(line.shape[0]):
        r, g, b = _channels(line[i])
        grey = _grey(r, g, b)
        line[i] = _packed(
            _level(grey + factor * (r - grey)),
            _level(grey + factor * (g - grey)),
            _level(grey + factor * (b - grey)),
        )


@compiled
def _contrast(factor: float, line: np.ndarray, tables: np.ndarray) -> None:
    total = i64(0)
    for i in range(line.shape[0]):
        r, g, b = _channels(line[i])
        total += _grey(r, g, b)
    mean = np.floor(total / line.shape[0] + 0.5)
    for level in range(256):
        tables[:, level] = _level(mean + factor * (level - mean))
    _look_up(tables, line)


@compiled
def _histograms(line: np.ndarray, counts: np.ndarray) -> None:
    """Counts levels: int64 [3, 256]."""
    counts[:] = 0
    for i in range(line.shape[0]):
        r, g, b = _channels(line[i])
        counts[0, r] += 1
        counts[1, g] += 1
        counts[2, b] += 1


@compiled
def _least_and_greatest(counts: np.ndarray) -> tuple[int, int]:
    """Of the levels that occur in int64 [256]."""
    low, high = 0, 255
    while counts[low] == 0:
        low += 1
    while counts[high] == 0:
        high -= 1
    return low, high


@compiled
def _autocontrast(line: np.ndarray, counts: np.ndarray, tables: np.ndarray) -> None:
    _histograms(line, counts)
    for channel in range(3):
        low, high = _least_and_greatest(counts[channel])
        scale = 255.0 / (high - low) if high > low else 1.0
        offset = -low * scale if high > low else 0.0
        for level in range(256):
            tables[channel, level] = _level(level * scale + offset)
    _look_up(tables, line)


@compiled
def _equalize(line: np.ndarray, counts: np.ndarray, tables: np.ndarray) -> None:
    _histograms(line, counts)
    for channel in range(3):
        low, high = _least_and_greatest(counts[channel])
        step = (line.shape[0] - counts[channel, high]) // 255
        below = step // 2
        for level in range(256):
            unchanged = step == 0 or low == high
            tables[channel, level] = level if unchanged else min(below // max(step, 1), 255)
            below += counts[channel, level]
    _look_up(tables, line)


@compiled
def _channel_shift(by: float, line: np.ndarray, counts: np.ndarray, tables: np.ndarray) -> None:
    _histograms(line, counts)
    counts[0] += counts[1] + counts[2]
    low, high = _least_and_greatest(counts[0])
    for level in range(256):
        tables[:, level] = _level(min(max(level + by, float(low)), float(high)))
    _look_up(tables, line)


@compiled
def _turn_hue(by: float, line: np.ndarray) -> None:
    """Adds to the hue of HSV, `by` in full circles; rounds."""
    for i in range(line.shape[0]):
        r, g, b = _channels(line[i])
        most, least = max(r, g, b), min(r, g, b)
        chroma = float(most - least)
        if most == least:
            continue
        # The hue in sixths of a circle.
        if most == r:
            hue = (g - b) / chroma
        elif most == g:
            hue = (b - r) / chroma + 2.0
        else:
            hue = (r - g) / chroma + 4.0
        hue += 6.0 * by
        hue -= 6.0 * np.floor(hue / 6.0)
        # Distance from the nearest of red, green and blue says how much of each is left.
        red = float(most) - chroma * (1.0 - min(max(abs(hue - 3.0) - 1.0, 0.0), 1.0))
        green = float(most) - chroma * (1.0 - min(max(2.0 - abs(hue - 2.0), 0.0), 1.0))
        blue = float(most) - chroma * (1.0 - min(max(2.0 - abs(hue - 4.0), 0.0), 1.0))
        line[i] = _packed(_level(red + 0.5), _level(green + 0.5), _level(blue + 0.5))


@compiled
def _sharpen(factor: float, height: int, width: int, line: np.ndarray) -> None:
    """Blends with the image smoothed by (1 1 1, 1 5 1, 1 1 1) / 13; its border stays as it is."""
    before = line.copy()
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            centre = y * width + x
            red, green, blue = i32(0), i32(0), i32(0)
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    r, g, b = _channels(before[centre + dy * width + dx])
                    weight = i32(5) if dx == 0 and dy == 0 else i32(1)
                    red, green, blue = red + weight * r, green + weight * g, blue + weight * b
            r, g, b = _channels(before[centre])
            red, green, blue = (2 * red + 13) // 26, (2 * green + 13) // 26, (2 * blue + 13) // 26
            line[centre] = _packed(
                _level(red + factor * (r - red)),
                _level(green + factor * (g - green)),
                _level(blue + factor * (b - blue)),
            )


@compiled
def _reflected(size: int, radius: int) -> np.ndarray:
    """Where to find pixels -radius to size - 1 + radius of a line; int64."""
    places = np.empty(size + 2 * radius, np.int64)
    for i in range(places.shape[0]):
        places[i] = _folded(i64(i - radius) << FRACTION, size, REFLECT) >> FRACTION
    return places


@compiled
def _blur(weights: np.ndarray, height: int, width: int, line: np.ndarray) -> None:
    """Convolves sideways and then downwards, the image reflected at its border; rounds once.

    Args:
        weights: float64 [radius + 1], from the centre outwards.
        height, width, line: the image.
    """
    radius = weights.shape[0] - 1
    while radius > 0 and weights[radius] == 0.0:
        radius -= 1
    columns, rows = _reflected(width, radius), _reflected(height, radius)
    before = line.copy()
    padded = np.empty(width + 2 * radius, np.float64)
    sideways = np.empty((height, width), np.float64)
    total = np.empty(width, np.float64)
    line[:] = 0
    for shift in range(0, 24, 8):
        for y in range(height):
            for x in range(padded.shape[0]):
                packed = before[y * width + columns[x]]
                padded[x] = float((packed >> uint32(shift)) & _LOW_BYTE)
            total[:] = 0.0
            for k in range(2 * radius + 1):
                weight = weights[abs(k - radius)]
                for x in range(width):
                    total[x] += weight * padded[x + k]
            sideways[y] = total
        for y in range(height):
            total[:] = 0.0
            for k in range(2 * radius + 1):
                weight = weights[abs(k - radius)]
                source = sideways[rows[y + k]]
                for x in range(width):
                    total[x] += weight * source[x]
            for x in range(width):
                line[y * width + x] |= uint32(_level(total[x] + 0.5)) << uint32(shift)


@compiled
def _add_noise(
    sigma: float,
    quantiles: np.ndarray,
    base: int,
    key: int,
    epoch: int,
    seed: int,
    line: np.ndarray,
) -> None:
    """Adds normal noise: 16 random bits choose one of the distribution's 65,536 quantiles."""
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    low = uint64(0xFFFF)
    four = (uint64(0), uint64(0), uint64(0), uint64(0))
    for i in range(line.shape[0]):
        # A block of four words serves two pixels, with two 16-bit halves to spare.
        if i % 2 == 0:
            counter = base + uint64(i // 2)
            four = philox(key & mask, key >> half, epoch, counter, seed & mask, seed >> half)
            one, two, three = four[0] & low, four[0] >> uint64(16), four[1] & low
        else:
            one, two, three = four[2] & low, four[2] >> uint64(16), four[3] & low
        r, g, b = _channels(line[i])
        line[i] = _packed(
            _level(r + sigma * quantiles[one] + 0.5),
            _level(g + sigma * quantiles[two] + 0.5),
            _level(b + sigma * quantiles[three] + 0.5),
        )


@compiled
def _stroke(
    code: int,
    box: np.ndarray,
    number: float,
    tables: np.ndarray,
    weights: np.ndarray,
    quantiles: np.ndarray,
    base: int,
    key: int,
    epoch: int,
    seed: int,
    height: int,
    width: int,
    line: np.ndarray,
    counts: np.ndarray,
    made_tables: np.ndarray,
) -> None:
    """Does one stroke to one image; arguments as for `render`."""
    if code == BOX:
        _paint_box(box, uint32(number), width, line)
    elif code == NOISY_BOX:
        _paint_noise(box, base, key, epoch, seed, width, line)
    elif code == TABLE:
        _look_up(tables, line)
    elif code == SATURATION:
        _saturate(number, line)
    elif code == CONTRAST:
        _contrast(number, line, made_tables)
    elif code == AUTOCONTRAST:
        _autocontrast(line, counts, made_tables)
    elif code == EQUALIZE:
        _equalize(line, counts, made_tables)
    elif code == CHANNEL_SHIFT:
        _channel_shift(number, line, counts, made_tables)
    elif code == HUE:
        _turn_hue(number, line)
    elif code == SHARPNESS:
        _sharpen(number, height, width, line)
    elif code == BLUR:
        _blur(weights, height, width, line)
    elif code == NOISE:
        _add_noise(number, quantiles, base, key, epoch, seed, line)


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
    codes: np.ndarray,
    boxes: np.ndarray,
    numbers: np.ndarray,
    tables: np.ndarray,
    weights: np.ndarray,
    quantiles: np.ndarray,
    bases: np.ndarray,
    keys: np.ndarray,
    epoch: int,
    seed: int,
    kind: int,
    scale: np.ndarray,
    offset: np.ndarray,
    out: np.ndarray,
) -> None:
    """Makes one pass: gathers, resamples, paints and recolours, and hands out.

    Args:
        source: uint32 [images * height * width + slack], packed.
        rows: int64 [batch], which image of the source each example is.
        height, width: of every image.
        matrices: int32 [batch, legs, 6], 16.16 fixed point, in the order in which an output pixel
            meets them: the recipe's last op first.
        borders: int64 [legs], of `BORDERS`.
        levels: uint32 [legs], the packed level of a constant border.
        lattice: whether to copy instead of interpolating; then there is at most one leg.
        codes: int64 [batch, strokes], what is done, NOTHING to NOISE, in order.
        boxes: int64 [batch, strokes, 4]: top, left, bottom, right.
        numbers: float64 [batch, strokes]: a box's packed colour, or how much of a process.
        tables: uint8 [batch, strokes, 3, 256], for each channel what becomes of each level.
        weights: float64 [batch, strokes, radius + 1], of blurs, from the centre outwards.
        quantiles: float64 [65536], of the normal distribution.
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
    counts = np.empty((3, 256), np.int64)
    made_tables = np.empty((3, 256), np.uint8)
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
        for j in range(codes.shape[1]):
            _stroke(
                codes[b, j],
                boxes[b, j],
                numbers[b, j],
                tables[b, j],
                weights[b, j],
                quantiles,
                bases[j],
                keys[b],
                epoch,
                seed,
                height,
                width,
                line,
                counts,
                made_tables,
            )
        _hand_out(line, kind, scale, offset, out[b])
