import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from cifar10_aug import cli
from cifar10_aug.frozen.checksums import read
from tests.cli.running import assert_fails, run
from tests.frozen.freezing import contents


@pytest.fixture
def exported(sources: dict[str, Path], tmp_path: Path) -> Path:
    source = str(sources["binary archive"])
    arguments = ["--copies", "2", "--data-dir", str(tmp_path), "--source", source, "--jobs", "1"]
    result = run("export", "rotate+erase", *arguments)
    final = tmp_path / "cifar10_aug" / "rotate+erase-x2" / "1.0.0"
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        f"Written: {final}: train 200, test 20 images, 679.75 KiB in 11 shards; read it with "
        f'tfds.load("cifar10_aug/rotate+erase-x2", data_dir={str(tmp_path)!r})\n'
    )
    return final


def test_export_says_what_is_there_already(exported: Path) -> None:
    before = contents(exported)
    place = str(exported.parents[2])
    for arguments in ([], ["--resume"]):
        result = run("export", "rotate+erase", "--copies", "2", "--data-dir", place, *arguments)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"There already: {exported}: train 200, test 20 images, ")
    assert contents(exported) == before


def test_overwrite_can_change_how_it_is_stored(exported: Path, sources: dict[str, Path]) -> None:
    place = ["--data-dir", str(exported.parents[2]), "--source", str(sources["binary folder"])]
    export = ["export", "rotate+erase", "--copies", "2", *place, "--jobs", "1"]
    assert_fails(
        1,
        f"{exported}: stored as tfrecord and raw, not as array_record and raw; choose another "
        "data_dir, or overwrite it (--overwrite)",
        *export,
        *("--format", "array_record"),
    )
    changed = [*export, "--format", "array_record", "--image-encoding", "png", "--overwrite"]
    result = run(*changed)
    assert result.exit_code == 0, result.output
    assert "read it with tfds.data_source(" in result.stdout
    assert read(exported)["image_encoding"] == "png"
    assert run("verify", str(exported), "--deep", "--source", place[-1]).exit_code == 0


def test_the_seed_is_part_of_the_name(sources: dict[str, Path], tmp_path: Path) -> None:
    place = ["--data-dir", str(tmp_path), "--source", str(sources["binary folder"])]
    run("export", "flip", "--copies", "1", "--seed", "7", "--jobs", "1", *place)
    assert [path.name for path in (tmp_path / "cifar10_aug").iterdir()] == ["flip-x1-s7"]


def test_bad_usage_is_named() -> None:
    assert_fails(2, "Missing option '--copies'.", "export", "flip")
    copies = ("export", "flip", "--copies", "1")
    assert_fails(
        2,
        "--sample is drawn; leave --source and --mirror out.",
        *copies,
        *("--sample", "--source", "x"),
    )
    assert_fails(
        2,
        "--jobs is for this machine alone; with Beam, leave it out.",
        *copies,
        *("--jobs", "2", "--beam-pipeline-options", "runner=DirectRunner"),
    )
    assert_fails(
        2,
        "--image-encoding png: rescale makes float32 images, which PNG cannot hold; leave it out.",
        *("export", "rescale", "--copies", "1", "--image-encoding", "png"),
    )
    assert_fails(
        2,
        "Invalid value for '--copies': 0 is not in the range 1<=x<=10000.",
        *("export", "flip", "--copies", "0"),
    )
    assert_fails(
        2, "Invalid value for 'DIR': Directory 'missing' does not exist.", *("verify", "missing")
    )


def test_beam_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", None)
    assert_fails(
        1,
        "Apache Beam is not installed; pip install 'cifar10_aug[beam]', or leave "
        "--beam-pipeline-options out",
        *("export", "flip", "--copies", "1", "--beam-pipeline-options", "runner=DirectRunner"),
    )


def test_verify_and_info_tell_of_what_is_whole(exported: Path, sources: dict[str, Path]) -> None:
    for folder in (exported, exported.parents[2]):
        assert run("verify", str(folder)).stdout == f"{exported}: whole\nOK\n"
    deep = run("verify", str(exported), "--deep", "--source", str(sources["python folder"]))
    assert deep.stdout == f"{exported}: whole, and what the recipe makes\nOK\n"
    told = run("info", str(exported)).stdout
    digest = read(exported)["dataset_digest"]
    for line in (
        f"dataset:  cifar10_aug in {exported}",
        "images:   train 200, test 20",
        "recipe:   rotate+erase",
        "copies:   2, seed 0",
        "files:    14, tfrecord, raw images",
        "source:   archive cifar-10-binary.tar.gz",
        f"sealed:   {digest}",
    ):
        assert f"{line}\n" in told


