"""The corruptions of CIFAR-10-C that move pixels; see `corruptions`."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.base import AffineOp, Border, Op
from cifar10_aug.ops.compound import SequenceOp, WeightedSumOp
from cifar10_aug.ops.fields import NumberField, option
from cifar10_aug.ops.warps import Elastic
from cifar10_aug.rng.draws import Draws

SEVERITY = NumberField(1, unit="", about="how bad", low=1, high=5, whole=True)


def _zoomed(size: int, factor: float) -> tuple[float, float]:
    """How an axis is read that is enlarged as `clipped_zoom` does: the step, and where it starts.

    It crops to whole pixels about the middle and spreads those over a rounded number of pixels,
    the outermost on the outermost (SciPy's zoom). With factors below 1.5 that is at most one pixel
    too much; the last one is cut off.
    """
    crop = math.ceil(size / factor)
    step = (crop - 1) / max(round(crop * factor) - 1, 1)
    return step, (size - crop) // 2


@dataclasses.dataclass(frozen=True)
class _Enlarged(AffineOp):
    """The image enlarged by about a factor."""

    name: ClassVar[str] = "corruptzoomblur"
    border: ClassVar[Border] = Border("nearest")

    factor: float

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        (xx, x0), (yy, y0) = _zoomed(width, self.factor), _zoomed(height, self.factor)
        return Affine(xx, 0.0, x0, 0.0, yy, y0)


@dataclasses.dataclass(frozen=True)
class CorruptZoomBlur(WeightedSumOp):
    """CIFAR-10-C's zoom blur: the mean of enlarged images.

    They are enlarged as the authors' are, whose centre is off by up to a pixel.
    """

    name: ClassVar[str] = "corruptzoomblur"
    every_epoch: ClassVar[bool] = False
    # Factors go from 1 to below these. By rounding, the authors' np.arange includes the first two;
    # and its 1.25 is so much more that 26 pixels become 33.
    ends: ClassVar[tuple[float, ...]] = (1.06, 1.11, 1.16, 1.21, 1.26)

    severity: int = option(SEVERITY)

    @property
    def branches(self) -> tuple[Op, ...]:
        factors = np.arange(1, self.ends[self.severity - 1], 0.01)
        return tuple(_Enlarged(float(factor)) for factor in factors[1:])

    def weights(self, draws: Draws) -> tuple[Any, ...]:
        # The image itself counts twice, as one of the enlarged ones and beside them.
        enlarged = len(self.branches)
        return 2 / (enlarged + 2), *((1 / (enlarged + 2),) * enlarged)


@dataclasses.dataclass(frozen=True)
class _ThreePoints(AffineOp):
    """Moves three points of the image, independently, and the rest with them."""

    name: ClassVar[str] = "corruptelastic"
    slots: ClassVar[int] = 6
    border: ClassVar[Border] = Border("mirror")

    reach: float

    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        middle_x, middle_y, arm = width // 2, height // 2, min(height, width) // 3
        before = [
            (middle_x + arm, middle_y + arm),
            (middle_x + arm, middle_y - arm),
            (middle_x - arm, middle_y - arm),
        ]
        moved = [draws.uniform(slot, -self.reach, self.reach) for slot in range(6)]
        after = [(x + moved[2 * i], y + moved[2 * i + 1]) for i, (x, y) in enumerate(before)]
        for i, (x, y) in enumerate(after):
            draws.name(f"x{i + 1}", x)
            draws.name(f"y{i + 1}", y)
        (ax, ay), (bx, by), (cx, cy) = after
        # From where a point is seen to where it was; sides from the second point.
        px, py, qx, qy = ax - bx, ay - by, cx - bx, cy - by
        area = px * qy - qx * py
        side = 2.0 * arm
        xx, xy = side * py / area, -side * px / area
        yx, yy = side * qy / area, -side * qx / area
        second_x, second_y = before[1]
        return Affine(xx, xy, second_x - xx * bx - xy * by, yx, yy, second_y - yx * bx - yy * by)


@dataclasses.dataclass(frozen=True)
class CorruptElastic(SequenceOp):
    """CIFAR-10-C's elastic transform: a random affine map, then smooth displacements.

    The image is resampled once, where the authors resample twice.
    """

    name: ClassVar[str] = "corruptelastic"
    slots: ClassVar[int] = 8
    every_epoch: ClassVar[bool] = False
    # Alpha and sigma of the displacement, and how far the points move, in 32nds of 32 pixels.
    constants: ClassVar = (
        (0.0, 0.0, 2.56),
        (1.6, 6.4, 2.24),
        (2.56, 1.92, 1.92),
        (3.2, 1.28, 1.6),
        (3.2, 0.96, 0.96),
    )

    severity: int = option(SEVERITY)

    @property
    def parts(self) -> tuple[Op, ...]:
        alpha, sigma, reach = self.constants[self.severity - 1]
        return _ThreePoints(reach), Elastic((alpha, alpha), (sigma, sigma))
