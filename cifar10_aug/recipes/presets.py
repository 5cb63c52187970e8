"""Named recipes, usable wherever an op is: `standard+erase`."""

from __future__ import annotations

import dataclasses

from cifar10_aug.ops import OPS


@dataclasses.dataclass(frozen=True)
class Preset:
    """A name, the recipe it stands for and where the recipe comes from."""

    name: str
    recipe: str
    about: str


DEFAULT = "standard"

# Presets that stand for several ops (or, `plain`, for none). Every op is a preset as well.
NAMED = {
    preset.name: preset
    for preset in (
        Preset("plain", "", "The images as they are."),
        Preset(
            "standard",
            "crop4+flip",
            "Pad by 4 zeros, crop, flip: the usual training recipe (He et al. 2015).",
        ),
        Preset(
            "wrncutout",
            "crop4+flip+cutout16",
            "The usual recipe and Cutout, as for wide residual networks (DeVries and Taylor, "
            "arXiv:1708.04552).",
        ),
        Preset(
            "airbench",
            "crop4_fillmodereflect+altflip+cutout12",
            "What airbench96 trains with (Jordan, arXiv:2404.00498), but that its squares lie "
            "wholly inside the image, and these are cut off at the border.",
        ),
        Preset(
            "wrnautoaugment",
            "crop4+flip+autoaugment+cutout16",
            "The usual recipe, AutoAugment's CIFAR-10 policy and Cutout, as for wide residual "
            "networks (Cubuk et al. 2019, arXiv:1805.09501).",
        ),
        Preset(
            "wrnrandaugment",
            "crop4+flip+randaugment_n2_m9+cutout16",
            "The usual recipe, RandAugment and Cutout (Cubuk et al. 2020, arXiv:1909.13719), with "
            "torchvision's n and m; the paper searches for them, network by network.",
        ),
        Preset(
            "resnetmixup",
            "crop4+flip+mixup_alpha1",
            "The usual recipe and mixup, as for residual networks (Zhang et al. 2018, "
            "arXiv:1710.09412).",
        ),
        Preset(
            "pyramidcutmix",
            "crop4+flip+cutmix_alpha1_p0.5",
            "The usual recipe and CutMix, as for pyramid networks (Yun et al. 2019, "
            "arXiv:1905.04899).",
        ),
    )
}

PRESETS: dict[str, Preset] = {
    **NAMED,
    **{name: Preset(name, name, op.about()) for name, op in OPS.items()},
}
