"""Compiled random displacements that are smooth."""

from __future__ import annotations

import numpy as np
from numba import int32 as i32

from cifar10_aug.engines.fixed_point import FARTHEST, ONE
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled
from cifar10_aug.engines.numba.kernels.convolution import convolve, reflected
from cifar10_aug.engines.numba.kernels.philox import fill_noise, from_minus_one


@compiled
def smooth(
    canvas: Canvas, weights: np.ndarray, alphas: np.ndarray, out: np.ndarray, place: int
) -> None:
    """Uniform noise from -1 to 1, convolved sideways and downwards, times alpha.

    Args:
        canvas: says the size and keys the noise.
        weights: float64 [batch, radius + 1], from the centre outwards.
        alphas: float64 [batch], in pixels.
        out: int32 [batch, …, 2, pixels], 16.16 fixed point; x and then y displacements are
            written to [:, place].
        place: see `out`.
    """
    height, width = canvas.height, canvas.width
    words = np.empty((4, (height * width + 1) // 2), np.uint32)
    noise = np.empty((2, 2 * words.shape[1]), np.float64)
    smoothed = np.empty((height, width), np.float64)
    flattened = smoothed.reshape(height * width)
    radius = weights.shape[1] - 1
    columns, rows = reflected(width, radius), reflected(height, radius)
    for n in range(alphas.shape[0]):
        if alphas[n] == 0.0:
            out[n, place] = 0
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
