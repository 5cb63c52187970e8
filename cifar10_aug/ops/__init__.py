"""What each augmentation is. `OPS` is the one list of them all; everything else reads it.

`cifar10_aug.register` adds to it. Ops say what they draw and what it means; they never touch
pixels. May import `rng`; knows no engine and no dataset.
"""

from cifar10_aug.ops.augmix import AugMix
from cifar10_aug.ops.axes import ShearX, ShearY, TranslateX, TranslateY
from cifar10_aug.ops.base import AffineOp, BoxOp, Op, ValueRangeOp
from cifar10_aug.ops.boxes import Cutout, Erase
from cifar10_aug.ops.colours import ChannelShuffle, ColorJitter, Gray, Hue, RGBShift, Saturation
from cifar10_aug.ops.corruptions import CORRUPTIONS
from cifar10_aug.ops.crops import Crop, RandomResizedCrop, ScaleCrop
from cifar10_aug.ops.filters import Blur, GaussianNoise, Jpeg, SaltPepper, Sharpness
from cifar10_aug.ops.flips import AlternatingFlip, Flip, FlipUpDown, QuarterTurn
from cifar10_aug.ops.geometry import Rotate, Shear, Shift, Zoom
from cifar10_aug.ops.grid import GridMask
from cifar10_aug.ops.intensity import (
    AutoContrast,
    Brightness,
    ChannelShift,
    Contrast,
    Equalize,
    Gamma,
    Invert,
    Posterize,
    Solarize,
    SolarizeAdd,
)
from cifar10_aug.ops.labels import LabelSmooth
from cifar10_aug.ops.mixes import CutMix, MixUp, ResizeMix
from cifar10_aug.ops.policies import AutoAugment, RandAugment, TimmAugment, TrivialAugment
from cifar10_aug.ops.python_op import PythonOp
from cifar10_aug.ops.values import Normalize, Rescale
from cifar10_aug.ops.warps import Elastic, RandomPerspective

# What belongs together, in the order of `cifar10-aug list`.
GROUPS: dict[str, tuple[type[Op], ...]] = {
    "Geometry": (
        Rotate,
        Shift,
        Shear,
        ShearX,
        ShearY,
        TranslateX,
        TranslateY,
        Zoom,
        RandomPerspective,
        Elastic,
        Flip,
        FlipUpDown,
        AlternatingFlip,
        QuarterTurn,
    ),
    "Crops and boxes": (Crop, ScaleCrop, RandomResizedCrop, Erase, Cutout, GridMask),
    "Intensity": (
        Brightness,
        Gamma,
        Contrast,
        Invert,
        AutoContrast,
        Equalize,
        Posterize,
        Solarize,
        SolarizeAdd,
    ),
    "Colour": (Saturation, Hue, ColorJitter, Gray, ChannelShift, RGBShift, ChannelShuffle),
    "Noise and blur": (Sharpness, Blur, GaussianNoise, SaltPepper, Jpeg),
    "Mixing and labels": (MixUp, CutMix, ResizeMix, LabelSmooth),
    "Policies": (RandAugment, TimmAugment, TrivialAugment, AutoAugment, AugMix),
    "Corruptions of CIFAR-10-C": CORRUPTIONS,
    "Output": (Rescale, Normalize),
}
OPS: dict[str, type[Op]] = {op.name: op for ops in GROUPS.values() for op in ops}

__all__ = ["GROUPS", "OPS", "AffineOp", "BoxOp", "Op", "PythonOp", "ValueRangeOp"]
