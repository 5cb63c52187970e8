"""Which compiled function resamples each image of a pass: the quickest with the right pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifar10_aug.engines.fixed_point import FRACTION, ONE
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    ALIGNED,
    GENERAL,
    IDENTITY,
    LINE,
    MIRRORED,
    NEAR,
    NOTHING,
    REFLECTED,
    SCALED,
    STRAIGHT,
    TILTED,
    Strokes,
)
from cifar10_aug.engines.stages import Pass, Warp
from cifar10_aug.ops.base import AffineOp, ElasticOp, PerspectiveOp

# Entries of maps, by their places.
_STRAIGHT = {1: 0, 3: 0}
UNMOVED = np.array([int(ONE), 0, 0, 0, int(ONE), 0])
# Those first that few maps have.
_IDENTITY = {place: int(UNMOVED[place]) for place in (2, 5, 1, 3, 0, 4)}


def methods(
    warps: Sequence[Warp], matrices: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """IDENTITY to GENERAL, or TILTED, and the map if it is one alone.

    Args:
        warps: in the order of the kernel's maps.
        matrices: int64 [batch, maps, 6], 16.16 fixed point, of affine maps.
        size: height and width of images.

    Returns:
        int64 [batch] both; see `Warps`.
    """
    found, only = np.full(len(matrices), GENERAL, np.int64), np.zeros(len(matrices), np.int64)
    if not all(isinstance(step.op, AffineOp) for warp in warps for step in warp.steps):
        modes, first = [warp.border.mode for warp in warps], warps[0].steps[0].op
        if modes == ["reflect"] and isinstance(first, ElasticOp):
            found[:] = REFLECTED
        elif modes in (["nearest"], ["constant"]) and isinstance(first, PerspectiveOp):
            # Coordinates within the image fit into 32 bits, unless it is huge.
            found[:] = TILTED if max(size) < 1 << 15 else GENERAL
        return found, only
    if not warps:
        return np.full_like(found, IDENTITY), only
    if len(warps) == 1:
        return _of_one(warps[0], matrices[:, 0], size), only
    moved = (matrices != UNMOVED).any(axis=2)
    maps = moved.sum(axis=1)
    painted = np.array([warp.border.mode == "constant" for warp in warps], bool)
    rows = np.flatnonzero(~moved[:, painted].any(axis=1))
    found[rows[_have(matrices[rows], _STRAIGHT)]] = STRAIGHT
    found[maps == 0] = IDENTITY
    for place, warp in enumerate(warps):
        rows = np.flatnonzero(moved[:, place] & (maps == 1))
        found[rows], only[rows] = _of_one(warp, matrices[rows, place], size), place
    return found, only


def _of_one(warp: Warp, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The methods for a map alone, int64 [n, 6]."""
    found, mode = np.full(len(matrix), GENERAL, np.int64), warp.border.mode
    maps = matrix[:, None]
    if Pass((warp,), ()).pixel_aligned:
        found[:] = ALIGNED
    else:
        straight = _have(maps, _STRAIGHT)
        if mode != "constant":
            found[straight] = STRAIGHT
        found[straight[_aligned(matrix[straight])]] = ALIGNED
    if mode in ("nearest", "constant"):
        found[(found == GENERAL) & _near(matrix, *size)] = NEAR
    found[_have(maps, _IDENTITY)] = IDENTITY
    return found


def _aligned(matrix: np.ndarray) -> np.ndarray:
    """Whether straight maps take pixel centres to pixel centres: bool [n]."""
    one = int(ONE)
    sizes, shifts = np.abs(matrix[:, [0, 4]]), matrix[:, [2, 5]]
    return (sizes == one).all(axis=1) & (shifts % one == 0).all(axis=1)


def shortcuts(
    found: np.ndarray,
    only: np.ndarray,
    matrices: np.ndarray,
    strokes: Strokes,
    size: tuple[int, int],
) -> np.ndarray:
    """The same methods, but MIRRORED or SCALED for images that can stay levels.

    Args:
        found, only: of images that are stored as levels, and are to be levels.
        matrices, size: as for `methods`.
        strokes: what is painted on them.
    """
    painted = strokes.codes.shape[1]
    if painted == 1:
        found = np.where((found == IDENTITY) & (strokes.codes[:, 0] == LINE), SCALED, found)
    onto, aligned = found == IDENTITY, found == ALIGNED
    if aligned.any():
        several = matrices.shape[1] > 1
        matrix = matrices[np.arange(len(found)), only] if several else matrices[:, 0]
        onto |= aligned & _onto_itself(matrix, size)
    if painted:
        onto &= (strokes.codes == NOTHING).all(axis=1)
    return np.where(onto, MIRRORED, found)


def _have(matrices: np.ndarray, entries: dict[int, int]) -> np.ndarray:
    """The images all of whose maps have these entries: int64 [n]."""
    found = np.arange(len(matrices))
    for warp in range(matrices.shape[1]):
        for place, value in entries.items():
            # Of most recipes few images are left after the first entry.
            found = found[matrices[found, warp, place] == value]
    return found


def _near(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """Whether all coordinates of a map fit into 32 bits: bool [batch]."""
    xx, xy, x0, yx, yy, y0 = np.abs(matrix).T
    limit = 1 << 31
    return (xx * width + xy * height + x0 < limit) & (yx * width + yy * height + y0 < limit)


def _onto_itself(matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Whether aligned maps, int64 [n, 6], leave an image as it is or mirror it: bool [n]."""
    last_y, last_x = ((length - 1) << FRACTION for length in size)
    xx, _, x0, _, yy, y0 = matrix.T
    return (x0 == np.where(xx < 0, last_x, 0)) & (y0 == np.where(yy < 0, last_y, 0))
