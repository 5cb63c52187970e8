"""Displacements are those of sums in order, to the last bit, however they are summed."""

import numpy as np
import pytest

from cifar10_aug.engines import gaussians
from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels import convolution, fields, philox

# Two images with the same weights, and images of which 44 rows make the kernel a narrow one.
SIGMAS = (4.0, 4.0, 3.7, 4.0, 0.5)


def canvas(size: tuple[int, int], count: int) -> Canvas:
    nothing, keys = np.empty((0, 0), np.uint32), np.arange(count).astype(np.uint64)
    return Canvas(nothing, *size, keys, np.uint64(1), np.uint64(2), np.uint64(256))


def check(given: Canvas, weights: np.ndarray, alphas: np.ndarray) -> None:
    # With room for one more, as where the last part of a batch is smaller than the others.
    made = np.full((len(alphas) + 1, 1, 2, given.height * given.width), 7, np.int32)
    expected = np.zeros_like(made)
    expected[-1] = 7
    fields.smooth(given, weights, alphas, made, 0)
    fields._smooth_in_order(given, weights, alphas, alphas != 0.0, expected, 0)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("size", [(32, 32), (9, 14), (16, 1), (44, 9)])
def test_folded_sums_are_those_in_order(size: tuple[int, int]) -> None:
    weights = gaussians.weights(np.array(SIGMAS), max(SIGMAS))
    check(canvas(size, len(SIGMAS)), weights, np.array([34.0, 5.0, 60.0, 0.0, 34.0]))


def test_displacements_in_doubt_are_made_in_order() -> None:
    count, size = 60, (8, 8)
    given, weights = canvas(size, count), gaussians.weights(np.full(count, 4.0), 4.0)
    places, alphas = convolution.reflected(8, 12), np.empty(count)
    for n in range(count):
        summed, words = np.empty(size), np.empty((4, 32), np.uint32)
        philox.fill_noise(given, n, words)
        image = np.stack([words[0], words[2]], axis=1).reshape(size) / 2147483647.5 - 1.0
        convolution.convolve(image, weights[n], places, places, summed)
        # One pixel is displaced to the middle between two 65,536ths.
        alphas[n] = (abs(summed[3, 3]) * 34 * 65536 // 1 + 0.5) / 65536 / abs(summed[3, 3])
    check(given, weights, alphas)
