"""What `cifar10-aug list` prints, to the word."""

import pytest

from cifar10_aug.cli import listing
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.presets import NAMED
from tests.registering import registered


def few(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(listing, "OPS", {name: OPS[name] for name in names})
    presets = {name: NAMED[name] for name in ("plain", "standard")}
    monkeypatch.setattr(listing, "NAMED", presets)


WIDE = """\
A recipe is op+op+…, each op a name, its main number and other fields:
  rotate30+erase     zoom0.5-1.5     erase_p0.5_area0.02-0.4+rescale

Ops (the first field is the main one, written right after the name)

  altflip    Swaps left and right in every other epoch; a coin toss picks the first side.

  zoom       Scales the image about its centre; factors below 1 enlarge, as in Keras.
             factor     0.5-1.5 factor: a factor for each axis, independently (Keras's zoom_range);
                        takes n from 0 to 0.9 (n stands for 1-n to 1+n) or low-high, numbers from
                        0.1 to 10
             isotropic  off factor: one factor for both axes, in place of factor; takes n from 0 to
                        0.9 (n stands for 1-n to 1+n) or low-high, numbers from 0.1 to 10
             fillmode   nearest: what lies outside the image, as in Keras; takes nearest | constant
                        | reflect
             cval       0 levels: the level that fill mode constant shows; takes a whole number from
                        0 to 255

Presets (usable like ops; every op alone is a config as well)

  plain      (no op)
             The images as they are.
  standard   crop4+flip
             Pad by 4 zeros, crop, flip: the usual training recipe (He et al. 2015). This is the
             default config."""

NARROW = """\
Ops (the first field is the main one, written right after the name)

  altflip    Swaps left and right in every other epoch; a coin toss picks the first side.

Registered functions

  tint       Tints.
             much       0.5: takes a
                        number from 0

Presets (usable like ops; every op alone is a config as well)

  plain      (no op)
             The images as they are.
"""


def test_the_list_is_laid_out_like_this(monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch, "altflip", "zoom")
    assert listing.listing() == WIDE


def test_registered_functions_come_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    from cifar10_aug import register

    with registered():

        @register("tint")
        def tint(image, rng, much=0.5):  # type: ignore[no-untyped-def]
            """Tints."""
            return image

        few(monkeypatch, "altflip", "tint")
    assert NARROW in listing.listing(40)
