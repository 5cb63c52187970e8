"""Compiled maps that take rows to rows and columns to columns: they are read axis by axis."""

from __future__ import annotations

import numpy as np
from numba import int64 as i64
from numba import uint32, uint64

from cifar10_aug.engines.fixed_point import FRACTION
from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.coordinates import folded, follow
from cifar10_aug.engines.numba.kernels.pass_arguments import AFFINE, CONSTANT, EDGE, Warps

_LOW_BYTE = uint32(0xFF)
_RED_BLUE = uint32(0xFF00FF)
_LOW_HALF = uint32(0xFFFF)
_HALF_LEVEL = uint32(1 << 15)


@compiled
def copy_aligned(
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
    painted = border in (CONSTANT, EDGE)
    step = i64(matrix[0]) >> FRACTION
    x0, y0 = i64(matrix[2]) >> FRACTION, i64(matrix[5]) >> FRACTION
    row_step = i64(matrix[4]) >> FRACTION
    # Output columns [first, last) lie inside the image.
    first = max(i64(0), -x0) if step > 0 else max(i64(0), x0 - (width - 1))
    last = min(i64(width), width - x0) if step > 0 else min(i64(width), x0 + 1)
    first = min(first, i64(width))
    last = max(first, last)
    for y in range(height):
        sy = row_step * y + y0
        if (sy < 0 or sy >= height) and not painted:
            sy = folded(sy << FRACTION, height, border) >> FRACTION
        outside = sy < 0 or sy >= height
        row, left = start + sy * width, i64(width) if outside else first
        out, inside = uint64(y * width), uint64(y * width + first)
        # Unsigned, since an index that may be negative keeps loops from becoming vector code.
        read = uint64(row + step * first + x0)
        if not outside and step > 0:
            for x in range(last - first):
                line[inside + uint64(x)] = source[read + uint64(x)]
        elif not outside:
            for x in range(last - first):
                line[inside + uint64(x)] = source[read - uint64(x)]
        for part in range(2):
            begin, end = (i64(0), left) if part == 0 else (max(left, last), i64(width))
            for x in range(begin, end):
                if painted:
                    line[out + uint64(x)] = level
                else:
                    sx = folded((step * x + x0) << FRACTION, width, border) >> FRACTION
                    line[out + uint64(x)] = source[uint64(row + sx)]


@compiled
def takes_onto_itself(matrices: np.ndarray, example: int, height: int, width: int) -> bool:
    """Whether an example's only map, or none, leaves the image as it is or mirrors it."""
    if matrices.shape[1] == 0:
        return True
    across, down = matrices[example, 0, 0] < 0, matrices[example, 0, 4] < 0
    right, below = i64(width - 1) << FRACTION, i64(height - 1) << FRACTION
    straight = matrices[example, 0, 2] == (right if across else i64(0))
    return straight and matrices[example, 0, 5] == (below if down else i64(0))


@compiled
def mirror_levels(
    stored: np.ndarray,
    start: int,
    height: int,
    width: int,
    matrices: np.ndarray,
    example: int,
    out: np.ndarray,
) -> None:
    """Copies an image that is stored as levels, mirrored as its map says, to out[example]."""
    across = matrices.shape[1] > 0 and matrices[example, 0, 0] < 0
    down = matrices.shape[1] > 0 and matrices[example, 0, 4] < 0
    one, two, three, whole = uint64(1), uint64(2), uint64(3), uint64(3 * width)
    n = uint64(example)
    for y in range(height):
        read = uint64(start + 3 * width * (height - 1 - y if down else y))
        wrote = whole * uint64(y)
        if not across:
            _copy(stored, read, whole, out, n, wrote)
            continue
        read += whole - three
        for x in range(width):
            k = three * uint64(x)
            out[n, wrote + k] = stored[read - k]
            out[n, wrote + k + one] = stored[read - k + one]
            out[n, wrote + k + two] = stored[read - k + two]


@compiled
def _copy(
    source: np.ndarray,
    read: np.uint64,
    count: np.uint64,
    out: np.ndarray,
    n: np.uint64,
    wrote: np.uint64,
) -> None:
    """By itself, since LLVM makes no vector code of it in a loop over rows."""
    for i in range(count):
        out[n, wrote + i] = source[read + i]


@compiled
def is_straight(warps: Warps, example: int) -> bool:
    """Whether an example's maps mix no rows and columns, and no border is painted."""
    for warp in range(warps.kinds.shape[0]):
        if warps.kinds[warp] != AFFINE or warps.borders[warp] in (CONSTANT, EDGE):
            return False
        matrix = warps.matrices[example, warp]
        if matrix[1] != 0 or matrix[3] != 0:
            return False
    return True


@compiled
def gather_straight(
    source: np.ndarray,
    start: int,
    size: tuple[int, int],
    warps: Warps,
    example: int,
    at: np.ndarray,
    pairs: np.ndarray,
    weights: np.ndarray,
) -> tuple[int, int]:
    """Reads the rows that are seen, each column with its right neighbour; which rows: [low, high).

    Args:
        source, start, size, warps, example: as for the others.
        at: int64 [3, pixels], written: where columns are read, and where rows are.
        pairs: uint64 [pixels], written: two pixels for each row that is read and column.
        weights: uint32 [pixels], written: those of right neighbours.
    """
    height, width = size
    longer = max(height, width)
    xs, ys = at[0, :longer], at[1, :longer]
    for i in range(longer):
        xs[i] = i64(i) << FRACTION
        ys[i] = i64(i) << FRACTION
    # On the diagonal, since columns and rows have nothing to do with each other.
    follow(warps, example, size, xs, ys, at[2, :longer])
    low, high = i64(height), i64(0)
    for y in range(height):
        low, high = min(low, ys[y] >> FRACTION), max(high, ys[y] >> FRACTION)
    high = min(high + 2, i64(height))
    for row in range(low, high):
        read, out = start + row * width, uint64(row * width)
        for x in range(width):
            k = uint64(read + (xs[x] >> FRACTION))
            pair = uint64(source[k]) | (uint64(source[k + uint64(1)]) << uint64(32))
            pairs[out + uint64(x)] = pair
    for row in range(low, high):
        out = uint64(row * width)
        for x in range(width):
            weights[out + uint64(x)] = uint32((xs[x] >> i64(8)) & i64(255))
    return low, high


@compiled
def blend_columns(
    pairs: np.ndarray,
    weights: np.ndarray,
    first: np.uint64,
    stop: np.uint64,
    red_blue: np.ndarray,
    green: np.ndarray,
) -> None:
    """Blends pixels from `first` on with their right neighbours, and keeps 16 bits a channel."""
    eight = uint32(8)
    for i in range(first, stop):
        a, b = uint32(pairs[i] & uint64(0xFFFFFFFF)), uint32(pairs[i] >> uint64(32))
        left = a & _RED_BLUE
        red_blue[i] = (left << eight) + ((b & _RED_BLUE) - left) * weights[i]
        left = (a >> eight) & _LOW_BYTE
        green[i] = (left << eight) + (((b >> eight) & _LOW_BYTE) - left) * weights[i]


@compiled
def blend_rows(
    red_blue: np.ndarray, green: np.ndarray, ys: np.ndarray, size: tuple[int, int], line: np.ndarray
) -> None:
    """Blends each row with the one below, and rounds: to the last bit what `render` rounds to."""
    height, width = size
    eight, sixteen = uint32(8), uint32(16)
    for y in range(height):
        row = ys[y] >> FRACTION
        # Beyond the last row, the weight is 0.
        upper, lower = uint64(row * width), uint64(min(row + 1, i64(height - 1)) * width)
        out, weight = uint64(y * width), uint32((ys[y] >> i64(8)) & i64(255))
        for x in range(width):
            top, bottom = red_blue[upper + uint64(x)], red_blue[lower + uint64(x)]
            g0, g1 = green[upper + uint64(x)], green[lower + uint64(x)]
            r0, r1 = top & _LOW_HALF, bottom & _LOW_HALF
            b0, b1 = top >> sixteen, bottom >> sixteen
            r = uint32((r0 << eight) + (r1 - r0) * weight + _HALF_LEVEL) >> sixteen
            g = uint32((g0 << eight) + (g1 - g0) * weight + _HALF_LEVEL) >> sixteen
            b = uint32((b0 << eight) + (b1 - b0) * weight + _HALF_LEVEL) >> sixteen
            line[out + uint64(x)] = r | (g << eight) | (b << sixteen)
