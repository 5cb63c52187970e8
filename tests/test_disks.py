"""Disks that are full, and disks that can only be read."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from tests.cli.running import assert_fails, run


def mount(place: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no separate disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 KiB; the images of the fixtures take 370."""
    if os.name != "posix" or os.geteuid():
        pytest.skip("only root can mount a disk")
    place = tmp_path / "disk"
    place.mkdir()
    mount(place, "size=200k")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_what_did_not_fit_is_written_when_there_is_room(
    disk: Path, sources: dict[str, Path]
) -> None:
    where = ("--source", str(sources["binary archive"]), "--data-dir", str(disk / "data"))
    prepare = ("prepare", *where)
    export = ("export", "flip", "--copies", "1", "--jobs", "1", *where)
    for command, file, what in (
        (prepare, "plain/incomplete.", ": No space left on device"),
        (
            *(export, "flip-x1"),
            ": 1 MB are needed and 0 MB are free; make room, or choose another data_dir",
        ),
    ):
        result = run(*command)
        assert result.exit_code == 1, result.output
        # TFDS says before it what it is going to do.
        last = result.stderr.splitlines()[-1]
        assert last.startswith(f"Error: {disk}/data/cifar10_aug/{file}"), result.stderr
        assert last.endswith(what), result.stderr
        assert "Traceback" not in result.stderr
        assert not list(disk.rglob("1.0.0"))
    mount(disk, "remount,size=20m")
    for command in (prepare, export):
        result = run(*command)
        assert result.exit_code == 0, result.output
    folder = disk / "data" / "cifar10_aug" / "flip-x1" / "1.0.0"
    assert run("verify", str(folder), "--deep", "--jobs", "1").exit_code == 0


def test_a_disk_that_can_only_be_read_is_read(disk: Path, sources: dict[str, Path]) -> None:
    mount(disk, "remount,size=20m")
    place, source = disk / "data", ("--source", str(sources["binary archive"]))
    assert run("prepare", *source, "--data-dir", str(place)).exit_code == 0
    mount(disk, "remount,ro")
    for engine in ("eager", "graph"):
        ds = tfds.load(
            "cifar10_aug/rotate",
            split="train",
            data_dir=str(place),
            builder_kwargs={"engine": engine},
        )
        assert len(list(ds)) == 100
    export = ("export", "flip", "--copies", "1", "--jobs", "1", *source)
    for command, folder in ((export, place), (("prepare", *source), disk / "other")):
        assert_fails(
            1,
            f"{folder}: datasets cannot be kept here (Read-only file system); choose another "
            "folder: data_dir in tfds.load, --data-dir on the command line, or the environment "
            "variable TFDS_DATA_DIR",
            *(*command, "--data-dir", str(folder)),
        )
