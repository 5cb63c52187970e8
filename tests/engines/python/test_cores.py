"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import joblib
import pytest

from cifar10_aug.engines.python import cores


@pytest.mark.parametrize("most", [None, "1", "1000"])
def test_they_are_counted_as_joblib_counts_them(
    most: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if most is not None:
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", most)
    assert cores.count() == joblib.cpu_count()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("250000 100000",), 3),
        (("50000 100000",), 1),
        (("max 100000",), 64),
        (("150000", "100000"), 2),
        (("-1", "100000"), 64),
        ((), 64),
    ],
)
def test_a_container_has_as_many_as_it_has_processor_time(
    said: tuple[str, ...], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{number}" for number in range(len(said))]
    for file, text in zip(files, said, strict=True):
        file.write_text(f"{text}\n")
    elsewhere = str(tmp_path / "missing")
    monkeypatch.setattr(cores, "_LIMITS", ((elsewhere,), tuple(map(str, files)) or (elsewhere,)))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64), raising=False)
    assert cores.count() == expected
