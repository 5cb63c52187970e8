"""SimCLR as it is run, its loss beside the formula of the paper, and the linear probe."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import programs

SCRIPTS = Path(__file__).parents[1] / "scripts"
# A command line; what is in its folder as the second epoch of seed 1 begins is copied.
PROGRAM = """
import shutil, sys
sys.path.insert(0, sys.argv[1])
import contrastive, train_simclr

def copy_and_begin(self, epoch, logs=None):
    if epoch == 1:
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(whole, other)
    begin(self, epoch, logs)

begin, contrastive.Probe.on_epoch_begin = contrastive.Probe.on_epoch_begin, copy_and_begin
whole, other, *options = sys.argv[2:]
sys.argv = ["train_simclr.py", "--out", whole, *options]
train_simclr.main()
"""


@pytest.fixture(autouse=True)
def path_of_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)


def result(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "result.json").read_text())
    return found


def curves(out: Path) -> list[list[dict[str, float]]]:
    """What a result says of each seed's epochs, but for the time that they took."""
    return [
        [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in history]
        for history in result(out)["seeds"]
    ]


@pytest.mark.slow
def test_an_interrupted_run_has_the_same_curves_to_the_last_digit(tmp_path: Path) -> None:
    whole, other, data = (tmp_path / name for name in ("whole", "other", "data"))
    options = ["--images", "40", "--batch-size", "16", "--epochs", "2", "--temperature", "0.3"]
    options += ["--seeds", "2", "--data-dir", str(data)]
    done = programs.run("-c", PROGRAM, SCRIPTS, whole, other, *options, check=True)
    assert (other / "seed-0" / "result.json").exists()
    assert sorted(f.name for f in (other / "seed-1").iterdir()) == ["epoch-1.keras", "state.json"]
    resumed = programs.run(SCRIPTS / "train_simclr.py", *options, "--out", other, check=True)
    assert "resuming after epoch 1 of 2\n" in resumed.stdout
    # Neither seed 0 nor the first epoch of seed 1 again.
    assert re.findall(r"Epoch \d/\d", resumed.stdout) == ["Epoch 2/2"]
    assert curves(other) == curves(whole)
    tables = [re.findall(r"\|.*\|\n", said.stdout) for said in (done, resumed)]
    assert len(tables[0]) == 5
    assert tables[0] == tables[1]
    left = ["curve.png", "result.json", "seed-0/result.json", "seed-1/result.json"]
    assert sorted(str(f.relative_to(other)) for f in other.rglob("*.*")) == left
    first, second = curves(whole)
    assert [sorted(epoch) for epoch in first] == [["loss", "probe", "untrained"], ["loss", "probe"]]
    assert first != second  # Seeds are.


def test_an_interrupt_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import train_simclr

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["train_simclr.py", "--out", str(tmp_path)])
    monkeypatch.setattr(train_simclr, "trained", interrupt)
    message = "Interrupted; the same command resumes after the last completed epoch."
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        train_simclr.main()


@pytest.mark.slow
def test_the_probe_gains_on_the_sample(tmp_path: Path) -> None:
    options = ["--images", "1000", "--batch-size", "64", "--seeds", "1", "--epochs", "1"]
    options += ["--out", str(tmp_path / "out"), "--data-dir", str(tmp_path)]
    programs.run(SCRIPTS / "train_simclr.py", *options, check=True)
    ((epoch,),) = curves(tmp_path / "out")
    assert epoch["probe"] > epoch["untrained"] + 0.05


