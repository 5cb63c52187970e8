"""The 15 common corruptions of CIFAR-10-C, for testing how robust a model is.

Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations", ICLR 2019, arXiv:1903.12261. Constants are those of the authors' `make_cifar_c.py`.
What differs from the published images is said at each op; everywhere, noise is drawn anew, and
levels are rounded where the authors cut fractions off.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.base import AffineOp, Border, ImageOp, Op
from cifar10_aug.ops.compound import SequenceOp, WeightedSumOp
from cifar10_aug.ops.fields import NumberField, option
from cifar10_aug.ops.warps import Elastic
from cifar10_aug.rng.draws import Draws

_SEVERITY = NumberField(1, unit="", about="how bad", low=1, high=5, whole=True)


@dataclasses.dataclass(frozen=True)
class Corruption(ImageOp):
    """A corruption that a process does; it is the same in every epoch.

    Attributes:
        constants: the process's numbers, for severities 1 to 5.
    """

    every_epoch: ClassVar[bool] = False
    constants: ClassVar[tuple[tuple[float, ...], ...]]

    severity: int = option(_SEVERITY)

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return self.constants[self.severity - 1]


@dataclasses.dataclass(frozen=True)
class CorruptGaussianNoise(Corruption):
    """CIFAR-10-C's Gaussian noise."""

    name: ClassVar[str] = "corruptgaussiannoise"
    process: ClassVar[str] = "noises.add_normal"
    constants: ClassVar = tuple((255 * sigma,) for sigma in (0.04, 0.06, 0.08, 0.09, 0.10))


@dataclasses.dataclass(frozen=True)
class CorruptShotNoise(Corruption):
    """CIFAR-10-C's shot noise: Poisson numbers of photons."""

    name: ClassVar[str] = "corruptshotnoise"
    process: ClassVar[str] = "noises.count_photons"
    constants: ClassVar = ((500,), (250,), (100,), (75,), (50,))


@dataclasses.dataclass(frozen=True)
class CorruptImpulseNoise(Corruption):
    """CIFAR-10-C's impulse noise: salt and pepper in each channel."""

    name: ClassVar[str] = "corruptimpulsenoise"
    process: ClassVar[str] = "noises.salt_and_pepper"
    constants: ClassVar = ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,))


@dataclasses.dataclass(frozen=True)
class CorruptDefocusBlur(Corruption):
    """CIFAR-10-C's defocus blur: a smoothed disk."""

    name: ClassVar[str] = "corruptdefocusblur"
    process: ClassVar[str] = "blurs.defocus"
    constants: ClassVar = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))


@dataclasses.dataclass(frozen=True)
class CorruptGlassBlur(Corruption):
    """CIFAR-10-C's frosted glass."""

    name: ClassVar[str] = "corruptglassblur"
    process: ClassVar[str] = "blurs.frost_glass"
    constants: ClassVar = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))


@dataclasses.dataclass(frozen=True)
class CorruptMotionBlur(Corruption):
    """CIFAR-10-C's motion blur: half a Gaussian along a line, as ImageMagick does it."""

    name: ClassVar[str] = "corruptmotionblur"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "blurs.move"
    constants: ClassVar = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        angle = draws.name("degrees", draws.uniform(0, -45.0, 45.0))
        return *super().numbers(draws), angle


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

    severity: int = option(_SEVERITY)

    @property
    def branches(self) -> tuple[Op, ...]:
        factors = np.arange(1, self.ends[self.severity - 1], 0.01)
        return tuple(_Enlarged(float(factor)) for factor in factors[1:])

    def weights(self, draws: Draws) -> tuple[Any, ...]:
        # The image itself counts twice, as one of the enlarged ones and beside them.
        enlarged = len(self.branches)
        return 2 / (enlarged + 2), *((1 / (enlarged + 2),) * enlarged)


