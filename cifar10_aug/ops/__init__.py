"""What each augmentation is. `OPS` is the one list of them all; everything else reads it.

`cifar10_aug.register` adds to it. Ops say what they draw and what it means; they never touch
pixels. May import `rng`; knows no engine and no dataset.
"""

from cifar10_aug.ops.augmix import AugMix
from cifar10_aug.ops.axes import ShearX, ShearY, TranslateX, TranslateY
from cifar10_aug.ops.base import AffineOp, BoxOp, Op, PythonOp, ValueRangeOp
from cifar10_aug.ops.boxes import Cutout, Erase
from cifar10_aug.ops.colours import ChannelShuffle, ColorJitter, Gray, Hue, RGBShift, Saturation
from cifar10_aug.ops.corruptions import CORRUPTIONS
from cifar10_aug.ops.crops import Crop, ScaleCrop
from cifar10_aug.ops.filters import Blur, GaussianNoise, Jpeg, SaltPepper, Sharpness
from cifar10_aug.ops.flips import AlternatingFlip, Flip, FlipUpDown, QuarterTurn
from cifar10_aug.ops.geometry import Rotate, Shear, Shift, Zoom
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
from cifar10_aug.ops.mixes import CutMix, MixUp
from cifar10_aug.ops.policies import AutoAugment, RandAugment, TimmAugment, TrivialAugment
from cifar10_aug.ops.values import Normalize, Rescale
from cifar10_aug.ops.warps import Elastic, RandomPerspective

_BUILT_IN: tuple[type[Op], ...] = (
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
    Crop,
    ScaleCrop,
    Erase,
    Cutout,
    Brightness,
    Gamma,
    Contrast,
    Saturation,
    Hue,
    ColorJitter,
    Gray,
    ChannelShift,
    RGBShift,
    ChannelShuffle,
    Invert,
    AutoContrast,
    Equalize,
    Posterize,
    Solarize,
    SolarizeAdd,
    Sharpness,
    Blur,
    GaussianNoise,
    SaltPepper,
    Jpeg,
    RandAugment,
    TimmAugment,
    TrivialAugment,
    AutoAugment,
    AugMix,
    MixUp,
    CutMix,
    *CORRUPTIONS,
    Rescale,
    Normalize,
)
OPS: dict[str, type[Op]] = {op.name: op for op in _BUILT_IN}

__all__ = ["OPS", "AffineOp", "BoxOp", "Op", "PythonOp", "ValueRangeOp"]