def test_verify_names_what_is_not_whole(exported: Path) -> None:
    shard = exported / "cifar10_aug-test.tfrecord-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:-1])
    result = run("verify", str(exported.parents[2]))
    assert result.exit_code == 1
    assert result.stdout == f"{shard}: damaged: its digest is not the recorded one\n"
    assert result.stderr == (
        "Error: 1 of 1 datasets are not what was written; export them again with --overwrite\n"
    )
    (exported / "metadata.json").unlink()
    assert run("verify", str(exported)).stdout == f"{exported}/metadata.json: missing\n"
    assert_fails(
        1,
        f"{exported}: metadata.json is missing; export it again with --overwrite",
        *("info", str(exported)),
    )


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
def test_info_tells_of_descriptions_that_are_damaged(exported: Path, name: str) -> None:
    (exported / name).write_text("[")
    result = run("info", str(exported))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {exported}: dataset_info.json or features.json is damaged (")
    assert line.endswith("); export it again with --overwrite")


def test_deep_without_a_source_says_what_to_give(exported: Path) -> None:
    assert_fails(
        1,
        f"{exported}: no CIFAR-10 to compare with is in {exported.parents[2]} or "
        f"{tfds.core.constants.DATA_DIR}; give the images with --source PATH",
        *("verify", "--deep", str(exported)),
    )


def test_deep_compares_with_what_is_prepared(exported: Path, sources: dict[str, Path]) -> None:
    place = exported.parents[2]
    source = str(sources["python folder"])
    assert run("prepare", "--source", source, "--data-dir", str(place)).exit_code == 0
    assert run("verify", "--deep", "--jobs", "1", str(place)).exit_code == 0


def test_a_folder_without_frozen_epochs_is_named(tmp_path: Path) -> None:
    message = (
        f"{tmp_path}: no frozen epochs or prepared images there; give the data_dir they were "
        "written to, or a folder such as DATA_DIR/cifar10_aug/rotate30+erase-x5/1.0.0"
    )
    assert_fails(1, message, "verify", str(tmp_path))
    assert_fails(1, message, "info", str(tmp_path))
    assert_fails(
        2,
        "Use either DIR or --dataset, --sample and --data-dir.",
        *("info", str(tmp_path), "--sample"),
    )


def test_a_file_where_a_folder_should_be_is_one_line(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    arguments = ["--copies", "1", "--jobs", "1", "--source", str(sources["binary folder"])]
    result = run("export", "flip", *arguments, "--data-dir", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path}/file: datasets cannot be kept here (Not a directory); choose another "
        "folder: data_dir in tfds.load, --data-dir on the command line, or the environment "
        "variable TFDS_DATA_DIR\n"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_folder_is_one_line(sources: dict[str, Path], tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    arguments = ["--copies", "1", "--jobs", "1", "--source", str(sources["binary folder"])]
    assert_fails(
        1,
        f"{tmp_path}/data: Permission denied",
        *("export", "flip", *arguments, "--data-dir", str(tmp_path / "data")),
    )


def test_a_terminal_shows_a_bar_and_a_log_shows_lines(tmp_path: Path) -> None:
    program = "from cifar10_aug.cli import main; main()"
    command = [sys.executable, "-c", program, "export", "flip", "--copies", "2", "--sample"]
    command += ["--jobs", "1", "--data-dir", str(tmp_path)]
    logged = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = logged.stderr.splitlines()
    assert line.startswith("flip-x2: 9,000 of 9,000 images, ")
    shutil.rmtree(tmp_path / "cifar10_aug_sample")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 10_000):
                shown += block
        except OSError:
            pass  # How the end of a terminal shows on Linux.
        os.close(ours)
        assert process.wait() == 0
    assert b"flip-x2: 100%" in shown
    assert b" images/s]" in shown


def test_every_command_is_in_the_group() -> None:
    assert {"export", "verify", "info"} <= set(cli.main.commands)


def test_images_that_are_prepared_in_the_default_folder_are_exported(
    data_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", data_dir)
    result = run("export", "flip", "--copies", "1", "--jobs", "1", "--data-dir", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert caplog.messages[0] == (
        f"Taking the images that are prepared in {data_dir}/cifar10_aug/plain/1.0.0 "
        "(archive cifar-10-binary.tar.gz)."
    )
    verified = run("verify", "--deep", "--jobs", "1", str(tmp_path))
    assert verified.exit_code == 0, verified.output