@dataclasses.dataclass(frozen=True)
class CorruptSnow(Corruption):
    """CIFAR-10-C's snow: noise of which the brightest falls.

    The flakes are enlarged about the exact centre, and keep more than 8 bits while they are moved.
    """

    name: ClassVar[str] = "corruptsnow"
    slots: ClassVar[int] = 1
    process: ClassVar[str] = "weather.snow"
    # Mean, deviation and enlargement of the noise, its threshold, the share of the image that is
    # not whitened; radius and deviation of the motion.
    constants: ClassVar = (
        (0.1, 0.2, 1, 0.6, 0.95, 8, 3),
        (0.1, 0.2, 1, 0.5, 0.9, 10, 4),
        (0.15, 0.3, 1.75, 0.55, 0.9, 10, 4),
        (0.25, 0.3, 2.25, 0.6, 0.85, 12, 6),
        (0.3, 0.3, 1.25, 0.65, 0.8, 14, 12),
    )

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        angle = draws.name("degrees", draws.uniform(0, -135.0, -45.0))
        return *super().numbers(draws), angle


@dataclasses.dataclass(frozen=True)
class CorruptFrost(Corruption):
    """Frost in the shares of CIFAR-10-C's, but drawn: the authors lay photographs of ice over."""

    name: ClassVar[str] = "corruptfrost"
    process: ClassVar[str] = "weather.frost"
    constants: ClassVar = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))


@dataclasses.dataclass(frozen=True)
class CorruptFog(Corruption):
    """CIFAR-10-C's fog: clouds by diamonds and squares."""

    name: ClassVar[str] = "corruptfog"
    process: ClassVar[str] = "weather.fog"
    constants: ClassVar = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))


@dataclasses.dataclass(frozen=True)
class CorruptBrightness(Corruption):
    """CIFAR-10-C's brightness: adds to the value of HSV."""

    name: ClassVar[str] = "corruptbrightness"
    process: ClassVar[str] = "colours.brighten"
    constants: ClassVar = tuple((255 * added,) for added in (0.05, 0.1, 0.15, 0.2, 0.3))


@dataclasses.dataclass(frozen=True)
class CorruptContrast(Corruption):
    """CIFAR-10-C's contrast: draws each channel to its mean."""

    name: ClassVar[str] = "corruptcontrast"
    process: ClassVar[str] = "intensity.channel_contrast"
    constants: ClassVar = ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,))


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
        return Affine(
            xx,
            xy,
            second_x - xx * bx - xy * by,
            yx,
            yy,
            second_y - yx * bx - yy * by,
        )


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

    severity: int = option(_SEVERITY)

    @property
    def parts(self) -> tuple[Op, ...]:
        alpha, sigma, reach = self.constants[self.severity - 1]
        return _ThreePoints(reach), Elastic((alpha, alpha), (sigma, sigma))


@dataclasses.dataclass(frozen=True)
class CorruptPixelate(Corruption):
    """CIFAR-10-C's pixelation: Pillow's BOX filter to a smaller size and back."""

    name: ClassVar[str] = "corruptpixelate"
    process: ClassVar[str] = "digital.pixelate"
    constants: ClassVar = ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,))


@dataclasses.dataclass(frozen=True)
class CorruptJpeg(Corruption):
    """CIFAR-10-C's JPEG compression, by Pillow; its bytes depend on Pillow's version."""

    name: ClassVar[str] = "corruptjpeg"
    process: ClassVar[str] = "digital.compress"
    needs_codec: ClassVar[bool] = True
    constants: ClassVar = ((80,), (65,), (58,), (50,), (40,))


CORRUPTIONS: tuple[type[Op], ...] = (
    CorruptGaussianNoise,
    CorruptShotNoise,
    CorruptImpulseNoise,
    CorruptDefocusBlur,
    CorruptGlassBlur,
    CorruptMotionBlur,
    CorruptZoomBlur,
    CorruptSnow,
    CorruptFrost,
    CorruptFog,
    CorruptBrightness,
    CorruptContrast,
    CorruptElastic,
    CorruptPixelate,
    CorruptJpeg,
)
