"""Sheets in Python."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cifar10_aug
from cifar10_aug.cli import contact_sheet
from cifar10_aug.data import sample
from cifar10_aug.data.images import LabelledImages
from cifar10_aug.data.sources import local
from cifar10_aug.data.sources.official import CIFAR100
from cifar10_aug.data.spec import SPECS
from cifar10_aug.errors import RecipeError, SourceError
from tests import archives
from tests.cli.running import run


def test_it_is_the_sheet_of_the_command(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    options = ("--rows", "3", "--epochs", "2", "--seed", "5", "--scale", "2", "--explain")
    run("preview", "rotate30", "--sample", "--out", str(out), *options)
    shown = cifar10_aug.preview(
        "rotate30", dataset="cifar10_aug_sample", rows=3, epochs=2, seed=5, scale=2, explain=True
    )
    assert isinstance(shown, Image.Image)
    with Image.open(out) as written:
        assert written.tobytes() == shown.tobytes()
    train = sample.read().train
    expected = contact_sheet.contact_sheet(
        cifar10_aug.Recipe.parse("rotate30"),
        LabelledImages(train.images[:3], train.labels[:3]),
        SPECS["cifar10_aug_sample"].class_names,
        epochs=2,
        seed=5,
        scale=2,
        explain=True,
    )
    assert expected.tobytes() == shown.tobytes()


def test_a_notebook_shows_it() -> None:
    shown = cifar10_aug.preview("flip", dataset="cifar10_aug_sample", rows=1)
    assert (shown._repr_png_() or b"").startswith(b"\x89PNG")


def shows(sheet: Image.Image, image: np.ndarray) -> bool:
    places = np.lib.stride_tricks.sliding_window_view(np.asarray(sheet), image.shape)
    return bool((places == image).all(axis=(-1, -2, -3)).any())


def test_the_users_images_are_shown() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 20, 30, 3), np.uint8)
    recipe = cifar10_aug.Recipe.parse("flip+mixup")
    sheet = cifar10_aug.preview(recipe, images, list("abcde"), rows=2, epochs=1, scale=1)
    assert shows(sheet, recipe(images)[1])
    assert not shows(sheet, recipe(images)[2])
    steps = cifar10_aug.preview("invert_p1+hue", images, rows=1, scale=1, steps=True)
    assert shows(steps, 255 - images[0])
    one, same = (cifar10_aug.preview("flip", given) for given in (images[0], images[:1]))
    assert one.tobytes() == same.tobytes()


def test_the_mean_is_that_of_the_dataset(tmp_path: Path) -> None:
    made = archives.make(classes=100)
    source = archives.write_folder(made, tmp_path, CIFAR100.layouts[1])
    sheet = cifar10_aug.preview("cutout16", dataset="cifar100_aug", source=source, rows=1, scale=1)
    image = local.read(str(source), published=CIFAR100).train.images[0]
    recipe = cifar10_aug.Recipe.parse("cutout16")
    assert shows(sheet, recipe.on(SPECS["cifar100_aug"])(image))
    assert not shows(sheet, recipe(image))


def test_images_that_are_not_prepared_are_an_error_that_says_how(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="run cifar10-aug prepare --dataset cifar100"):
        cifar10_aug.preview("flip", dataset="cifar100_aug", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows is 0; give a whole number from 1 to 64"),
        ({"epochs": 33}, "epochs is 33; give a whole number from 1 to 32"),
        ({"scale": 1.5}, "scale is 1.5; give a whole number from 1 to 16"),
        ({"dataset": "mnist"}, "there is no dataset 'mnist'; give one of cifar10_aug, "),
        ({"labels": ["a"]}, "labels are of images of your own; give those, too"),
        ({"images": np.zeros((2, 8, 8, 3))}, "images are float64 of shape"),
        (
            {"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": ["a"]},
            "there are 2 images and 1 labels; give at least one image, and a label for each",
        ),
        ({"images": np.zeros((0, 8, 8, 3), np.uint8)}, "there are 0 images and 0 labels"),
    ],
)
def test_what_is_wrong_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cifar10_aug.preview("flip", **arguments)


def test_a_wrong_recipe_is_named() -> None:
    with pytest.raises(RecipeError, match="there is no op 'flop'"):
        cifar10_aug.preview("flop", dataset="cifar10_aug_sample")
