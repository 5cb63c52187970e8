"""The benchmark of layers: what it does without a GPU, and that it measures on a processor."""

import json
import sys
from pathlib import Path
from types import ModuleType

import keras
import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    for name in ("benchmark_gpu", "models", "options"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import benchmark_gpu

    return benchmark_gpu


def test_without_a_gpu_it_says_so_and_ends(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(script.tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(sys, "argv", ["benchmark_gpu.py", "--out", str(tmp_path / "gpu.json")])
    script.main()
    assert capsys.readouterr().out == (
        "Nothing was measured: TensorFlow sees no GPU; --device cpu times the processor.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_layers_and_steps_are_timed_and_written(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def network() -> keras.Model:
        return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])

    monkeypatch.setattr(script.models, "resnet", network)
    monkeypatch.setattr(script, "RECIPES", ("flip",))
    monkeypatch.setitem(sys.modules, "torch", None)
    out = tmp_path / "gpu.json"
    options = ["--device", "cpu", "--batch-size", "4", "--calls", "2", "--rounds", "2"]
    monkeypatch.setattr(sys, "argv", ["benchmark_gpu.py", *options, "--out", str(out)])
    script.main()
    shown = capsys.readouterr().out
    assert "torchvision and Kornia are left out: torch is not installed\n" in shown
    assert "| step of the small ResNet, flip |" in shown
    found = json.loads(out.read_text())
    rows = ["layer, flip", script.ALONE, f"{script.ALONE}, flip"]
    assert list(found["microseconds"]) == rows
    assert all(len(times) == 2 for times in found["microseconds"].values())
    assert (found["about"]["device"], found["about"]["batch"]) == ("cpu", 4)


def test_a_step_is_compared_with_the_step_alone(script: ModuleType) -> None:
    flip = f"{script.ALONE}, flip"
    times = {
        "layer, flip": [1.0],
        script.ALONE: [4.0, 8.0],
        flip: [5.0, 12.0],
        "torchvision, standard, batch": [2.0],
    }
    assert script.table(times).splitlines()[2:] == [
        "| layer, flip | 1.00 (1.00 to 1.00) |  |",
        f"| {script.ALONE} | 6.00 (4.00 to 8.00) | 1.000 × |",
        f"| {flip} | 8.50 (5.00 to 12.00) | 1.375 × |",
        "| torchvision, standard, batch (one draw for the whole batch) | 2.00 (2.00 to 2.00) |  |",
    ]


@pytest.mark.parametrize("measured", [False, True])
def test_an_interrupt_keeps_what_was_measured(
    script: ModuleType, measured: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(args: object, times: dict[str, list[float]]) -> None:
        times.update({"layer, flip": [1.0] if measured else [], script.ALONE: []})
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "measure", measure)
    out = tmp_path / "gpu.json"
    argv = ["benchmark_gpu.py", "--device", "cpu", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit, match="Interrupted"):
        script.main()
    if measured:
        assert json.loads(out.read_text())["microseconds"] == {"layer, flip": [1.0]}
    else:
        assert not out.exists()
