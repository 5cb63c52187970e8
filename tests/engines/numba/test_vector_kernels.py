"""Kernels written for vector code give what the plain formula does."""

import numpy as np
import pytest

from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels import convolution, filters, philox, pixels


@pytest.mark.parametrize("first_block", [256, (3 << 24) + 256, (3 << 24) + (1 << 24) - 3])
def test_noise_of_a_whole_image_is_the_noise_block_by_block(first_block: int) -> None:
    keys = np.array([5, (1 << 32) + 7], np.uint64)
    seed, epoch = np.uint64(2**63 + 11), np.uint64(2**32 - 1)
    canvas = Canvas(np.zeros((2, 40), np.uint32), 8, 5, keys, epoch, seed, np.uint64(first_block))
    words = np.empty((4, 21), np.uint32)
    for row in range(2):
        philox.fill_noise(canvas, row, words)
        for block in range(21):
            four = philox.noise_words(canvas, row, block)
            assert words[:, block].tolist() == [int(word) for word in four]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 1024])
def test_packing_any_number_of_pixels(count: int) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (count, 3), np.uint8)
    source = np.full(count + 1, 7, np.uint32)
    pixels.pack(levels.reshape(-1), source)
    red, green, blue = levels.T.astype(np.uint32)
    assert source.tolist() == [*(red | green << 8 | blue << 16).tolist(), 7]
    back = np.empty(count * 3, np.uint8)
    pixels.unpack(source, back)
    assert back.tolist() == levels.reshape(-1).tolist()


def test_sharpness_rounds_every_sum_of_thirteen_levels() -> None:
    for total in range(13 * 255 + 1):
        assert filters._thirteenth(np.uint32(total)) == (2 * total + 13) // 26


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 6])
def test_convolution_adds_taps_in_order(radius: int) -> None:
    rng = np.random.default_rng(radius)
    image, weights = rng.random((7, 9)), rng.random(radius + 1)
    columns, rows = convolution.reflected(9, radius), convolution.reflected(7, radius)
    out = np.empty((7, 9))
    convolution.convolve(image, weights, columns, rows, out)
    sideways, expected = np.zeros((7, 9)), np.zeros((7, 9))
    for k in range(2 * radius + 1):
        sideways += weights[abs(k - radius)] * image[:, columns[k : k + 9]]
    for k in range(2 * radius + 1):
        expected += weights[abs(k - radius)] * sideways[rows[k : k + 7]]
    assert (out == expected).all()
