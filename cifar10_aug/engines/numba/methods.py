"""Which compiled function resamples each image of a pass: the quickest with the right pixels."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines.fixed_point import FRACTION, ONE
from cifar10_aug.engines.numba.kernels.pass_arguments import (
    AFFINE,
    ALIGNED,
    FIELD,
    GENERAL,
    IDENTITY,
    LINE,
    MIRRORED,
    NEAR,
    PERSPECTIVE,
    REFLECTED,
    SCALED,
    STRAIGHT,
    TILTED,
    Strokes,
)
from cifar10_aug.engines.stages import Pass

# Entries of maps, by their places.
_UNMOVED = {0: int(ONE), 1: 0, 2: 0, 3: 0, 4: int(ONE), 5: 0}
_STRAIGHT = {1: 0, 3: 0}


def methods(
    made: Pass, kinds: list[int], matrices: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """IDENTITY, ALIGNED, STRAIGHT, NEAR, REFLECTED, TILTED or GENERAL: int64 [batch].

    Args:
        made: the pass.
        kinds: of its maps, in any order.
        matrices: int64 [batch, maps, 6], 16.16 fixed point, of affine maps.
        size: height and width of images.
    """
    found = np.full(len(matrices), GENERAL, np.int64)
    modes = [warp.border.mode for warp in made.warps]
    if any(kind != AFFINE for kind in kinds):
        if kinds == [FIELD] and modes == ["reflect"]:
            found[:] = REFLECTED
        elif kinds == [PERSPECTIVE] and modes[0] != "reflect" and max(size) < 1 << 15:
            # Coordinates within the image fit into 32 bits.
            found[:] = TILTED
        return found
    if made.pixel_aligned:
        found[:] = ALIGNED
    elif "constant" not in modes:
        found[_have(matrices, _STRAIGHT)] = STRAIGHT
    if modes in (["nearest"], ["constant"]):
        found[(found == GENERAL) & _near(matrices[:, 0], *size)] = NEAR
    found[_have(matrices, _UNMOVED)] = IDENTITY
    return found


def shortcuts(
    found: np.ndarray, matrices: np.ndarray, strokes: Strokes, size: tuple[int, int]
) -> np.ndarray:
    """The same methods, but MIRRORED or SCALED for images that can stay levels.

    Args:
        found: int64 [batch], of images that are stored as levels, and are to be levels.
        matrices, size: as for `methods`.
        strokes: what is painted on them.
    """
    painted = strokes.codes.shape[1]
    if painted == 0:
        return np.where(_onto_itself(found, matrices, size), MIRRORED, found)
    if painted == 1:
        return np.where((found == IDENTITY) & (strokes.codes[:, 0] == LINE), SCALED, found)
    return found


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


def _onto_itself(found: np.ndarray, matrices: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Whether an image stays as it is or is mirrored: bool [batch]."""
    if not (found == ALIGNED).any():
        return found == IDENTITY
    last_y, last_x = ((length - 1) << FRACTION for length in size)
    xx, _, x0, _, yy, y0 = matrices[:, 0].T
    onto = (x0 == np.where(xx < 0, last_x, 0)) & (y0 == np.where(yy < 0, last_y, 0))
    return (found == IDENTITY) | ((found == ALIGNED) & onto)
