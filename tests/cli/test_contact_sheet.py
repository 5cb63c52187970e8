import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar10_aug.cli import contact_sheet, sheet_columns
from cifar10_aug.data import sample
from cifar10_aug.data.images import LabelledImages
from cifar10_aug.data.spec import SAMPLE
from cifar10_aug.recipes.recipe import Recipe
from tests.registering import registered


@pytest.fixture
def four() -> LabelledImages:
    train = sample.read().train
    return LabelledImages(train.images[:4], train.labels[:4])


def cells(sheet: Image.Image, image: np.ndarray, scale: int) -> list[tuple[int, int]]:
    """Where an image is on the sheet, enlarged by whole pixels."""
    pixels = np.asarray(sheet)
    large = image.repeat(scale, axis=0).repeat(scale, axis=1)
    tall, wide = large.shape[:2]
    corner = (pixels[..., :] == large[0, 0]).all(axis=-1)
    return [
        (int(x), int(y))
        for y, x in zip(*np.nonzero(corner), strict=True)
        if pixels[y : y + tall, x : x + wide].shape == large.shape
        and (pixels[y : y + tall, x : x + wide] == large).all()
    ]


def test_a_sheet_shows_originals_beside_their_epochs(four: LabelledImages) -> None:
    recipe = Recipe.parse("rotate30+erase_p1")
    sheet = contact_sheet.contact_sheet(recipe, four, SAMPLE.class_names, epochs=3, seed=5, scale=3)
    for row in range(4):
        places = [cells(sheet, four.images[row], 3)]
        for epoch in range(3):
            made = recipe(four.images, seed=5, epoch=epoch)[row]
            places.append(cells(sheet, made, 3))
        assert all(len(found) == 1 for found in places)
        xs, ys = zip(*(found[0] for found in places), strict=True)
        assert list(xs) == sorted(xs)
        assert len(set(ys)) == 1


def test_float_recipes_are_shown_before_they_become_floats(four: LabelledImages) -> None:
    with_floats = Recipe.parse("rotate30+normalize")
    sheet = contact_sheet.contact_sheet(with_floats, four, SAMPLE.class_names, epochs=1)
    made = Recipe.parse("rotate30")(four.images)
    assert len(cells(sheet, made[2], 3)) == 1


def test_long_names_fit(four: LabelledImages) -> None:
    recipe = Recipe.parse("+".join(["rotate30_fillmodereflect"] * 6))
    sheet = contact_sheet.contact_sheet(recipe, four, SAMPLE.class_names, epochs=1, scale=1)
    assert sheet.width > 800


def test_a_saved_sheet_is_a_png_with_the_usual_rights(four: LabelledImages, tmp_path: Path) -> None:
    sheet = contact_sheet.contact_sheet(Recipe.parse("flip"), four, SAMPLE.class_names)
    path = tmp_path / "sheet.png"
    umask = os.umask(0o022)
    try:
        contact_sheet.save(sheet, path)
    finally:
        os.umask(umask)
    with Image.open(path) as picture:
        assert picture.size == sheet.size
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_failed_save_leaves_the_old_file(
    four: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sheet.png"
    path.write_text("old")
    sheet = contact_sheet.contact_sheet(Recipe.parse("flip"), four, SAMPLE.class_names)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as error:
        contact_sheet.save(sheet, path)
    assert error.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_named(four: LabelledImages, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "sheet.png"
    sheet = contact_sheet.contact_sheet(Recipe.parse("flip"), four, SAMPLE.class_names)
    with pytest.raises(FileNotFoundError) as error:
        contact_sheet.save(sheet, path)
    assert error.value.filename == str(path)


def test_what_was_drawn_is_written_under_the_pictures(four: LabelledImages) -> None:
    recipe = Recipe.parse("flip+rotate30+erase+rescale")
    bare = contact_sheet.contact_sheet(recipe, four, SAMPLE.class_names, epochs=2, scale=3)
    explained = contact_sheet.contact_sheet(
        recipe, four, SAMPLE.class_names, epochs=2, scale=3, explain=True
    )
    assert explained.height > bare.height
    visible = Recipe.parse("flip+rotate30+erase")
    for epoch in range(2):
        made = visible(four.images, epoch=epoch)
        assert all(len(cells(explained, image, 3)) == 1 for image in made)
    log = visible.parameters(range(4), epoch=1)
    text = sheet_columns.explained(log, 4)[2].split("\n")
    assert text[0] == f"flip: flipped {'yes' if log['0.flip.flipped'][2] else 'no'}"
    assert text[1] == f"rotate: degrees {log['1.rotate.degrees'][2]:.2f}"
    top, left = log["2.erase.top"][2], log["2.erase.left"][2]
    assert text[2].startswith(f"erase: top {top}, left {left},")


def test_an_op_that_a_policy_has_drawn_is_written_with_its_value() -> None:
    log = {
        "0.randaugment.op1": np.array(["brightness", "identity"]),
        "0.randaugment.value1": np.array([1.271, np.nan]),
    }
    assert sheet_columns.explained(log, 2) == [
        "randaugment: op1 brightness,\n  value1 1.27",
        "randaugment",
    ]


def silent(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws for itself."""
    return image


@pytest.mark.parametrize("name", ["plain", "rescale", "corruptfog3", "corruptbrightness", "silent"])
def test_where_nothing_is_drawn_nothing_is_written(name: str, four: LabelledImages) -> None:
    with registered({"backend": "threading"}, silent=silent):
        recipe = Recipe.parse(name)
        sheets = [
            contact_sheet.contact_sheet(recipe, four, SAMPLE.class_names, epochs=1, explain=explain)
            for explain in (False, True)
        ]
    assert sheets[0].tobytes() == sheets[1].tobytes()


def test_of_a_choice_only_what_an_example_does_is_explained() -> None:
    log = Recipe.parse("rotate-or-hue+flip").parameters(np.arange(20))
    explained = sheet_columns.explained(log, 20)
    for text, chosen in zip(explained, log["0.or.op"], strict=True):
        said = [line.split(":")[0] for line in text.split("\n") if not line.startswith(" ")]
        assert said == ["or", chosen, "flip"]


def test_views_of_an_example_have_a_row_each(four: LabelledImages) -> None:
    recipe = Recipe.parse("rotate30+rescale--rescale--erase_p1+rescale")
    for explain in (False, True):
        sheet = contact_sheet.contact_sheet(
            recipe, four, SAMPLE.class_names, epochs=2, seed=5, explain=explain
        )
        made = [
            Recipe.parse("rotate30--plain--erase_p1")(four.images, seed=5, epoch=epoch)
            for epoch in range(2)
        ]
        rows = []
        for example in range(4):
            originals = cells(sheet, four.images[example], 3)
            # The original and two epochs of the clean view, and the original beside the others.
            assert len(originals) == 5
            for view in (0, 2):
                found = [cells(sheet, images[example, view], 3) for images in made]
                assert [len(places) for places in found] == [1, 1]
                ((left, row), (right, same)) = found[0][0], found[1][0]
                assert left < right
                assert row == same
                rows.append(row)
        assert rows == sorted(rows)
        assert len(set(rows)) == 8
