"""What `cifar10-aug list` prints, to the word."""

import pytest

from cifar10_aug.cli import listing
from cifar10_aug.ops import GROUPS, OPS
from cifar10_aug.recipes.presets import NAMED
from tests.cli.running import run
from tests.registering import registered


def few(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(listing, "OPS", {name: OPS[name] for name in names})
    presets = {name: NAMED[name] for name in ("plain", "standard", "ffcv")}
    monkeypatch.setattr(listing, "NAMED", presets)


WIDE = """\
A recipe is op+op+…, each op a name, its main number and other fields:
  rotate30+erase     zoom0.5-1.5     erase_p0.5_area0.02-0.4+rescale
Every op has p, how often it is done (rotate30_p0.5); a-or-b does one of several (mixup-or-cutmix).
simclr-v2 makes two views of each image, plain--augmix--augmix three different ones.
Say `cifar10-aug list NAME` for everything about one.

Geometry
  zoom                 Scales the image about its centre; factors below 1 enlarge, as in Keras.
  altflip              Swaps left and right in every other epoch; a coin toss picks the first side.

Corruptions of CIFAR-10-C
  corruptjpeg          CIFAR-10-C's JPEG compression: what is left of an image in Pillow's file.

Registered functions
  tint                 (eager engine only) Tints.

Presets, usable like ops; every op alone is a config as well
  plain                (no op)
  standard             crop4+flip (the default)
  ffcv                 flip+crop2_fillmean+cutout4_inside1"""

ZOOM = """\
zoom

Scales the image about its centre; factors below 1 enlarge, as in Keras.

Fields, the main one first: a number right after the name sets it:
  factor     0.5-1.5 factor: a factor for each axis, independently (Keras's zoom_range); takes n
             from 0 to 0.9 (n stands for 1-n to 1+n) or low-high, numbers from 0.1 to 10
  isotropic  off factor: one factor for both axes, in place of factor; takes n from 0 to 0.9 (n
             stands for 1-n to 1+n) or low-high, numbers from 0.1 to 10
  fillmode   nearest: what lies outside the image, as in Keras; takes nearest | constant | reflect
  cval       0 levels: the level that fill mode constant shows; takes a whole number from 0 to 255
  p          1 probability: how often; takes a number from 0 to 1

Runs with both engines.
Look at it: cifar10-aug preview zoom --sample --explain --out zoom.png"""

FFCV = """\
ffcv: flip+crop2_fillmean+cutout4_inside1

What FFCV's CIFAR example trains with
(Leclerc et al., arXiv:2306.12517); its
loss smooths labels by 0.1.

Look at it: cifar10-aug preview ffcv --sample --out ffcv.png"""


def test_the_list_has_a_line_for_each_op_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    from cifar10_aug import register

    with registered():

        @register("tint")
        def tint(image, rng, much=0.5):  # type: ignore[no-untyped-def]
            """Tints."""
            return image

        few(monkeypatch, "altflip", "zoom", "corruptjpeg", "tint")
        assert listing.listing() == WIDE


def test_every_op_is_in_one_group_and_every_line_fits() -> None:
    assert sum(len(ops) for ops in GROUPS.values()) == len(OPS)
    lines = listing.listing(80).splitlines()[5:]
    assert max(map(len, lines)) <= 80 + len(" (the default)")
    for name in (*OPS, *NAMED):
        assert sum(line.startswith(f"  {name} ") for line in lines) == 1, name


def test_everything_about_one_is_laid_out_like_this() -> None:
    assert listing.about("zoom") == ZOOM
    assert listing.about("ffcv", 40) == FFCV


@pytest.mark.parametrize("name", [*OPS, *NAMED])
def test_the_command_tells_of_each(name: str) -> None:
    told = run("list", name).stdout
    assert told.startswith(name)
    assert f"cifar10-aug preview {name} --sample" in told


def test_a_wrong_name_is_bad_usage_and_names_the_closest() -> None:
    wrong = run("list", "corruptnoise")
    assert wrong.exit_code == 2
    assert wrong.stderr == (
        "Error: there is no op or preset 'corruptnoise'. Did you mean corruptshotnoise, "
        "corruptsnow or corruptimpulsenoise? cifar10-aug list shows all of them\n"
    )
