import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import cifar10_aug
from cifar10_aug.cli import main
from cifar10_aug.data.sources.official import BINARY, CIFAR10
from tests import archives, programs
from tests.cli.running import assert_fails, run


def test_help_names_every_command() -> None:
    for arguments in (["--help"], ["-h"]):
        result = run(*arguments)
        assert result.exit_code == 0
        for command in main.commands:
            assert command in result.output


def test_without_arguments_help_is_shown() -> None:
    result = run()
    # As click does it.
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == run("--help").stdout


def test_the_package_is_the_command() -> None:
    command = [sys.executable, "-m", "cifar10_aug"]
    done = subprocess.run([*command, "list"], capture_output=True, text=True, check=True)
    assert done.stdout == run("list").stdout
    done = subprocess.run([*command, "lst"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: No such command 'lst'.")


def test_help_does_not_import_tensorflow() -> None:
    program = (
        "import sys; sys.argv = ['cifar10-aug', '--help']\n"
        "from cifar10_aug.cli import main\n"
        "try: main()\n"
        "except SystemExit as done: assert done.code == 0\n"
        "assert not {'tensorflow', 'keras', 'numba'} & set(sys.modules)"
    )
    programs.python("-c", program)


def test_recipes_and_their_errors_do_not_import_tensorflow() -> None:
    program = (
        "import sys, numpy as np\n"
        "from cifar10_aug import Recipe, RecipeError\n"
        "Recipe.parse('rotate30+erase')(np.zeros((2, 32, 32, 3), np.uint8))\n"
        "try: Recipe.parse('rotat')\n"
        "except RecipeError: pass\n"
        "assert 'tensorflow' not in sys.modules"
    )
    programs.python("-c", program)


def test_preview_draws_the_sample(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    result = run("preview", "rotate30+erase", "--sample", "--out", str(out), "--rows", "2")
    assert result.exit_code == 0
    with Image.open(out) as picture:
        size = picture.size
    assert result.output == (f"{out}: rotate30+erase, 6 epochs, {size[0]} x {size[1]} pixels\n")


def test_preview_shows_the_steps_of_epoch_0(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    arguments = ("preview", "flip+hue", "--sample", "--rows", "2", "--out", str(out), "--steps")
    result = run(*arguments)
    assert result.output.startswith(f"{out}: flip+hue, epoch 0 step by step, ")
    shown = cifar10_aug.preview("flip+hue", dataset="cifar10_aug_sample", rows=2, steps=True)
    with Image.open(out) as picture:
        assert picture.tobytes() == shown.tobytes()
    assert_fails(2, "--steps shows epoch 0; leave --epochs out.", *arguments, "--epochs", "6")


def test_preview_reads_a_source_or_what_is_prepared(
    sources: dict[str, Path], data_dir: str, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    given = run("preview", "flip", "--source", str(sources["python archive"]), "--out", str(one))
    prepared = run("preview", "flip", "--data-dir", data_dir, "--out", str(two))
    assert (given.exit_code, prepared.exit_code) == (0, 0)
    assert one.read_bytes() == two.read_bytes()


def test_a_wrong_recipe_is_bad_usage() -> None:
    assert_fails(
        2,
        "Invalid value for 'RECIPE': 'rotate200': degrees is '200': out of range; it takes n or "
        "low-high, numbers from 0 to 180 (n stands for -n to n)",
        "preview",
        "rotate200",
    )
    assert_fails(
        2,
        "Invalid value for 'RECIPE': 'simclr-v2-x2-s7' names frozen epochs; give the recipe alone, "
        "simclr-v2 (export takes --copies 2 --seed 7)",
        *("export", "simclr-v2-x2-s7", "--copies", "2"),
    )


def test_bad_usage_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    assert_fails(2, "No such command 'frobnicate'.", "frobnicate")
    assert_fails(2, "Missing argument 'RECIPE'.", "preview")
    assert_fails(
        2,
        "--sample is drawn; leave --source and --mirror out.",
        *("preview", "flip", "--sample", "--source", "x"),
    )
    assert_fails(
        2,
        "--sample is drawn; leave --source and --mirror out.",
        *("prepare", "--sample", "--source", "x"),
    )
    missing = tmp_path / "missing"
    assert_fails(
        2,
        f"--out {missing}/x.png: the folder {missing} does not exist; make it.",
        *("preview", "flip", "--sample", "--out", f"{missing}/x.png"),
    )


def test_line_breaks_in_arguments_stay_in_one_line(tmp_path: Path) -> None:
    assert_fails(2, r"Got unexpected extra argument (a\nb)", "preview", "flip", "a\nb")
    assert_fails(
        2,
        r"--imports a\x1b[2J\nb: not the name of a module; write my_ops for my_ops.py.",
        *("preview", "flip", "--imports", "a\x1b[2J\nb"),
    )
    place = rf"{tmp_path}/a\nb/cifar10_aug/plain/1.0.0"
    assert_fails(
        1,
        f"nothing is prepared in {place}; run cifar10-aug prepare",
        *("info", "--data-dir", f"{tmp_path}/a\nb"),
    )


def test_arguments_that_are_no_text_are_bad_usage() -> None:
    for command in (("info", "--data-dir"), ("verify",), ("preview", "flip", "--out"), ("list",)):
        assert_fails(
            2, r"a\udcffb: not in UTF-8, which TensorFlow demands; rename it.", *command, "a\udcffb"
        )
        message = r"a\x00b: NUL cannot be part of an argument; leave it out."
        assert_fails(2, message, *command, "a\0b")


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_addresses_that_are_no_folders_are_bad_usage(scheme: str) -> None:
    for command in (("info",), ("prepare", "--sample"), ("preview", "flip"), ("bench", "flip")):
        assert_fails(
            2,
            f"data_dir is '{scheme}://a/b', and TFDS keeps nothing in {scheme}://; give the path "
            "of a folder, or the address of a bucket, gs:// or s3://",
            *(*command, "--data-dir", f"{scheme}://a/b"),
        )


def test_a_bucket_that_cannot_be_reached_is_one_line() -> None:
    message = (
        "File system scheme 's3' not implemented (file: "
        "'s3://a/b/cifar10_aug/plain/1.0.0/dataset_info.json')"
    )
    for command in (("info",), ("preview", "flip")):
        assert_fails(1, message, *command, "--data-dir", "s3://a/b")


def test_failures_are_one_line_and_exit_code_1(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert_fails(
        1,
        f"{missing}: {CIFAR10.expected}, found nothing there; check the path",
        *("prepare", "--source", str(missing), "--data-dir", str(tmp_path)),
    )
    assert_fails(
        1,
        f"nothing is prepared in {tmp_path}/cifar10_aug/plain/1.0.0; run cifar10-aug prepare",
        *("info", "--data-dir", str(tmp_path)),
    )
    assert_fails(
        1,
        f"no CIFAR-10 is prepared in {tmp_path}/cifar10_aug/plain/1.0.0; run cifar10-aug prepare, "
        "or give --source PATH or --sample",
        *("preview", "flip", "--data-dir", str(tmp_path)),
    )
    folder = tmp_path / "taken.png"
    folder.mkdir()
    result = run("preview", "flip", "--sample", "--out", str(folder))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_prepare_and_info_say_what_there_is(sources: dict[str, Path], tmp_path: Path) -> None:
    place = str(tmp_path / "data")
    prepared = run("prepare", "--source", str(sources["binary archive"]), "--data-dir", place)
    assert prepared.exit_code == 0
    told = run("info", "--data-dir", place).output
    assert told in prepared.output
    assert prepared.output.endswith(
        f'Read it with tfds.load("cifar10_aug/RECIPE", data_dir={place!r})\n'
    )
    assert "images:   train 100, test 20\n" in told
    assert "source:   archive cifar-10-binary.tar.gz\n" in told
    assert (
        "official: no (checked: sha256 of cifar-10-binary.tar.gz against the published one)\n"
        in told
    )
    folder = Path(place) / "cifar10_aug" / "plain" / "1.0.0"
    (folder / "metadata.json").write_text("{}")
    assert_fails(
        1,
        f"{folder}: the prepared images are damaged (metadata.json is not what was written); "
        "delete this folder and prepare them again",
        *("info", "--data-dir", place),
    )


def test_the_sample_can_be_prepared(tmp_path: Path) -> None:
    assert run("prepare", "--sample", "--data-dir", str(tmp_path)).exit_code == 0
    told = run("info", "--sample", "--data-dir", str(tmp_path)).output
    assert "images:   train 4000, test 1000\n" in told
    assert "official: no (checked: drawn by cifar10_aug; not CIFAR-10)\n" in told


def test_the_version_is_the_packages() -> None:
    import cifar10_aug

    assert cifar10_aug.__version__ in run("--version").output


def test_another_source_replaces_what_is_prepared_only_if_it_is_asked_for(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    place = ("--data-dir", str(tmp_path / "data"))
    other = archives.write_folder(archives.make(seed=1), tmp_path, BINARY)
    assert run("prepare", "--source", str(sources["binary archive"]), *place).exit_code == 0
    refused = run("prepare", "--source", str(other), *place)
    assert refused.exit_code == 1
    assert refused.stderr.endswith("replace them with cifar10-aug prepare --overwrite\n")
    assert "source:   archive" in run("info", *place).output
    assert run("prepare", "--overwrite", "--source", str(other), *place).exit_code == 0
    assert "source:   folder" in run("info", *place).output
