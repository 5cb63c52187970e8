"""The numbers of a JPEG file: steps of each quality, and the cosine transform in integers.

ITU-T T.81 (1992), annex K, has the tables of steps; how a quality scales them is the convention of
the Independent JPEG Group's library, which Pillow saves by. So are the transform's 13 bits.
"""

from __future__ import annotations

import functools

import numpy as np

# Of the cosine transform, frequencies by places, the half of each row that the other half mirrors:
# 2**13.5 times a cosine, but 2**13 in rows 0 and 4, rounded. Some are one more or less, since they
# are sums of the rounded constants of Loeffler, Ligtenberg and Moschytz's factors (ICASSP 1989).
ODD = (
    (11363, 9633, 6437, 2260),
    (9633, -2259, -11362, -6436),
    (6437, -11362, 2261, 9633),
    (2260, -6436, 9633, -11363),
)
EVEN = (
    (8192, 8192, 8192, 8192),
    (10703, 4433, -4433, -10703),
    (8192, -8192, -8192, 8192),
    (4433, -10704, 10704, -4433),
)

# Of brightness, and of colour; a row of the table after the other.
_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)


@functools.cache
def steps() -> np.ndarray:
    """Between two levels of each coefficient: int32 [quality from 0 to 100, 2, 8, 8].

    The first of two tables is that of brightness. Quality 0 is 1.
    """
    quality = np.maximum(np.arange(101), 1)
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    table = np.array([_LUMINANCE, _CHROMINANCE]).reshape(2, 8, 8)
    scaled = (table * percent[:, None, None, None] + 50) // 100
    return np.clip(scaled, 1, 255).astype(np.int32)


@functools.cache
def transform() -> np.ndarray:
    """The cosine transform, frequencies by places: int32 [8, 8]; its inverse is its transpose."""
    even, odd = np.array(EVEN), np.array(ODD)
    whole = np.empty((8, 8), np.int32)
    whole[::2] = np.hstack([even, even[:, ::-1]])
    whole[1::2] = np.hstack([odd, -odd[:, ::-1]])
    return whole