def reference(projections: np.ndarray, temperature: float) -> list[float]:
    """Equation 1 of arXiv:2002.05709, term by term; rows 2k and 2k + 1 are the views of image k."""
    z = [list(map(float, row)) for row in projections.reshape(-1, projections.shape[-1])]

    def similarity(i: int, k: int) -> float:
        product = sum(a * b for a, b in zip(z[i], z[k], strict=True))
        return product / math.hypot(*z[i]) / math.hypot(*z[k])

    def loss(i: int, j: int) -> float:
        others = [math.exp(similarity(i, k) / temperature) for k in range(len(z)) if k != i]
        return -math.log(math.exp(similarity(i, j) / temperature) / sum(others))

    return [loss(i, i ^ 1) for i in range(len(z))]


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_the_loss_is_that_of_the_paper(batch: int, temperature: float) -> None:
    from contrastive import NTXent

    projections = np.random.default_rng(batch).normal(size=(batch, 2, 5)).astype(np.float32)
    expected = reference(projections, temperature)
    loss = NTXent(temperature)
    labels = np.zeros(batch)
    # First views come before second ones.
    found = np.asarray(loss.call(labels, projections)).reshape(2, batch).T.reshape(-1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert float(loss(labels, projections)) == pytest.approx(np.mean(expected), 1e-4, 1e-5)


def test_features_do_not_depend_on_brightness_and_hardly_on_contrast() -> None:
    from contrastive import encoder
    from models import MODELS

    images = np.random.default_rng(0).integers(0, 120, (3, 32, 32, 3)).astype(np.uint8)
    for model in MODELS:
        network = encoder(model)
        features = network.predict_on_batch(images)
        assert features.shape == (3, 128)
        assert np.ptp(features, axis=0).max() > 0
        for changed, tolerance in ((images + 100, 1e-3), (2 * images, 0.05)):
            found = network.predict_on_batch(changed)
            np.testing.assert_allclose(found, features, rtol=tolerance, atol=1e-6)


def test_the_probe_is_ridge_regression() -> None:
    from contrastive import RIDGE, linear_accuracy

    random = np.random.default_rng(0)
    labels = np.minimum(*random.integers(0, 10, (2, 4030)))  # Some classes are rare.
    features = random.normal(size=(10, 20))[labels] + random.normal(size=(4030, 20))
    features = features * np.geomspace(0.1, 100, 20) + 3
    # So few are learned from, and so many judged, that a change of the weights is seen.
    train, test = (features[:30], labels[:30]), (features[30:], labels[30:])
    # Another way to the same: least squares, with rows that draw the weights towards 0.
    mean, deviation = train[0].mean(0), train[0].std(0)
    x, other = (np.c_[(each - mean) / deviation, np.ones(len(each))] for each, _ in (train, test))
    x = np.r_[x, np.sqrt(RIDGE * 30) * np.eye(21)]
    y = np.r_[np.eye(10)[train[1]], np.zeros((21, 10))]
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    expected = (np.argmax(other @ weights, 1) == test[1]).mean()
    assert 0.3 < expected < 0.95
    assert linear_accuracy(train, test) == pytest.approx(expected, abs=1 / 4000)


def test_features_that_tell_nothing_are_no_error() -> None:
    from contrastive import linear_accuracy

    labels = np.arange(100) % 10
    same = (np.ones((100, 4), np.float32), labels)
    assert linear_accuracy(same, same) == 0.1


def test_the_table_shows_each_seed_and_the_mean() -> None:
    from train_simclr import table

    first = [{"untrained": 0.5, "probe": 0.6}, {"probe": 0.75}]
    assert table([first, [{"untrained": 0.6, "probe": 0.55}]]).splitlines() == [
        "| seed | probe, untrained | probe, trained | margin, points |",
        "|---|---|---|---|",
        "| 0 | 50.0% | 75.0% | +25.0 |",
        "| 1 | 60.0% | 55.0% | -5.0 |",
        "| mean | 55.0% | 65.0% | +10.0 |",
    ]


def test_it_trains_on_two_views_of_simclr() -> None:
    from train_simclr import parsed

    runs, out = parsed([])
    assert [(run.name, run.seed) for run in runs] == [("simclr-v2", seed) for seed in range(3)]
    assert out == Path("simclr")


def test_a_result_of_another_run_is_refused(tmp_path: Path) -> None:
    import train_simclr

    (tmp_path / "result.json").write_text(json.dumps({"run": {}}))
    message = (
        f"{tmp_path} holds the result of another run; name another folder as --out, or delete it"
    )
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        train_simclr.trained(train_simclr.Run(), tmp_path)
