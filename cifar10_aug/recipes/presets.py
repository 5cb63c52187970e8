"""Named recipes, usable wherever an op is: `standard+erase`."""

from __future__ import annotations

import dataclasses

from cifar10_aug.ops import OPS


@dataclasses.dataclass(frozen=True)
class Preset:
    """A name, the recipe it means and where the recipe comes from."""

    name: str
    recipe: str
    about: str


DEFAULT = "standard"

# Presets that mean several ops (or, `plain`, for none). Every op is a preset as well.
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
            "airbench94",
            "crop2_fillmodereflect+altflip",
            "What airbench94 trains with (Jordan, arXiv:2404.00498): translation by 2, reflected, "
            "and alternating flips.",
        ),
        Preset(
            "airbench96",
            "crop4_fillmodereflect+altflip+cutout12_inside1",
            "What airbench96 trains with (Jordan, arXiv:2404.00498): translation by 4, reflected, "
            "alternating flips, and Cutout of 12 pixels, wholly inside.",
        ),
        Preset(
            "hlb",
            "crop2_fillmodereflect+flip",
            "What hlb-CIFAR10 (tysam-code) trains with, but for its CutMix of 3 pixels; its loss "
            "smooths labels by 0.2.",
        ),
        Preset(
            "ffcv",
            "flip+crop2_fillmean+cutout4_inside1",
            "What FFCV's CIFAR example trains with (Leclerc et al., arXiv:2306.12517); its loss "
            "smooths labels by 0.1.",
        ),
        Preset(
            "wrnautoaugment",
            "crop4+flip+autoaugment+cutout16",
            "The usual recipe, AutoAugment's CIFAR-10 policy and Cutout, as for wide residual "
            "networks (Cubuk et al. 2019, arXiv:1805.09501).",
        ),
        Preset(
            "wrnrandaugment",
            "crop4+flip+randaugment_n3_m15+cutout16",
            "The usual recipe, RandAugment and Cutout, as for WRN-28-10 (Cubuk et al. 2020, "
            "arXiv:1909.13719): N = 3, and M = 5 of 10, which is 15 of 30 here.",
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
        Preset(
            "simclr",
            "rrc+flip+colorjitter_p0.8+gray0.2",
            "One of SimCLR's two views on CIFAR-10 (Chen et al., arXiv:2002.05709, B.9): strength "
            "0.5 and no blur. Jitter has a fixed order here.",
        ),
        Preset(
            "byola",
            "rrc+flip+colorjitter_saturation0.2_p0.8+gray0.2+blur_p1",
            "The first of BYOL's two views (Grill et al., arXiv:2006.07733, table 6), its blur as "
            "on larger images. Jitter has a fixed order here.",
        ),
        Preset(
            "byolb",
            "rrc+flip+colorjitter_saturation0.2_p0.8+gray0.2+blur_p0.1+solarize_p0.2",
            "The second of BYOL's two views (Grill et al., arXiv:2006.07733, table 6).",
        ),
        Preset(
            "fixmatchweak",
            "flip+crop4_fillmodereflect",
            "FixMatch's weak view (Sohn et al., arXiv:2001.07685): flip, and shift by an eighth.",
        ),
        Preset(
            "fixmatchstrong",
            "flip+crop4_fillmodereflect+randaugment_n2_m16+cutout16",
            "FixMatch's strong view: the weak one, RandAugment and Cutout. FixMatch draws the "
            "magnitude; this is the mean of its 1 to 10 of 10.",
        ),
        Preset(
            "deit",
            "rrc+flip+timmaugment_m9_std0.5_n2+erase_p0.25_area0.02-0.33_fillnoise"
            "+mixup0.8-or-cutmix_p1+labelsmooth0.1",
            "What DeiT trains with (Touvron et al., arXiv:2012.12877, table 9), at the image's own "
            "size; it erases with normal noise.",
        ),
        Preset(
            "threeaugment",
            "crop4_fillmodereflect+flip+gray_p1-or-solarize_p1-or-blur_p1"
            "+colorjitter_brightness0.3_contrast0.3_saturation0.3_hue0",
            "3-Augment with the simple crop (DeiT III, Touvron et al., arXiv:2204.07118): one of "
            "grey, solarize and blur, then jitter of 0.3.",
        ),
    )
}

PRESETS: dict[str, Preset] = {
    **NAMED,
    **{name: Preset(name, name, op.about()) for name, op in OPS.items()},
}
