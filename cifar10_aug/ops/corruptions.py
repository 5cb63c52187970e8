"""The 15 common corruptions of CIFAR-10-C, for testing how robust a model is.

Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations", ICLR 2019, arXiv:1903.12261. Constants are those of the authors' `make_cifar_c.py`.
Each op says what differs from the published images; everywhere, noise is drawn anew, and
levels are rounded where the authors cut fractions off.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from cifar10_aug.ops.base import ImageOp, Op
from cifar10_aug.ops.corruption_warps import SEVERITY, CorruptElastic, CorruptZoomBlur
from cifar10_aug.ops.fields import option
from cifar10_aug.rng.draws import Draws


@dataclasses.dataclass(frozen=True)
class Corruption(ImageOp):
    """A corruption that a process does; it is the same in every epoch.

    Attributes:
        constants: the process's numbers, for severities 1 to 5.
        angles: between which degrees it draws one more, if it does.
    """

    every_epoch: ClassVar[bool] = False
    constants: ClassVar[tuple[tuple[float, ...], ...]]
    angles: ClassVar[tuple[float, float] | None] = None

    severity: int = option(SEVERITY)

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        constants = self.constants[self.severity - 1]
        if self.angles is None:
            return constants
        return *constants, draws.name("degrees", draws.uniform(0, *self.angles))


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
    angles: ClassVar = (-45.0, 45.0)
    process: ClassVar[str] = "blurs.move"
    constants: ClassVar = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))


@dataclasses.dataclass(frozen=True)
class CorruptSnow(Corruption):
    """CIFAR-10-C's snow: noise of which the brightest falls.

    The flakes are enlarged about the exact centre, and keep more than 8 bits while they are moved.
    """

    name: ClassVar[str] = "corruptsnow"
    slots: ClassVar[int] = 1
    angles: ClassVar = (-135.0, -45.0)
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
class CorruptPixelate(Corruption):
    """CIFAR-10-C's pixelation: Pillow's BOX filter to a smaller size and back."""

    name: ClassVar[str] = "corruptpixelate"
    process: ClassVar[str] = "digital.pixelate"
    constants: ClassVar = ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,))


@dataclasses.dataclass(frozen=True)
class CorruptJpeg(Corruption):
    """CIFAR-10-C's JPEG compression: what is left of an image in Pillow's file."""

    name: ClassVar[str] = "corruptjpeg"
    process: ClassVar[str] = "jpeg.round_trip"
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
