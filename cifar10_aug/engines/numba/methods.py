"""Which compiled function resamples each image of a pass: the quickest with the right pixels."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from cifar10_aug.engines.fixed_point import FRACTION, ONE
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    ALIGNED,
    CHAINED,
    GENERAL,
    IDENTITY,
    MIRRORED,
    NEAR,
    NOTHING,
    REFLECTED,
    SCALE,
    SCALED,
    SLANTED,
    STACKED,
    STRAIGHT,
    TILTED,
    Strokes,
)
from cifar10_aug.engines.stages import Warp
from cifar10_aug.ops.base import AffineOp, ElasticOp, PerspectiveOp

_ONE = int(ONE)
UNMOVED = np.array([_ONE, 0, 0, 0, _ONE, 0])


def methods(
    warps: Sequence[Warp], entries: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """IDENTITY to GENERAL, or TILTED, and the map if it is one alone.

    Args:
        warps: in the order of the kernel's maps.
        entries: int64 [maps, 6, batch], 16.16 fixed point, of affine maps.
        size: height and width of images.

    Returns:
        int64 [batch] both; see `Warps`.
    """
    found = np.full(entries.shape[2], GENERAL, np.int64)
    only = np.zeros_like(found)
    if not all(isinstance(warp.steps[0].op, AffineOp) for warp in warps):
        modes, first = [warp.border.mode for warp in warps], warps[0].steps[0].op
        if modes == ["reflect"] and isinstance(first, ElasticOp):
            found[:] = REFLECTED
        elif modes in (["nearest"], ["constant"]) and isinstance(first, PerspectiveOp):
            # Coordinates within the image fit into 32 bits, unless it is huge.
            found[:] = TILTED if max(size) < 1 << 15 else GENERAL
        return found, only
    if not warps:
        return np.full_like(found, IDENTITY), only
    shapes = _Shapes(entries, size)
    alone = [_alone(warp, shapes, place) for place, warp in enumerate(warps)]
    if len(warps) == 1:
        return alone[0], only
    modes = [warp.border.mode for warp in warps]
    if modes[0] in ("nearest", "constant") and max(size) < 1 << 15:
        found[shapes.near.all(axis=0) & shapes.straight[1:].all(axis=0)] = CHAINED
    found[shapes.whole.all(axis=0)] = STACKED
    painted = np.array([mode == "constant" for mode in modes], bool)
    found[shapes.straight.all(axis=0) & ~shapes.moved[painted].any(axis=0)] = STRAIGHT
    maps = shapes.moved.sum(axis=0)
    found[maps == 0] = IDENTITY
    for place, ways in enumerate(alone):
        rows = shapes.moved[place] & (maps == 1)
        found[rows], only[rows] = ways[rows], place
    return found, only


class _Shapes:
    """What is known of affine maps, bool [maps, batch], worked out when it is asked for."""

    def __init__(self, entries: np.ndarray, size: tuple[int, int]):
        """Takes maps; see `methods`."""
        self._entries, self._size = entries, size

    @functools.cached_property
    def moved(self) -> np.ndarray:
        """Whether they move the image."""
        return (self._entries != UNMOVED[:, None]).any(axis=1)

    @functools.cached_property
    def straight(self) -> np.ndarray:
        """Whether they take rows to rows and columns to columns."""
        return (self._entries[:, 1] | self._entries[:, 3]) == 0

    @functools.cached_property
    def whole(self) -> np.ndarray:
        """Whether they also take pixel centres to pixel centres, and neighbours to neighbours."""
        xx, _, x0, _, yy, y0 = self._entries.transpose(1, 0, 2)
        same = (np.abs(xx) == _ONE) & (np.abs(yy) == _ONE)
        return self.straight & same & (((x0 | y0) & (_ONE - 1)) == 0)

    @functools.cached_property
    def near(self) -> np.ndarray:
        """Whether all coordinates of an image fit into 32 bits."""
        height, width = self._size
        lengths = np.abs(self._entries)
        reach_x = lengths[:, 0] * width + lengths[:, 1] * height + lengths[:, 2]
        reach_y = lengths[:, 3] * width + lengths[:, 4] * height + lengths[:, 5]
        return np.maximum(reach_x, reach_y) < 1 << 31

    @functools.cached_property
    def sliding(self) -> np.ndarray:
        """Whether rows move as a whole, or columns, whose pixels stay neighbours."""
        xx, xy, _, yx, yy, _ = self._entries.transpose(1, 0, 2)
        return ((xx & yy) == _ONE) & ((xx | yy) == _ONE) & ((xy == 0) | (yx == 0))


def _alone(warp: Warp, shapes: _Shapes, place: int) -> np.ndarray:
    """The methods where a map is the only one, int64 [batch]."""
    moved = shapes.moved[place]
    if warp.pixel_aligned:
        return np.where(moved, ALIGNED, IDENTITY)
    mode = warp.border.mode
    found = np.full(len(moved), GENERAL, np.int64)
    if mode in ("nearest", "constant"):
        near = shapes.near[place]
        found[near] = NEAR
        found[near & shapes.sliding[place]] = SLANTED
    if mode != "constant":
        found[shapes.straight[place]] = STRAIGHT
    found[shapes.whole[place]] = ALIGNED
    found[~moved] = IDENTITY
    return found


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
        found = np.where((found == IDENTITY) & (strokes.codes[:, 0] == SCALE), SCALED, found)
    onto, aligned = found == IDENTITY, found == ALIGNED
    if aligned.any():
        several = matrices.shape[1] > 1
        matrix = matrices[np.arange(len(found)), only] if several else matrices[:, 0]
        onto |= aligned & _onto_itself(matrix, size)
    if painted:
        onto &= (strokes.codes == NOTHING).all(axis=1)
    return np.where(onto, MIRRORED, found)


def _onto_itself(matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Whether aligned maps, int64 [n, 6], leave an image as it is or mirror it: bool [n]."""
    last_y, last_x = ((length - 1) << FRACTION for length in size)
    xx, _, x0, _, yy, y0 = matrix.T
    return (x0 == np.where(xx < 0, last_x, 0)) & (y0 == np.where(yy < 0, last_y, 0))
