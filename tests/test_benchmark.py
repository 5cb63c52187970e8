"""What the benchmark script says of the times it has measured."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    for name in ("benchmark", "options", "peers", "chart"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import benchmark

    return benchmark


def test_a_budget_is_kept_by_the_median_ratio_within_rounds(benchmark: ModuleType) -> None:
    budget = benchmark.BUDGETS[0]
    times = {budget.row: [0.8, 8.0, 4.0], budget.against: [1.0, 10.0, 2.0]}
    ((found, ratio),) = benchmark.checked(times)
    assert found == budget
    assert ratio == pytest.approx(0.8)


def test_rows_are_compared_with_the_floor_of_their_size_and_dtype(benchmark: ModuleType) -> None:
    times = {
        "no augmentation, uint8, batch 128": [1.0],
        "no augmentation, uint8, batch 512": [2.0],
        "no augmentation, float32, batch 512": [4.0],
        "no augmentation, uint8, unbatched": [8.0],
        "rotate30, batch 512": [3.0],
        "rotate30+erase+normalize, batch 512": [3.0],
        "rotate30+erase, unbatched": [4.0],
        "keras.layers, batch 128": [9.0],
    }
    lines = benchmark.table(times, {"keras.layers, batch 128": "no erasing"}).splitlines()
    assert "| rotate30, batch 512 | 3.00 (3.00 to 3.00) | 1.50 × |" in lines
    assert "| rotate30+erase+normalize, batch 512 | 3.00 (3.00 to 3.00) | 0.75 × |" in lines
    assert "| rotate30+erase, unbatched | 4.00 (4.00 to 4.00) | 0.50 × |" in lines
    assert "| keras.layers, batch 128 (no erasing) | 9.00 (9.00 to 9.00) | 9.00 × |" in lines


def test_the_scripts_readme_has_every_budget(benchmark: ModuleType) -> None:
    readme = (SCRIPTS / "README.md").read_text()
    for budget in benchmark.BUDGETS:
        assert f"| {budget.row} / {budget.against} | {budget.most:.3g} × | " in readme


def test_a_chart_is_drawn_of_a_result(benchmark: ModuleType, tmp_path: Path) -> None:
    import chart

    rows = {"rotate30+erase, batch 128": [3.0, 4.0], "keras.layers, batch 128": [400.0]}
    about = {"images": 10, "cores": 2, "tensorflow": "2", "rounds": 2}
    (tmp_path / "result.json").write_text(json.dumps({"microseconds": rows, "about": about}))
    chart.main(tmp_path / "result.json", tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 1000


def stopped(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, **measured: object) -> object:
    """What the script ends with when it is interrupted."""

    def measure(source: object, rounds: int, into: Any) -> None:
        for name, value in measured.items():
            setattr(into, name, value)
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "measure", measure)
    with pytest.raises(SystemExit) as ended:
        benchmark.main()
    return ended.value.code


def test_what_was_measured_before_an_interrupt_is_shown_and_written(
    benchmark: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "result.json"
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "--out", str(out), "--check"])
    floor, ours = benchmark.floor(128), benchmark.ours(benchmark.RECIPE, 128)
    times = {floor: [1.0, 1.0], ours: [0.5], "rotate30, batch 512": []}
    said = stopped(benchmark, monkeypatch, images=10, times=times)
    assert said == "Interrupted; this is what was measured until then."
    shown = capsys.readouterr().out
    assert f"| {ours} | 0.50 (0.50 to 0.50) | 0.50 × |" in shown
    assert f"| {ours} / {floor} | 0.9 × | 0.5 × |" in shown
    written = json.loads(out.read_text())
    assert written["microseconds"] == {floor: [1.0, 1.0], ours: [0.5]}
    assert (written["about"]["images"], written["about"]["rounds"]) == (10, 2)


def test_an_interrupt_before_the_first_round_writes_nothing(
    benchmark: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "result.json"
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "--out", str(out)])
    said = stopped(benchmark, monkeypatch, times={"rotate30, batch 512": []})
    assert said == "Interrupted before anything was measured."
    assert not out.exists()


def test_what_a_loader_is_compared_with_is_measured(benchmark: ModuleType) -> None:
    row = benchmark.loader(benchmark.RECIPE, 128)
    times = {name: [2.0] for name in (benchmark.floor(128), benchmark.ENGINE)} | {row: [1.0]}
    found = [budget.against for budget, ratio in benchmark.checked(times) if ratio == 0.5]
    assert found == [benchmark.floor(128), benchmark.ENGINE]


def test_a_peer_needs_all_that_it_names(benchmark: ModuleType) -> None:
    import peers

    assert peers.Peer(peers.keras_layers, needs="json and os.path").installed
    assert not peers.Peer(peers.keras_layers, needs="json and nothing_of_this_name").installed
    assert not peers.Peer(peers.keras_layers, needs="nothing_of_this_name.inner").installed
