"""The levels of Pillow's files without the files."""

import io

import numpy as np
import pytest
from PIL import Image

from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels import jpeg, pixels

QUALITIES = np.arange(1, 101)


def compressed(images: np.ndarray, qualities: np.ndarray) -> np.ndarray:
    count, height, width, _ = images.shape
    packed = np.empty((count, height * width), np.uint32)
    for image, line in zip(images, packed, strict=True):
        pixels.pack(image.reshape(-1), line)
    none = np.uint64(0)
    canvas = Canvas(packed, height, width, np.zeros(count, np.uint64), none, none, none)
    jpeg.round_trip(canvas, np.arange(count), qualities[None].astype(np.float64))
    made = np.empty_like(images)
    for image, line in zip(made, packed, strict=True):
        pixels.unpack(line, image.reshape(-1))
    return made


def pillows(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


# Whole squares, and all that can lack of them; up to four columns colours are not smoothed.
@pytest.mark.parametrize(
    "size",
    [(32, 32), (96, 96), (16, 8), (31, 32), (17, 33), (7, 5), (40, 1), (1, 40), (3, 4), (4, 5)],
    ids=str,
)
def test_every_quality_makes_pillows_levels(
    size: tuple[int, int], sample_images: np.ndarray
) -> None:
    rng = np.random.default_rng(size)
    noise = rng.integers(0, 256, (100, *size, 3), np.uint8)
    extremes = np.where(noise < 128, 0, 255).astype(np.uint8)
    flat = np.broadcast_to(noise[:, :1, :1], noise.shape)
    real = np.resize(sample_images, (100, 32, 32, 3))
    smooth = np.pad(real, ((0, 0), (0, 64), (0, 64), (0, 0)), "reflect")[:, : size[0], : size[1]]
    for kind in (noise, extremes, flat, smooth):
        made = compressed(np.ascontiguousarray(kind), QUALITIES)
        for image, ours, quality in zip(kind, made, QUALITIES.tolist(), strict=True):
            theirs = pillows(image, quality)
            np.testing.assert_array_equal(ours, theirs, err_msg=f"quality {quality}")


def test_levels_far_out_of_range_are_limited_as_pillows_are() -> None:
    # Black and white pixels, searched for: half a step of most coefficients goes the same way,
    # so that one comes back as -437, farther than libjpeg allows for without vector code.
    bits = np.frombuffer(bytes.fromhex("b5d9e5cb11e1b678"), np.uint8)
    image = np.unpackbits(bits).reshape(8, 8, 1).repeat(3, axis=2) * np.uint8(255)
    made = compressed(image[None], np.array([1]))
    np.testing.assert_array_equal(made[0], pillows(image, 1))
