from pathlib import Path

import pytest

from tests.cli.running import run


def test_bench_times_a_recipe_beside_no_augmentation() -> None:
    done = run("bench", "rotate30+rescale", "--sample", "--rounds", "2", "--batch-size", "64")
    assert done.exit_code == 0, done.output
    heading, floor, ours, about = done.stdout.strip().splitlines()[-4:]
    assert "us an image, median (least to most)" in heading
    assert floor.startswith("un-augmented")
    assert " 1.00 x " in floor
    assert ours.startswith("rotate30+rescale")
    assert about.startswith("4,000 images, batches of 64, float32, 2 rounds in turns; ")


def test_bench_takes_what_is_prepared(data_dir: str) -> None:
    done = run("bench", "mixup", "--rounds", "1", "--data-dir", data_dir)
    assert done.exit_code == 0, done.output
    assert "100 images, batches of 128" in done.stdout


def test_bench_says_what_to_do_without_images(tmp_path: Path) -> None:
    done = run("bench", "flip", "--data-dir", str(tmp_path))
    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: no CIFAR-10 is prepared in {tmp_path}/cifar10_aug/plain/1.0.0; run "
        "cifar10-aug prepare, or give --source PATH or --sample\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["flp"], "'flp': there is no op 'flp'. Did you mean flip"),
        (["flip", "--sample", "--source", "x"], "--sample is drawn; leave --source and --mirror"),
        (["flip", "--rounds", "0"], "Invalid value for '--rounds': 0 is not in the range x>=1"),
        (
            ["flip", "--batch-size", str(2**63)],
            f"Invalid value for '--batch-size': {2**63} is not in the range 1<=x<={2**63 - 1}.",
        ),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], message: str) -> None:
    done = run("bench", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
