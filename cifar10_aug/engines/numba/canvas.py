"""What processes work on: a batch of packed images, and what keys its noise."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Canvas(NamedTuple):
    """Images that processes change in place.

    Attributes:
        pixels: uint32 [batch, height * width], packed.
        height, width: of each image.
        keys: uint64 [batch], see `draws.example_keys`.
        epoch, seed: uint64.
        first_block: uint64, the Philox counter's last word for the first block of noise.
    """

    pixels: np.ndarray
    height: int
    width: int
    keys: np.ndarray
    epoch: Any
    seed: Any
    first_block: Any
