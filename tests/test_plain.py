import json
import shutil
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from cifar10_aug import plain
from cifar10_aug.errors import SourceError
from tests.cli.running import assert_fails


@pytest.fixture
def folder(data_dir: str, tmp_path: Path) -> Path:
    """Prepared images that may be changed."""
    shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
    return tmp_path / "cifar10_aug" / "plain" / "1.0.0"


def say(folder: Path, length: str) -> None:
    """Edits how many images there are."""
    path = folder / "dataset_info.json"
    info = json.loads(path.read_text())
    info["splits"][0]["shardLengths"] = [length]
    path.write_text(json.dumps(info))


@pytest.mark.parametrize("length", ["-5", "103", "100000000000"])
def test_files_that_cannot_hold_so_many_images_are_refused(length: str, folder: Path) -> None:
    say(folder, length)
    builder = tfds.builder("cifar10_aug/rotate", data_dir=str(folder.parents[2]))
    message = (
        f"{folder}: the prepared images are damaged (dataset_info.json says that the files of "
        f"train, 314900 bytes, have {length} images); delete this folder and prepare them again"
    )
    for read in (lambda: builder.as_dataset("train"), lambda: plain.read(builder.info)):
        with pytest.raises(SourceError) as error:
            read()
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("length", "found"), [("99", "more than 99 images"), ("102", "100 images instead of 102")]
)
def test_wrong_counts_are_noticed(length: str, found: str, folder: Path) -> None:
    say(folder, length)
    builder = tfds.builder("cifar10_aug/rotate", data_dir=str(folder.parents[2]))
    with pytest.raises(SourceError, match=f"the prepared images are damaged .{found}"):
        builder.as_dataset("train")


def test_commands_name_a_file_that_is_a_folder(folder: Path, tmp_path: Path) -> None:
    (file,) = folder.glob("*train*")
    file.unlink()
    file.mkdir()
    place = str(folder.parents[2])
    for command in (
        ("preview", "rotate", "--out", str(tmp_path / "sheet.png")),
        ("export", "rotate", "--copies", "1"),
    ):
        assert_fails(
            1,
            f"{folder}: the prepared images are damaged ({file.name} is a folder); delete this "
            "folder and prepare them again",
            *(*command, "--data-dir", place),
        )
