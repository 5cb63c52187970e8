"""Compares what loaders give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def assert_same(one: Iterable[Any], other: Iterable[Any]) -> int:
    """Compares batches in pairs, and returns how many there are."""
    number = 0
    for (images, labels), (their_images, their_labels) in zip(one, other, strict=True):
        np.testing.assert_array_equal(images, their_images)
        np.testing.assert_array_equal(labels, their_labels)
        assert (images.dtype, labels.dtype) == (their_images.dtype, their_labels.dtype)
        number += 1
    return number
