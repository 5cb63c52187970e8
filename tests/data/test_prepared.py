import json
import shutil
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data import prepared
from cifar10_aug.data.sources.official import BINARY
from cifar10_aug.errors import SourceError
from tests import archives
from tests.cli.running import assert_fails, run
from tests.earlier import forget


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
    for read in (lambda: builder.as_dataset("train"), lambda: prepared.read(builder.info)):
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


@pytest.fixture
def swapped(folder: Path, tmp_path: Path) -> Path:
    """Prepared images, of which the training shard is that of another source."""
    other = archives.write_folder(archives.make(seed=1), tmp_path / "other", BINARY)
    builder = Builder(config="plain", data_dir=str(tmp_path / "others"), source=other)
    builder.download_and_prepare()
    (file,) = Path(builder.data_dir).glob("*train*")
    shutil.copy(file, folder)
    return folder


def said(folder: Path, found: str = "not the images whose digest is recorded") -> str:
    return (
        f"{folder}: the prepared images are damaged ({found}); delete this folder and prepare "
        "them again"
    )


@pytest.mark.parametrize("earlier", [False, True], ids=["now", "prepared by an earlier version"])
def test_shards_of_another_source_are_not_read_for_training(earlier: bool, swapped: Path) -> None:
    if earlier:
        forget(swapped)
    place = str(swapped.parents[2])
    with pytest.raises(SourceError) as error:
        tfds.load("cifar10_aug/flip", split="train", data_dir=place)
    assert str(error.value) == said(swapped)


@pytest.mark.parametrize("name", ["cifar100_aug", "cifar10_aug_sample"])
def test_images_are_not_read_under_the_name_of_another_dataset(name: str, folder: Path) -> None:
    place = folder.parents[2]
    folder.parents[1].rename(place / name)
    moved = place / name / "plain" / "1.0.0"
    message = said(moved, f"they are cifar10_aug's, in a folder of {name}")
    for engine in ("eager", "graph"):
        with pytest.raises(SourceError) as error:
            tfds.load(
                f"{name}/flip",
                split="train",
                data_dir=str(place),
                builder_kwargs={"engine": engine},
            )
        assert str(error.value) == message
    assert run("verify", str(moved)).stdout == f"{message}\n"
    dataset = ["--sample"] if "sample" in name else ["--dataset", "cifar100"]
    assert_fails(1, message, "prepare", *dataset, "--data-dir", str(place))


def test_commands_notice_shards_of_another_source(swapped: Path) -> None:
    place = str(swapped.parents[2])
    for command in (("bench", "flip"), ("info",), ("preview", "flip")):
        assert_fails(1, said(swapped), *command, "--data-dir", place)
    assert_fails(1, said(swapped), "info", place)
    result = run("verify", place)
    assert result.exit_code == 1
    assert result.stdout == f"{said(swapped)}\n"
    assert result.stderr == "Error: 1 of 1 datasets are not what was written\n"


def test_what_an_earlier_version_has_prepared_is_read(folder: Path, made: archives.Made) -> None:
    forget(folder)
    for engine in ("eager", "graph"):
        train, test = tfds.load(
            "cifar10_aug/plain",
            split=["train", "test"],
            data_dir=str(folder.parents[2]),
            batch_size=-1,
            builder_kwargs={"engine": engine},
        )
        assert (train["image"].numpy() == made.train_images).all()
        assert (test["label"].numpy() == made.test_labels).all()


def test_prepared_images_are_verified(folder: Path, sources: dict[str, Path]) -> None:
    for one in (folder, folder.parent, folder.parents[2]):
        result = run("verify", str(one), "--deep", "--source", str(sources["python archive"]))
        assert (result.exit_code, result.stdout) == (0, f"{folder}: whole\nOK\n")
    assert (
        run("info", str(folder)).stdout == run("info", "--data-dir", str(folder.parents[2])).stdout
    )
    (folder / "dataset_info.json").write_text("[")
    result = run("verify", str(folder))
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{folder}: dataset_info.json or metadata.json is damaged (")


def test_verify_compares_with_a_source(folder: Path, tmp_path: Path) -> None:
    other = archives.write_folder(archives.make(seed=1), tmp_path / "other", BINARY)
    result = run("verify", str(folder), "--source", str(other))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {other}: these images (sha256:")


def test_frozen_epochs_do_not_tell_when_their_source_was_written(
    folder: Path, tmp_path: Path
) -> None:
    """Or the same epochs would have another digest on another machine."""
    place = str(folder.parents[2])
    Builder(config="flip-x1", data_dir=place, n_jobs=1).download_and_prepare()
    metadata = json.loads((tmp_path / "cifar10_aug/flip-x1/1.0.0/metadata.json").read_text())
    assert "stamp" not in metadata
    assert "stamp" in json.loads((folder / "metadata.json").read_text())
