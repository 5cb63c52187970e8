"""What is left of images that are written to JPEG files and read again, without the files.

Bits are lost on the way to a file and back, but none by the file: its code is lossless. So colours
are converted, halved in size, transformed, rounded to steps, and all of that undone, by the
integers that libjpeg's default method works with, and the levels are those of Pillow, which saves
by it. ITU-T T.81 describes the steps, ITU-T T.871 the colours, and the transform is the factorised
one of Loeffler, Ligtenberg and Moschytz (ICASSP 1989), whose constants have 13 bits.

An image is worked on in squares of 16 by 16 pixels: four blocks of 8 by 8 of brightness, one of
each colour, which has half of the resolution. Rows and columns are transformed by the same code:
it goes down columns, so that lines of 16 are independent lanes, and blocks are transposed between.
"""

from __future__ import annotations

import functools

import numpy as np
from numba import int32 as i32
from numba import uint32

from cifar10_aug.engines import jpeg_tables
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inlined, inner
from cifar10_aug.engines.numba.kernels.memory import transpose
from cifar10_aug.engines.numba.kernels.pixels import LOW_BYTE, channels, packed

# A square of coefficients, or of levels less 128: brightness of its left half [8, 16], of its right
# half, then colours. While images are transposed, lines are columns.
_SQUARE = 384
_COLOURS = 256
_16, _S16 = uint32(16), i32(16)
_ODD, (_, _2, _, _6) = jpeg_tables.ODD, jpeg_tables.EVEN
# Half a level in 16.16 fixed point, and 128 less or more; halves of colours are rounded down.
_LESS_128, _MORE_128 = i32(32768 - (128 << 16)), i32(32767 + (128 << 16))
# Bits after the point of a step's inverse: with them, 11 bits are divided by 8 exactly.
_BITS = 19


