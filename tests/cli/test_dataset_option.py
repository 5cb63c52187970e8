"""Commands about CIFAR-100."""

import json
from pathlib import Path

import pytest

from cifar10_aug.data.sources.official import CIFAR100
from tests import archives
from tests.cli.running import assert_fails, run

HUNDRED = ("--dataset", "cifar100")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = archives.make(classes=100)
    return str(archives.write_folder(made, tmp_path_factory.mktemp("s"), CIFAR100.layouts[1]))


def test_from_files_to_frozen_epochs(source: str, tmp_path: Path) -> None:
    data_dir = ("--data-dir", str(tmp_path))
    none = f"nothing is prepared in {tmp_path}/cifar100_aug/plain/1.0.0; "
    assert_fails(
        1, f"{none}run cifar10-aug prepare --dataset cifar100", "info", *HUNDRED, *data_dir
    )
    result = run("prepare", *HUNDRED, "--source", source, *data_dir)
    assert result.exit_code == 0, result.output
    assert 'Read it with tfds.load("cifar100_aug/RECIPE"' in result.output
    result = run("info", *HUNDRED, *data_dir)
    assert f"dataset:  cifar100_aug in {tmp_path}" in result.output
    assert "source:   folder cifar-100-python" in result.output

    export = ("export", "flip", "--copies", "1", "--jobs", "1", *data_dir)
    result = run(*export, *HUNDRED)
    assert result.exit_code == 0, result.output
    folder = tmp_path / "cifar100_aug" / "flip-x1" / "1.0.0"
    features = json.loads((folder / "features.json").read_text())["featuresDict"]["features"]
    assert features["coarse_label"]["classLabel"]["numClasses"] == "20"
    for how in ([], ["--deep", "--jobs", "1"], ["--source", source]):
        result = run("verify", str(tmp_path), *how)
        assert result.exit_code == 0, result.output
        assert result.stdout.endswith("OK\n")
    assert "recipe:   flip" in run("info", str(folder)).output


def test_preview_and_bench(source: str, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    result = run("preview", "flip", *HUNDRED, "--source", source, "--rows", "2", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert out.exists()
    result = run("bench", "flip", *HUNDRED, "--source", source, "--rounds", "1")
    assert result.exit_code == 0, result.output
    assert "100 images" in result.output
    for command in ("preview", "bench"):
        assert_fails(
            1,
            f"no CIFAR-100 is prepared in {tmp_path}/cifar100_aug/plain/1.0.0; run cifar10-aug "
            "prepare --dataset cifar100, or give --source PATH or --sample",
            *(command, "flip", *HUNDRED, "--data-dir", str(tmp_path)),
        )


@pytest.mark.parametrize("command", ["prepare", "info", "preview", "bench", "export"])
def test_the_sample_is_a_separate_dataset(command: str) -> None:
    what = {"preview": ["flip"], "bench": ["flip"], "export": ["flip", "--copies", "1"]}
    arguments = (command, *what.get(command, []), "--sample", *HUNDRED)
    assert_fails(2, "Use either --sample or --dataset.", *arguments)


def test_a_dataset_that_there_is_not() -> None:
    result = run("prepare", "--dataset", "cifar1000")
    assert result.exit_code == 2
    assert "'cifar1000' is not one of 'cifar10', 'cifar100'" in result.stderr
