"""The training scripts, as they are run."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"


@pytest.fixture(scope="module")
def tfds_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tfds")


def command(out: Path, data_dir: Path, *options: str) -> list[str]:
    place = ["--out", str(out), "--data-dir", str(data_dir)]
    return [sys.executable, str(SCRIPTS / "train.py"), *place, *options]


def result(out: Path, data_dir: Path, *options: str) -> dict[str, Any]:
    done = subprocess.run(command(out, data_dir, *options), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((out / "result.json").read_text())
    return found


def curve(found: dict[str, Any]) -> list[tuple[float, float]]:
    return [(epoch["loss"], epoch["val_loss"]) for epoch in found["history"]]


SHORT = ("--images", "512", "--epochs", "3", "--seed", "7", "--recipe", "standard+erase")


@pytest.fixture(scope="module")
def expected(tfds_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[float, float]]:
    return curve(result(tmp_path_factory.mktemp("first") / "out", tfds_dir, *SHORT))


def test_an_interrupted_run_has_the_same_curve_to_the_last_digit(
    expected: list[tuple[float, float]], tfds_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(out, tfds_dir, *SHORT), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not (out / "state.json").exists():
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert not (out / "result.json").exists()
    assert len(json.loads((out / "state.json").read_text())["history"]) < 3
    assert curve(result(out, tfds_dir, *SHORT)) == expected
    assert sorted(file.name for file in out.iterdir()) == ["curve.png", "result.json"]


def test_threads_change_nothing(
    expected: list[tuple[float, float]], tfds_dir: Path, tmp_path: Path
) -> None:
    assert curve(result(tmp_path / "out", tfds_dir, *SHORT, "--threads", "1")) == expected


def test_the_engine_changes_the_order_alone(
    expected: list[tuple[float, float]], tfds_dir: Path, tmp_path: Path
) -> None:
    found = curve(result(tmp_path / "out", tfds_dir, *SHORT, "--engine", "graph"))
    assert found != expected
    np.testing.assert_allclose(found, expected, rtol=0.3)


def test_a_folder_of_another_run_is_refused(tfds_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"run": {}, "history": [], "model": ""}))
    done = subprocess.run(command(tmp_path, tfds_dir, *SHORT), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"{tmp_path} holds a checkpoint of another run; name another folder as --out, or delete it"
    )


def test_the_sample_is_learned_within_two_minutes(tfds_dir: Path, tmp_path: Path) -> None:
    found = result(tmp_path / "out", tfds_dir, "--epochs", "6")
    assert found["history"][-1]["val_accuracy"] > 0.9
    assert sum(epoch["seconds"] for epoch in found["history"]) < 120


def test_the_cnn_has_the_layers_of_the_baseline() -> None:
    shapes = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, sys.argv[1]); from models import cnn\n"
            "print([tuple(w.shape) for w in cnn().trainable_weights if len(w.shape) > 1])",
            str(SCRIPTS),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    convolutions = [(3, 32), *[(32, 32)] * 2, (32, 128), *[(128, 128)] * 4]
    convolutions += [(128, 256), *[(256, 256)] * 2]
    dense = [(256, 1000), (1000, 128), (128, 10)]
    assert shapes.strip() == str([*((3, 3, *pair) for pair in convolutions), *dense])
