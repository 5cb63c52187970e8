"""Named tuples of arrays come to compiled functions by pointer, whatever is in them."""

from typing import Any

import numba
import numpy as np
import pytest

from cifar10_aug.engines.numba.kernels.pass_arguments import Images, Mixed
from cifar10_aug.engines.numba.kernels.pointers import IMAGES, MIXED


def test_every_field_is_read_from_where_it_is() -> None:
    @numba.njit
    def told(images: Images, mixed: Mixed) -> tuple:
        return (
            images.pixels[1],
            images.starts[-1],
            images.starts.shape[0],
            images.width - images.height,
            mixed.boxes[1, 2],
            mixed.boxes[1].sum(),
            mixed.shrunk[1],
        )

    stored, boxes = np.empty(0, np.uint8), np.arange(12).reshape(3, 4)
    images = Images(np.arange(5, 9, dtype=np.uint32), stored, np.array([3, 1, 8]), 20, 50)
    mixed = Mixed(boxes[1:], np.ones(2, np.uint32), np.array([False, True]))
    expected = 6, 8, 3, 30, 10, 38, True
    assert told(images, mixed) == told.py_func(images, mixed) == expected
    # Memory that is read-only, where it may be, is no other type.
    stored.setflags(write=False)
    assert told(images, mixed) == expected
    assert told.signatures == [(IMAGES, MIXED)]


@pytest.mark.parametrize(
    "wrong",
    [np.ones(2, np.int64), np.ones(4, np.uint32)[::2], np.ones((1, 2), np.uint32), 1.0],
    ids=["dtype", "gaps", "dimensions", "no array"],
)
def test_what_is_not_as_declared_is_not_read(wrong: Any) -> None:
    with pytest.raises(AssertionError, match=r"shares is .* instead of array\(uint32, 1d, C\)"):
        numba.typeof(Mixed(np.zeros((2, 4), np.int64), wrong, np.zeros(2, bool)))
