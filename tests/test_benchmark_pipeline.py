"""What the benchmark of whole pipelines measures, and what it says of it."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from cifar10_aug.ops import OPS
from cifar10_aug.recipes.presets import NAMED


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "scripts"))
    for name in ("benchmark_pipeline", "options"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import benchmark_pipeline

    return benchmark_pipeline


def test_every_op_and_preset_has_a_row_and_a_budget(script: ModuleType) -> None:
    assert set(script.recipes()) == {*OPS, *NAMED}
    twice = {name for name in script.recipes() if script.most(name) == 2.0}
    corruptions = {name for name in OPS if name.startswith("corrupt")}
    heavy = {"blur", "noise", "elastic", "augmix", *corruptions}
    assert twice == heavy | {"byola", "byolb", "threeaugment"}


def test_rows_are_compared_within_rounds_and_the_slowest_comes_first(script: ModuleType) -> None:
    rows = {
        script.FLOOR: script.Row([1.0, 10.0, 2.0], [2.0, 20.0, 4.0]),
        "flip": script.Row([0.5, 5.0, 4.0], [1.0, 2.0, 4.0]),
        "blur": script.Row([1.9, 19.0, 9.9], [2.0, 20.0, 4.0]),
        "hue": script.Row([1.1, 11.0, 9.9], [2.0, 20.0, 4.0]),
        "interrupted": script.Row(),
    }
    assert script.table(rows).splitlines()[2:] == [
        "| `blur` | 9.90 | 1.90 | 4.00 | 1.00 |",
        "| `hue` | 9.90 | 1.10, **over** | 4.00 | 1.00 |",
        "| `no augmentation` | 2.00 | 1.00 | 4.00 | 1.00 |",
        "| `flip` | 4.00 | 0.50 | 2.00 | 0.50 |",
    ]
    assert script.ratios(rows, "flip") == (0.5, 0.5)


def test_a_round_is_timed_by_both_clocks(script: ModuleType) -> None:
    row = script.Row()
    row.measure(lambda: sum(range(1000)), 10)
    row.measure(lambda: sum(range(1000)), 10)
    assert len(row.clock) == len(row.processor) == 2
    assert min(row.clock) > 0
