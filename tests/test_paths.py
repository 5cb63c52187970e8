"""Paths that people have: relative, with ~, spaces and letters beyond ASCII."""

import os
from pathlib import Path

import pytest
import tensorflow_datasets as tfds
from click.testing import CliRunner

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.builders.paths import placed
from cifar10_aug.cli import main
from cifar10_aug.errors import SourceError
from tests.cli.running import assert_fails

# Spaces, letters, and what URLs and templates are made of.
NAME = "Bilder für 猫 %41 {x}"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder that ~ means, which is also the current one."""
    place = tmp_path / NAME
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("config", ["rotate", "flip-x1"])
@pytest.mark.parametrize("data_dir", ["~/my data", "my data", Path("~/my data")], ids=str)
def test_a_folder_stays_where_it_was_when_loaded(
    config: str,
    data_dir: str | Path,
    sources: dict[str, Path],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (home / "images").symlink_to(sources["binary folder"])
    frozen = {"n_jobs": 1} if "-x" in config else {}
    ds = tfds.load(
        f"cifar10_aug/{config}",
        split="train",
        data_dir=data_dir,
        builder_kwargs={"source": "~/images", **frozen},
    )
    builder = Builder(config=config, data_dir=data_dir)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert len(list(ds)) == len(list(builder.as_dataset(split="train"))) == 100
    assert Path(builder.data_dir).is_relative_to(home / "my data")
    assert os.listdir() == []
    assert not (home / "~").exists()


def test_buckets_stay_as_they_are() -> None:
    assert placed("gs://bucket/~/my data") == "gs://bucket/~/my data"


def test_a_preview_is_saved_at_home(home: Path, sources: dict[str, Path]) -> None:
    (home / "images").symlink_to(sources["binary folder"])
    arguments = ["preview", "flip", "--source", "~/images", "--out", "~/blatt ö.png"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert (home / "blatt ö.png").stat().st_size > 1000


@pytest.mark.parametrize(("name", "found"), [("data [1]", "["), ("a?b*", "* and ?")])
def test_a_folder_that_tfds_takes_for_a_pattern_is_refused(
    name: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / name
    message = (
        f"data_dir is {str(place)!r}, and TFDS takes {found} in it for a pattern of other "
        "folders' names; choose a data_dir without [, * and ?"
    )
    for config in ("plain", "flip", "flip-x1"):
        with pytest.raises(SourceError) as error:
            Builder(config=config, data_dir=place)
        assert str(error.value) == message
    monkeypatch.chdir(tmp_path)
    for command in (["prepare"], ["export", "flip", "--copies", "1"], ["info"]):
        assert_fails(2, message, *command, "--data-dir", name)
    assert not place.exists()


@pytest.mark.parametrize("command", ["info", "verify"])
def test_a_folder_at_home_is_looked_at(command: str, home: Path) -> None:
    (home / "my data").mkdir()
    message = (
        f"{home}/my data: no frozen epochs or prepared images there; give the data_dir they were "
        "written to, or a folder such as DATA_DIR/cifar10_aug/rotate30+erase-x5/1.0.0"
    )
    assert_fails(1, message, command, "~/my data")
