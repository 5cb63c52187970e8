"""Decodes stored pictures of 32 x 32 pixels."""

from __future__ import annotations

import io
import struct

import numpy as np

from cifar10_aug._compat.pillow import whole_pictures
from cifar10_aug.data.images import SHAPE, SIDE

# Of one picture; the pixels alone are 3 kB.
LARGEST = 2**16
# What a PNG of eight bits a channel, red, green and blue, begins with.
_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBB", SIDE, SIDE, 8, 2)


def decode(data: bytes) -> np.ndarray:
    """The pixels, uint8 [32, 32, 3].

    Raises:
        ValueError: if it is no such picture; the message is a clause.
        Exception: of nearly any kind, if it is damaged.
    """
    from PIL import Image

    if len(data) > LARGEST:
        raise ValueError(f"{len(data)} bytes, and a picture has at most {LARGEST}")
    # Before a library believes how large it is.
    if not data.startswith(_START):
        raise ValueError("not a PNG of 32 x 32 pixels in 8-bit RGB")
    with whole_pictures(), Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == SHAPE
    return pixels