@functools.cache
def _divisors() -> np.ndarray:
    """Steps, and 2**19 divided by them, rounded up: int32 [quality, 2, 384], as a square lies."""
    steps = jpeg_tables.steps()
    halves = [np.tile(steps[:, table], (1, 1, 2)).reshape(-1, 128) for table in (0, 0, 1)]
    square = np.concatenate(halves, axis=1)
    return np.stack([square, -(-(1 << _BITS) // square)], axis=1).astype(np.int32)


def round_trip(canvas: Canvas, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Writes JPEGs of a quality, [1, n], 1 to 100, and reads them."""
    _round_trip(canvas, rows, numbers[0].astype(np.int64), _divisors())


@compiled
def _round_trip(
    canvas: Canvas, rows: np.ndarray, qualities: np.ndarray, divisors: np.ndarray
) -> None:
    """Works on each image where it is, or on a copy whose edges are repeated to whole squares."""
    height, width = canvas.height, canvas.width
    down, across = (height + 15) & -16, (width + 15) & -16
    whole = down == height and across == width
    square, pixels = np.empty(_SQUARE, np.int32), np.empty(256, np.uint32)
    halved = np.empty(256, np.uint32)
    colours = np.empty((down >> 1) * (across >> 1), np.uint32)
    wide = np.empty((4, across), np.uint32)
    image = np.empty(0 if whole else down * across, np.uint32)
    for n in range(rows.shape[0]):
        line = canvas.pixels[rows[n]]
        if whole:
            image = line
        else:
            for y in range(down):
                for x in range(across):
                    image[y * across + x] = line[min(y, height - 1) * width + min(x, width - 1)]
        steps, factors = divisors[qualities[n], 0], divisors[qualities[n], 1]
        for top in range(0, height, 16):
            for left in range(0, width, 16):
                first = top * across + left
                for y in (0, 8):
                    for x in (0, 8):
                        transpose(image, first + y * across + x, across, pixels, 16 * x + y, 16)
                _convert(pixels, square, halved)
                _repeat_last(square, (min(height - top, 16) + 1) >> 1)
                _forward(square, i32(1 << 10), i32(11))
                _transpose_blocks(square)
                _forward(square, i32(1 << 14), i32(15))
                _quantise(square, steps, factors)
                _inverse(square, i32(1 << 10), i32(11))
                _transpose_blocks(square)
                # Adds the 128 that levels are less.
                _inverse(square, i32((1 << 17) + (128 << 18)), i32(18))
                _limit(square, pixels, halved)
                # Brightness is kept in the image until colours of all squares are there.
                for y in (0, 8):
                    for x in (0, 8):
                        transpose(pixels, 16 * x + y, 16, image, first + y * across + x, across)
                place = (top >> 1) * (across >> 1) + (left >> 1)
                transpose(halved, 0, 8, colours, place, across >> 1)
        _colour(image, height, width, colours, wide)
        if not whole:
            for y in range(height):
                for x in range(width):
                    line[y * width + x] = image[y * across + x]


@inner
def _convert(pixels: np.ndarray, square: np.ndarray, halved: np.ndarray) -> None:
    """Brightness and colours of pixels, less 128."""
    for i in range(256):
        red, green, blue = channels(pixels[i])
        level = i32(i32(19595) * red + i32(38470) * green + i32(7471) * blue + _LESS_128)
        square[i] = level >> _S16
        bluish = i32(i32(32768) * blue - i32(11059) * red - i32(21709) * green + _MORE_128)
        reddish = i32(i32(32768) * red - i32(27439) * green - i32(5329) * blue + _MORE_128)
        halved[i] = (uint32(bluish) >> _16) | (uint32(reddish) & uint32(0xFFFF0000))
    for x in range(8):
        one, two, to = halved[32 * x :], halved[32 * x + 16 :], square[_COLOURS + 16 * x :]
        # Halves are rounded down and up in turn.
        bias = uint32(0x20002) if x & 1 else uint32(0x10001)
        for y in range(8):
            four = uint32(one[2 * y] + one[2 * y + 1]) + uint32(two[2 * y] + two[2 * y + 1])
            four = uint32(uint32(four) + bias)
            to[y] = i32((four >> uint32(2)) & LOW_BYTE) - i32(128)
            to[y + 8] = i32(four >> uint32(18)) - i32(128)


@inner
def _repeat_last(square: np.ndarray, rows: int) -> None:
    """Repeats the last row of colours that the image has, 1 to 8 of a square."""
    for x in range(16):
        column = square[_COLOURS + 8 * x :]
        for y in range(rows, 8):
            column[y] = column[rows - 1]


@inner
def _transpose_blocks(square: np.ndarray) -> None:
    for half in range(0, _SQUARE, 128):
        transpose(square, half, 16, square, half, 16)
        transpose(square, half + 8, 16, square, half + 8, 16)


@inner
def _forward(square: np.ndarray, half: int, shift: int) -> None:
    """The cosine transform down the columns of a square, times 8 ** 0.5 and 2 ** (13 - shift)."""
    shift &= i32(31)
    for band in range(0, _SQUARE, 128):
        at = square[band : band + 128]
        for i in range(16):
            a, b, c, d = at[i], at[i + 16], at[i + 32], at[i + 48]
            e, f, g, h = at[i + 64], at[i + 80], at[i + 96], at[i + 112]
            s, t, u, v = i32(a + h), i32(b + g), i32(c + f), i32(d + e)
            p, q, x, y = i32(s + v), i32(t + u), i32(s - v), i32(t - u)
            at[i] = i32(i32(8192) * i32(p + q) + half) >> shift
            at[i + 64] = i32(i32(8192) * i32(p - q) + half) >> shift
            at[i + 32] = i32(i32(_2[0]) * x + i32(_2[1]) * y + half) >> shift
            at[i + 96] = i32(i32(_6[0]) * x + i32(_6[1]) * y + half) >> shift
            one, three, five, seven = _odd(i32(a - h), i32(b - g), i32(c - f), i32(d - e))
            at[i + 16] = i32(one + half) >> shift
            at[i + 48] = i32(three + half) >> shift
            at[i + 80] = i32(five + half) >> shift
            at[i + 112] = i32(seven + half) >> shift


@inner
def _inverse(square: np.ndarray, half: int, shift: int) -> None:
    """Undoes `_forward`: the transposed transform, of which `shift` bits are cut off."""
    shift &= i32(31)
    for band in range(0, _SQUARE, 128):
        at = square[band : band + 128]
        for i in range(16):
            a, c, e, g = at[i], at[i + 32], at[i + 64], at[i + 96]
            p, q = i32(i32(8192) * i32(a + e) + half), i32(i32(8192) * i32(a - e) + half)
            x = i32(i32(_2[0]) * c + i32(_6[0]) * g)
            y = i32(i32(_2[1]) * c + i32(_6[1]) * g)
            s, t, u, v = i32(p + x), i32(q + y), i32(q - y), i32(p - x)
            k, m, n, o = _odd(at[i + 16], at[i + 48], at[i + 80], at[i + 112])
            at[i], at[i + 112] = i32(s + k) >> shift, i32(s - k) >> shift
            at[i + 16], at[i + 96] = i32(t + m) >> shift, i32(t - m) >> shift
            at[i + 32], at[i + 80] = i32(u + n) >> shift, i32(u - n) >> shift
            at[i + 48], at[i + 64] = i32(v + o) >> shift, i32(v - o) >> shift


@inner
def _odd(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    """Rows 1, 3, 5 and 7 of the transform, of differences; it is symmetric."""
    return (
        _sum(_ODD[0], a, b, c, d),
        _sum(_ODD[1], a, b, c, d),
        _sum(_ODD[2], a, b, c, d),
        _sum(_ODD[3], a, b, c, d),
    )


@inner
def _sum(row: tuple[int, int, int, int], a: int, b: int, c: int, d: int) -> int:
    return i32(i32(row[0]) * a + i32(row[1]) * b + i32(row[2]) * c + i32(row[3]) * d)


@inner
def _quantise(square: np.ndarray, steps: np.ndarray, factors: np.ndarray) -> None:
    """Rounds coefficients, times 8 so far, to multiples of a step."""
    for i in range(_SQUARE):
        value, step = square[i], steps[i]
        count = i32(i32(i32(abs(value)) + i32(4) * step) >> i32(3))
        size = i32(i32(i32(count * factors[i]) >> i32(_BITS)) * step)
        square[i] = size if value >= 0 else i32(-size)


@inlined
def _level(value: int) -> int:
    return min(max(value, i32(0)), i32(255))


@inner
def _limit(square: np.ndarray, levels: np.ndarray, colours: np.ndarray) -> None:
    """Makes levels of a square: brightness, and 64 packed colours."""
    for i in range(256):
        levels[i] = uint32(_level(square[i]))
    for x in range(8):
        of, to = square[_COLOURS + 16 * x :], colours[8 * x :]
        for y in range(8):
            to[y] = uint32(_level(of[y])) | (uint32(_level(of[y + 8])) << _16)


@inner
def _colour(
    image: np.ndarray, height: int, width: int, colours: np.ndarray, wide: np.ndarray
) -> None:
    """Makes pixels of an image's brightness, in place, and of its colours.

    A pixel has 9/16 of the nearest of the colours, 3/16 of those beside and above or below, 1/16
    of the fourth; in images of up to four columns, the nearest alone.

    Args:
        image: uint32, of a width of whole squares.
        height, width: what is wanted of it.
        colours: uint32, packed, of half of that width.
        wide: uint32 [4, width of whole squares], for rows of colours.
    """
    across = wide.shape[1]
    rows, columns = (height + 1) >> 1, (width + 1) >> 1
    for y in range(-1, height):
        near = y >> 1
        if y & 1 and near + 1 < rows:
            below = (near + 1) * (across >> 1)
            _widen(colours[below : below + columns], wide[(near + 1) & 3])
        if y >= 0:
            far = min(max(near + 2 * (y & 1) - 1, 0), rows - 1) if columns > 2 else near
            first = y * across
            _paint(image[first : first + width], wide[near & 3], wide[far & 3])


@inner
def _widen(colours: np.ndarray, wide: np.ndarray) -> None:
    """Four times the colours of a row at twice as many places."""
    last = colours.shape[0] - 1
    if last < 2:
        for i in range(last + 1):
            wide[2 * i] = wide[2 * i + 1] = uint32(uint32(4) * colours[i])
        return
    wide[0], wide[2 * last + 1] = uint32(4) * colours[0], uint32(4) * colours[last]
    right, between = colours[1:], wide[1:]
    for i in range(last):
        a, b = colours[i], right[i]
        between[2 * i] = uint32(uint32(3) * a + b)
        between[2 * i + 1] = uint32(uint32(3) * b + a)


@inner
def _paint(row: np.ndarray, near: np.ndarray, far: np.ndarray) -> None:
    """Makes pixels of a row of brightness, in place, and of two rows of colours."""
    for x in range(row.shape[0]):
        # Halves are rounded up and down in turn.
        bias = uint32(0x80008) - uint32(0x10001) * uint32(x & 1)
        sixteen = uint32(uint32(uint32(3) * near[x] + far[x]) + bias)
        bluish = i32(i32((sixteen >> uint32(4)) & LOW_BYTE) - i32(128))
        reddish = i32(i32(sixteen >> uint32(20)) - i32(128))
        level = i32(row[x])
        green = i32(i32(32768) - i32(22554) * bluish - i32(46802) * reddish) >> _S16
        row[x] = packed(
            _level(i32(level + (i32(i32(91881) * reddish + i32(32768)) >> _S16))),
            _level(i32(level + green)),
            _level(i32(level + (i32(i32(116130) * bluish + i32(32768)) >> _S16))),
        )
