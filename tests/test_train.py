"""The training scripts, as they are run."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cifar10_aug import SourceError
from cifar10_aug.data.sources.official import BINARY
from tests import archives, programs

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"


@pytest.fixture(scope="module")
def tfds_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tfds")


Curve = list[tuple[float, float]]


def result(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "result.json").read_text())
    return found


def curve(found: dict[str, Any]) -> Curve:
    return [(epoch["loss"], epoch["val_loss"]) for epoch in found["history"]]


# Several runs in one process, each of them a command line; "killed" as soon as an epoch is kept.
PROGRAM = """
import json, os, signal, sys
sys.path.insert(0, sys.argv[1])
import checkpoint, train

def write_and_die(path, content):
    write(path, content)
    if path.name == "state.json":
        os.kill(os.getpid(), signal.SIGKILL)

write = checkpoint.write
if "killed" in sys.argv:
    checkpoint.write = write_and_die
for options in json.loads(sys.argv[2]):
    run, out = train.parsed(options)
    train.train(run, out, verbose=0)
"""
SHORT = ("--images", "256", "--epochs", "2", "--seed", "7", "--recipe", "standard+erase")


def options(out: Path, data_dir: Path, *more: str) -> list[str]:
    return [*SHORT, "--out", str(out), "--data-dir", str(data_dir), *more]


@pytest.mark.slow
def test_neither_an_interrupt_nor_threads_nor_the_engine_change_a_curve(
    tfds_dir: Path, tmp_path: Path
) -> None:
    """To the last digit; and one image is enough."""
    resumed = tmp_path / "resumed"
    run = options(resumed, tfds_dir, "--engine", "graph", "--threads", "1")
    killed = programs.run("-c", PROGRAM, SCRIPTS, json.dumps([run]), "killed")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(json.loads((resumed / "state.json").read_text())["history"]) == 1
    whole, single = tmp_path / "whole", tmp_path / "single"
    one_image = options(single, tfds_dir, "--images", "1", "--epochs", "1")
    runs = [run, options(whole, tfds_dir), one_image]
    programs.run("-c", PROGRAM, SCRIPTS, json.dumps(runs), check=True)
    assert curve(result(resumed)) == curve(result(whole))
    assert sorted(file.name for file in resumed.iterdir()) == ["curve.png", "result.json"]
    assert len(result(single)["history"]) == 1


def asked(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What a Python without any package says."""
    return programs.python("-S", *arguments, check=False)


def test_help_shows_every_default_and_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    done = asked(SCRIPTS / "train.py", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    monkeypatch.syspath_prepend(SCRIPTS)
    import train

    shown = " ".join(done.stdout.split())
    defaults = vars(train.Run()).items()
    for option, default in defaults:
        if default is not None:
            text = rf"--{option.replace('_', '-')} [^\[]*\[default: {re.escape(str(default))}\]"
            assert re.search(text, shown.split("options:")[1]), option
    assert shown.count("[default: ") == len(defaults) + 1  # --out


@pytest.mark.parametrize("script", ["train_table.py", "train_study.py", "train_simclr.py"])
def test_other_scripts_show_help_without_any_package(script: str) -> None:
    done = asked(SCRIPTS / script, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "[default: " in done.stdout


@pytest.mark.parametrize("script", ["train.py", "train_table.py", "train_simclr.py"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: '0' is not a whole number from 1 on"),
        (["--images", "-3"], "argument --images: '-3' is not a whole number from 1 on"),
        (["--learning-rate", "nan"], "argument --learning-rate: 'nan' is not a number greater"),
    ],
)
def test_wrong_numbers_are_one_line(script: str, arguments: list[str], message: str) -> None:
    done = asked(SCRIPTS / script, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {message}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "rotat"], "argument --recipe: 'rotat': there is no op 'rotat'. Did you mean"),
        (
            ["--recipe", "simclr-v2"],
            "argument --recipe: 'simclr-v2' makes 2 views of each image, and one is trained on; "
            "name one recipe, such as simclr\n",
        ),
        (["--seed", "x"], "argument --seed: 'x' is not a whole number from 0 to 4294967295"),
    ],
)
def test_a_wrong_recipe_or_seed_is_one_line(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    import train

    with pytest.raises(SystemExit) as ended:
        train.parsed(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"Error: {message}")
    assert (said.err.count("\n"), said.out) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--images", "4001"],
            "Error: --images 4001: Requested slice [:4001] incompatible with 4000 examples.",
        ),
        (
            ["--source", "missing"],
            "Error: {folder}/missing: expected CIFAR-10: cifar-10-binary.tar.gz or "
            "cifar-10-python.tar.gz, a tar or zip of the same files, the folder unpacked from one "
            "(cifar-10-batches-bin, cifar-10-batches-py), an .npz, Parquet files or PNG folders, "
            "found nothing there; check the path",
        ),
    ],
)
def test_images_that_are_not_there_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    tfds_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py", "--data-dir", str(tfds_dir), *arguments])
    # It would be switched on for all tests that follow.
    monkeypatch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)
    import train

    message = message.replace("{folder}", str(tmp_path))
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        train.main()


def test_the_models_are_those_of_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    from models import MODELS
    from options import MODELS as NAMES

    assert tuple(MODELS) == NAMES


def test_a_folder_of_another_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    import train
    from checkpoint import Checkpoint

    (tmp_path / "state.json").write_text(json.dumps({"run": {}, "history": [], "model": ""}))
    message = (
        f"{tmp_path} holds a checkpoint of another run; name another folder as --out, or delete it"
    )
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        Checkpoint(tmp_path, train.Run()).load()


def test_no_other_images_than_those_of_the_source_are_trained_on(
    data_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    import train

    other = archives.write_folder(archives.make(seed=1), tmp_path, BINARY)
    for source, said in ((other, "these images"), (tmp_path / "missing", "found nothing there")):
        run, _ = train.parsed(["--source", str(source), "--data-dir", data_dir])
        with pytest.raises(SourceError, match=f"^{re.escape(str(source))}: .*{said}"):
            run.load("train")


@pytest.mark.slow
def test_the_sample_is_learned_within_two_minutes(tfds_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = SCRIPTS / "train.py"
    options = ["--epochs", "3", "--batch-size", "64", "--seed", "2"]
    programs.run(script, "--out", out, "--data-dir", tfds_dir, *options, check=True)
    found = result(out)
    assert found["history"][-1]["val_accuracy"] > 0.9
    assert sum(epoch["seconds"] for epoch in found["history"]) < 120


def test_the_cnn_has_the_layers_of_the_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    from models import cnn

    shapes = [tuple(w.shape) for w in cnn().trainable_weights if len(w.shape) > 1]
    convolutions = [(3, 32), *[(32, 32)] * 2, (32, 128), *[(128, 128)] * 4]
    convolutions += [(128, 256), *[(256, 256)] * 2]
    dense = [(256, 1000), (1000, 128), (128, 10)]
    assert shapes == [*((3, 3, *pair) for pair in convolutions), *dense]
