"""Compiled random displacements that are smooth.

A convolution that reflects at the border keeps apart what is even and what is odd about the middle,
each of which is half as long: lines are folded, multiplied with two matrices, and unfolded. Such
sums may differ from those in order in their last bits. Where that could change a displacement, it
is made again in order.
"""

from __future__ import annotations

import numpy as np
from numba import int32 as i32

from cifar10_aug.engines.fixed_point import FARTHEST, ONE
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inlined, inner
from cifar10_aug.engines.numba.kernels.convolution import convolve, reflected
from cifar10_aug.engines.numba.kernels.memory import turn
from cifar10_aug.engines.numba.kernels.philox import fill_noise, from_minus_one

# Lines that are summed at once.
_AT_ONCE = 8


def smooth(
    canvas: Canvas, weights: np.ndarray, alphas: np.ndarray, out: np.ndarray, place: int
) -> None:
    """Uniform noise from -1 to 1, convolved sideways and downwards, times alpha.

    Args:
        canvas: says the size and keys the noise.
        weights: float64 [batch, radius + 1], from the centre outwards.
        alphas: float64 [batch], in pixels.
        out: int32 [batch or more, …, 2, pixels], 16.16 fixed point; x and then y displacements are
            written to [:batch, place].
        place: see `out`.
    """
    left = alphas != 0.0
    # Narrow kernels are quicker in order.
    if 2 * weights.shape[1] - 1 < (canvas.height + 1) // 2 + 4:
        out[: len(left)][~left, place] = 0
    else:
        # Larger ones might not fit into 32 bits.
        left &= alphas * ONE > 0.5 * FARTHEST
        _smooth_folded(canvas, weights, alphas, left, out, place)
    if left.any():
        _smooth_in_order(canvas, weights, alphas, left, out, place)


