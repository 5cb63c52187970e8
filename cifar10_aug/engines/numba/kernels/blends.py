"""Compiled loops that lay packed images over each other."""

from __future__ import annotations

import numpy as np
from numba import float32 as f32
from numba import int32 as i32

from cifar10_aug.engines.numba.kernels.compiling import compiled, inlined, inner
from cifar10_aug.engines.numba.kernels.pass_arguments import Scratch
from cifar10_aug.engines.numba.kernels.pixels import channels, packed
from cifar10_aug.engines.numba.kernels.straight import blend_columns, blend_rows


@compiled
def lay(versions: tuple[np.ndarray, ...], weights: np.ndarray, out: np.ndarray) -> None:
    """Lays versions of images over each other; rounds once.

    Args:
        versions: each uint32 [batch, pixels], packed.
        weights: float32 [versions, batch], 0 or more, of each image about 1 in all.
        out: uint32 [batch, pixels]; may be one of the versions.
    """
    total = np.empty((3, out.shape[1]), np.float32)
    for n in range(out.shape[0]):
        total[:] = 0
        for place in range(0, len(versions) - 1, 2):
            one, other = versions[place], versions[place + 1]
            _add_two(one[n], weights[place, n], other[n], weights[place + 1, n], total)
        if len(versions) % 2:
            _add(versions[-1][n], weights[-1, n], 1, total)
        _round(total, out[n])


@compiled
def lay_resized(
    columns: np.ndarray,
    rows: np.ndarray,
    kept: np.ndarray,
    same: np.ndarray,
    weights: np.ndarray,
    size: tuple[int, int],
    scratch: Scratch,
    pixels: np.ndarray,
) -> None:
    """As `lay`, of images and of the same resized versions of each.

    Args:
        columns, rows: int64 [versions, width], [versions, height], where each version reads an
            axis, in 16.16 fixed point, within the image.
        kept, same: bool [versions], whether it is the image as it is, or the version before.
        weights: float32 [versions, batch], as for `lay`.
        size: height and width.
        scratch: memory to work in.
        pixels: uint32, flat, packed images with slack at the end; changed in place.
    """
    (height, width), count = size, size[0] * size[1]
    total, made = np.empty((3, count), np.float32), scratch.lines[0, :count]
    xs, ys = scratch.at[0, :width], scratch.at[1, :height]
    red_blue, green = scratch.lines[3], scratch.lines[4]
    for n in range(weights.shape[1]):
        start = n * count
        image = pixels[start : start + count]
        total[:] = 0
        first, last = 0, 1
        while first < weights.shape[0]:
            # Equal ones are made once.
            while last < weights.shape[0] and same[last] and weights[last, n] == weights[first, n]:
                last += 1
            if not kept[first]:
                xs[:], ys[:] = columns[first], rows[first]
                blend_columns(pixels, start, size, scratch)
                blend_rows(red_blue, green, ys, size, made)
            _add(image if kept[first] else made, weights[first, n], last - first, total)
            first, last = last, last + 1
        _round(total, image)


@inner
def _add(line: np.ndarray, weight: float, times: int, total: np.ndarray) -> None:
    """Adds the channels of a packed image, times a weight, to float32 [3, pixels]; so often."""
    red, green, blue = total[0], total[1], total[2]
    while times > 0:
        twice = times > 1
        for i in range(line.shape[0]):
            r, g, b = channels(line[i])
            red[i] = _sum(red[i], weight * f32(r), twice)
            green[i] = _sum(green[i], weight * f32(g), twice)
            blue[i] = _sum(blue[i], weight * f32(b), twice)
        times -= 2


@inner
def _add_two(
    line: np.ndarray, weight: float, other: np.ndarray, its_weight: float, total: np.ndarray
) -> None:
    """As `_add`, of two images, one after the other."""
    red, green, blue = total[0], total[1], total[2]
    for i in range(line.shape[0]):
        (r, g, b), (s, h, c) = channels(line[i]), channels(other[i])
        red[i] = (red[i] + weight * f32(r)) + its_weight * f32(s)
        green[i] = (green[i] + weight * f32(g)) + its_weight * f32(h)
        blue[i] = (blue[i] + weight * f32(b)) + its_weight * f32(c)


def _added(total: float, more: float, twice: bool) -> float:
    once = total + more
    return once + more if twice else once


_sum = inlined(_added)


@inner
def _round(total: np.ndarray, line: np.ndarray) -> None:
    red, green, blue = total[0], total[1], total[2]
    for i in range(line.shape[0]):
        line[i] = packed(_rounded(red[i]), _rounded(green[i]), _rounded(blue[i]))


def _nearest(value: float) -> int:
    """float32, 0 or more, as the nearest level, halves up."""
    whole = i32(value)
    # Exact, which value + 0.5 is not.
    return min(i32(whole + (i32(1) if value - f32(whole) >= f32(0.5) else i32(0))), i32(255))


_rounded = inlined(_nearest)
