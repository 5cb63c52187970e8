"""What compiled strokes are given: functions that change one image, where its pixels stay."""

from __future__ import annotations

from numba import int64 as i64
from numba import types

from cifar10_aug.engines.numba.kernels.pointers import SCRATCH, STROKES
from cifar10_aug.engines.numba.kernels.separate import Signature

# Numbers, of which each stroke says what they are, height and width, memory to work in, and the
# image, packed uint32 [pixels], which is changed in place.
STROKE = Signature(
    types.none, types.float64[::1], types.UniTuple(i64, 2), SCRATCH, types.uint32[::1]
)
# All strokes of all images, which image, which stroke of it, height and width, and the image.
SPECIAL = Signature(types.none, STROKES, i64, i64, types.UniTuple(i64, 2), types.uint32[::1])
# Decorates a stroke that ops name by file and function; see `engines.processes`.
stroke = STROKE.separate()