@compiled
def _smooth_in_order(
    canvas: Canvas,
    weights: np.ndarray,
    alphas: np.ndarray,
    left: np.ndarray,
    out: np.ndarray,
    place: int,
) -> None:
    """Does those that are left, bool [batch], by sums in order, which say what they are."""
    height, width = canvas.height, canvas.width
    words = np.empty((4, (height * width + 1) // 2), np.uint32)
    noise = np.empty((2, 2 * words.shape[1]), np.float64)
    smoothed = np.empty((height, width), np.float64)
    flattened = smoothed.reshape(height * width)
    radius = weights.shape[1] - 1
    columns, rows = reflected(width, radius), reflected(height, radius)
    for n in range(alphas.shape[0]):
        if not left[n]:
            continue
        # A block of four words serves two pixels.
        fill_noise(canvas, n, words)
        for axis in range(2):
            even, odd, flat = words[axis], words[2 + axis], noise[axis]
            for i in range(even.shape[0]):
                flat[2 * i], flat[2 * i + 1] = from_minus_one(even[i]), from_minus_one(odd[i])
        for axis in range(2):
            image = noise[axis, : height * width].reshape(height, width)
            convolve(image, weights[n], columns, rows, smoothed)
            far, alpha = out[n, place, axis], alphas[n]
            for i in range(far.shape[0]):
                moved = np.floor(alpha * flattened[i] * ONE + 0.5)
                far[i] = i32(min(max(moved, -FARTHEST), FARTHEST))


@compiled
def _smooth_folded(
    canvas: Canvas,
    weights: np.ndarray,
    alphas: np.ndarray,
    left: np.ndarray,
    out: np.ndarray,
    place: int,
) -> None:
    """Does what is not left, bool [batch], and says there which of it is in doubt."""
    height, width, radius = canvas.height, canvas.width, weights.shape[1] - 1
    half, pixels = (height + 1) // 2, height * width
    words = np.empty((4, (pixels + 1) // 2), np.uint32)
    # Of two images at once where they have the same weights, so that loops are longer.
    noise = np.empty((4, 2 * words.shape[1]), np.uint32)
    longest = 8 * max(_padded(height) * width, _padded(width) * 2 * half)
    before, after = np.zeros(longest), np.empty(longest)
    folded = np.empty((width, 4 * half), np.int32)
    # A sum of n terms is rounded n times. Those here, and those in order, have a radius or half an
    # image on both sides; what they are made of is 2 at most.
    error = 2.0**-52 * (height + width + 4 * radius + 16)
    matrices, summed = (np.empty((2, 0, 0)), np.empty((2, 0, 0))), _lines(after, 0, 1)
    n, made = 0, -1
    while n < alphas.shape[0]:
        if left[n] or alphas[n] == 0.0:
            out[n, place] = 0
            n += 1
            continue
        count = 1
        if n + 1 < alphas.shape[0] and not left[n + 1] and _equal(weights[n + 1], weights[n]):
            count = 2
        for image in range(count):
            # A block of four words serves two pixels.
            fill_noise(canvas, n + image, words)
            for axis in range(2):
                even, odd, flat = words[axis], words[2 + axis], noise[2 * image + axis]
                for i in range(even.shape[0]):
                    flat[2 * i], flat[2 * i + 1] = even[i], odd[i]
        if made < 0 or not _equal(weights[n], weights[made]):
            matrices, made = (_halves(weights[n], height), _halves(weights[n], width)), n
        for sideways in range(2):
            matrix = matrices[sideways]
            long = 4 * count * half if sideways else 2 * count * width
            lines = _lines(before, matrix.shape[2], long)
            if sideways:
                _fold_columns(summed, half, width, lines)
            else:
                _fold_rows(noise, height, width, lines)
            summed = _lines(after, matrix.shape[1], long)
            _multiply(matrix, lines, radius, summed)
        for image in range(count):
            scale, first = alphas[n + image] * ONE, 2 * image * half
            left[n + image] = not _unfold(summed, first, scale, error, width, folded)
            _turn(folded, height, width, out[n + image, place])
        n += count


@inner
def _padded(size: int) -> int:
    """Half of some lines, in whole groups of lines that are summed at once."""
    return ((size + 1) // 2 + _AT_ONCE - 1) // _AT_ONCE * _AT_ONCE


@inner
def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    different = 0
    for i in range(one.shape[0]):
        different |= one[i] != other[i]
    return not different


@compiled
def _halves(weights: np.ndarray, size: int) -> np.ndarray:
    """What a reflecting convolution makes of lines' sums and differences with their mirror images.

    Returns:
        float64 [2, lines, lines], for the sums and for the differences: of each line of the first
        half of what comes out, how much of each that goes in; rounded up, with zeros.
    """
    radius, half = weights.shape[0] - 1, (size + 1) // 2
    places = reflected(size, radius)
    made = np.zeros((2, half + half % 2, _padded(size)))
    for line in range(half):
        for k in range(2 * radius + 1):
            place, weight = places[line + k], 0.5 * weights[abs(k - radius)]
            mirrored = size - 1 - place
            made[0, line, min(place, mirrored)] += weight
            made[1, line, min(place, mirrored)] += weight if place < mirrored else -weight
    return made


def _as_lines(memory: np.ndarray, count: int, long: int) -> np.ndarray:
    """Memory for sums, and for differences: [2, count, long]."""
    return memory[: 2 * count * long].reshape(2, count, long)


_lines = inlined(_as_lines)


@inner
def _fold_rows(noise: np.ndarray, height: int, width: int, rows: np.ndarray) -> None:
    """Writes sums and differences of each row and its mirror image, all fields side by side.

    Of random words as numbers from -1 to 1, see `from_minus_one`, to within some last bits.
    """
    unit = 1.0 / 2147483647.5
    for y in range((height + 1) // 2):
        first, mirrored = y * width, (height - 1 - y) * width
        for field in range(rows.shape[2] // width):
            upper, lower = noise[field, first:], noise[field, mirrored:]
            even, odd = rows[0, y, field * width :], rows[1, y, field * width :]
            for x in range(width):
                a, b = float(upper[x]), float(lower[x])
                even[x], odd[x] = (a + b) * unit - 2.0, (a - b) * unit


@inner
def _fold_columns(rows: np.ndarray, half: int, width: int, columns: np.ndarray) -> None:
    """As `_fold_rows`, of columns, which become lines; even rows of all fields, then odd ones."""
    fields = rows.shape[2] // width
    for x in range((width + 1) // 2):
        for parity in range(2):
            for field in range(fields):
                first = (fields * parity + field) * half
                even, odd = columns[0, x, first:], columns[1, x, first:]
                left, right = field * width + x, field * width + width - 1 - x
                for y in range(half):
                    a, b = rows[parity, y, left], rows[parity, y, right]
                    even[y], odd[y] = a + b, a - b


@inner
def _multiply(halves: np.ndarray, lines: np.ndarray, radius: int, out: np.ndarray) -> None:
    """Multiplies lines, float64 [2, lines, n], with the matrices of `_halves`."""
    count, long = lines.shape[1], lines.shape[2]
    for part in range(2):
        flat = lines[part].reshape(count * long)
        # Two at once, which saves loads.
        for line in range(0, out.shape[1], 2):
            v, w = halves[part, line], halves[part, line + 1]
            one, other = out[part, line], out[part, line + 1]
            one[:], other[:] = 0.0, 0.0
            # Where weights are not 0.
            first = max(line - radius, 0) // _AT_ONCE * _AT_ONCE
            for k in range(first, min(line + radius + 2, count), _AT_ONCE):
                v0, v1, v2, v3 = v[k], v[k + 1], v[k + 2], v[k + 3]
                v4, v5, v6, v7 = v[k + 4], v[k + 5], v[k + 6], v[k + 7]
                w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
                w4, w5, w6, w7 = w[k + 4], w[k + 5], w[k + 6], w[k + 7]
                a0, a1, a2 = flat[k * long :], flat[(k + 1) * long :], flat[(k + 2) * long :]
                a3, a4, a5 = flat[(k + 3) * long :], flat[(k + 4) * long :], flat[(k + 5) * long :]
                a6, a7 = flat[(k + 6) * long :], flat[(k + 7) * long :]
                for i in range(long):
                    a, b, c, d, e, f, g, h = a0[i], a1[i], a2[i], a3[i], a4[i], a5[i], a6[i], a7[i]
                    four = (v0 * a + v1 * b) + (v2 * c + v3 * d)
                    one[i] += four + ((v4 * e + v5 * f) + (v6 * g + v7 * h))
                    four = (w0 * a + w1 * b) + (w2 * c + w3 * d)
                    other[i] += four + ((w4 * e + w5 * f) + (w6 * g + w7 * h))


@inner
def _unfold(
    columns: np.ndarray, first: int, scale: float, error: float, width: int, folded: np.ndarray
) -> bool:
    """Makes displacements of sums and differences; whether none of them could be another one.

    Args:
        columns: float64 [2, columns, n], as lines, of half of them; as `_fold_columns` orders them.
        first: where the image's begin in them.
        scale: what sums are multiplied by.
        error: how much a sum can be off.
        width: of the image.
        folded: int32 [width, 4 * half], written: of each column the upper half of x and then y
            displacements, and the lower half, from below.
    """
    count, certain, doubt = folded.shape[1] // 2, 0.5 - scale * error, i32(0)
    odd_rows = first + columns.shape[2] // 2
    for x in range(width):
        of = min(x, width - 1 - x)
        sign = scale if x == of else -scale
        upper, lower = folded[x, :count], folded[x, count:]
        ee, oe = columns[0, of, first:], columns[1, of, first:]
        eo, oo = columns[0, of, odd_rows:], columns[1, of, odd_rows:]
        for i in range(count):
            even, odd = scale * ee[i] + sign * oe[i], scale * eo[i] + sign * oo[i]
            up, low = even + odd + 0.5, even - odd + 0.5
            whole, whole_low = np.floor(up), np.floor(low)
            off = (abs(up - whole - 0.5) > certain) | (abs(low - whole_low - 0.5) > certain)
            doubt |= i32(1) if off else i32(0)
            upper[i], lower[i] = i32(whole), i32(whole_low)
    return doubt == 0


@inner
def _turn(folded: np.ndarray, height: int, width: int, far: np.ndarray) -> None:
    """Writes the rows of columns as `_unfold` makes them: int32 [2, pixels]."""
    long, half = folded.shape[1], folded.shape[1] // 4
    flat = folded.reshape(folded.size)
    for axis in range(2):
        rows = far[axis]
        for below in range(2):
            first = (2 * below + axis) * half
            start, step = ((height - 1) * width, -width) if below else (0, width)
            turn(flat, first, long, rows, start, step, (width, half))
