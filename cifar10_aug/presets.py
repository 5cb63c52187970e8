"""Recipes with a name of their own, usable wherever an op is: `standard+erase`."""

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
    )
}

PRESETS: dict[str, Preset] = {
    **NAMED,
    **{name: Preset(name, name, op.about()) for name, op in OPS.items()},
}
