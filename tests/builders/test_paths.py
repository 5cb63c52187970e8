"""Where datasets can be kept, and what their folders are called."""

import os
import re
import string
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds
from hypothesis import given
from hypothesis import strategies as st

from cifar10_aug import RecipeError
from cifar10_aug.builders import paths
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.grammar import LONGEST_NAME
from cifar10_aug.recipes.presets import NAMED
from cifar10_aug.recipes.recipe import MOST_COPIES, Config
from cifar10_aug.rng.draws import SEED_LIMIT
from tests.registering import registered

NOT_A_FOLDER = (
    "datasets cannot be kept here (Not a directory); choose another folder: data_dir in "
    "tfds.load, --data-dir on the command line, or the environment variable TFDS_DATA_DIR"
)


def keep(image: Any, rng: Any, by: float = 1) -> Any:
    return image


tokens = st.one_of(
    st.sampled_from([*OPS, *NAMED]),
    st.text(string.ascii_letters + string.digits + "+-_.<>:\"/\\|?* '\0é", max_size=6),
    st.sampled_from(["mine", "rotate", "erase_p", "-x", "-s", "."]),
    st.integers(0, 40).map(str),
    st.floats(0, 9.9).map(str),
)


@given(st.lists(tokens, min_size=1, max_size=6).map("".join), st.integers(1, 9))
def test_every_frozen_config_is_the_name_of_a_folder(recipe: str, copies: int) -> None:
    with registered(mine=keep):
        try:
            name = str(Config.parse(f"{recipe}-x{copies}"))
        except RecipeError:
            return
    assert re.fullmatch(r"[a-z0-9+_.-]+", name)
    assert not name.endswith((".", " "))
    assert len(name.encode()) <= 255
    # Names that differ by case alone would be one folder on some systems.
    assert name == name.lower()


def test_the_longest_name_is_a_folder(tmp_path: Path) -> None:
    # "flipud" and 38 times "+flip" have 196 characters.
    recipe = "+".join(["flipud", *["flip"] * 38, "dim"])
    with registered(dim=keep):
        name = str(Config.parse(f"{recipe}-x{MOST_COPIES}-s{SEED_LIMIT - 1}"))
        assert len(recipe) == LONGEST_NAME
        assert len(name) == 229
        (tmp_path / name).mkdir()


def test_a_name_that_is_too_long_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    message = "the recipe has 204 characters; 200 are allowed, so leave out what is a default"
    for end in ("", "-x3"):
        name = f"cifar10_aug_sample/{'+'.join(['flip'] * 41)}{end}"
        for load in (tfds.load, tfds.builder):
            with pytest.raises(RecipeError) as error:
                load(name, data_dir=str(tmp_path))
            assert str(error.value) == message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("config", ["plain", "rotate", "rotate-x2"])
def test_a_folder_that_cannot_be_made_is_an_error_that_says_what_to_do(
    config: str, tmp_path: Path
) -> None:
    blocked = tmp_path / "file" / "deeper" / "data"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError) as error:
        tfds.load(f"cifar10_aug_sample/{config}", data_dir=str(blocked))
    assert (error.value.strerror, error.value.filename) == (NOT_A_FOLDER, str(blocked))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_home_that_cannot_be_written_to_is_that_error_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.touch()
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(NotADirectoryError) as error:
        paths.check_writable("~/tensorflow_datasets")
    place = str(home / "tensorflow_datasets")
    assert (error.value.strerror, error.value.filename) == (NOT_A_FOLDER, place)


def test_checking_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.check_writable(str(tmp_path / "new" / "data"))
    assert not list(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    paths.check_writable("data")
    assert not os.listdir()
    paths.check_writable("gs://bucket/data")


def test_what_is_prepared_is_read_from_a_folder_that_cannot_be_written_to(
    data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(root: str) -> None:
        raise PermissionError

    monkeypatch.setattr(paths, "check_writable", refuse)
    assert len(tfds.load("cifar10_aug/rotate", split="train", data_dir=data_dir)) == 100
