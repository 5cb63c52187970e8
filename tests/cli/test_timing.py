import numpy as np
import pytest

from cifar10_aug.cli import timing


def test_passes_take_turns_after_a_warm_up() -> None:
    calls: list[str] = []
    passes = {name: lambda n=name: calls.append(n) for name in ("a", "b", "slow")}
    rounds: list[int] = []
    times = timing.in_turns(passes, 10, 3, rounds.append, seldom=["slow"])
    assert "".join(call[0] for call in calls) == "abs" + "abs" + "abs" + "ab"
    assert rounds == [1, 2, 3]
    assert {name: len(found) for name, found in times.items()} == {"a": 3, "b": 3, "slow": 2}


def test_the_time_of_all_rounds_is_told_after_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def takes(seconds: float) -> timing.Pass:
        def run() -> None:
            now[0] += seconds

        return run

    monkeypatch.setattr("cifar10_aug.cli.timing.time.perf_counter", lambda: now[0])
    told: list[tuple[float, float]] = []
    timing.in_turns(
        {"a": takes(1), "slow": takes(10)},
        *(1, 5, lambda number: None, ["slow"]),
        after_warm_up=lambda seconds: told.append((now[0], seconds)),
    )
    assert told == [(11, 5 * 1 + 2 * 10)]
    assert now[0] == 11 + 25


def test_an_interrupt_loses_no_times() -> None:
    calls = iter(["warm", "one", "two"])

    def run() -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    times: dict[str, list[float]] = {}
    with pytest.raises(KeyboardInterrupt):
        timing.in_turns({"a": run}, 1, 9, times=times)
    assert len(times["a"]) == 2


def test_ratios_are_medians_of_those_within_a_round() -> None:
    # The machine is ten times slower in the second round.
    times = {"ours": [2.0, 20.0, 4.0], "floor": [1.0, 10.0, 1.0]}
    row = timing.against(times, "ours", "floor")
    assert row.ratio == 2
    assert row.median == 4
    assert row.spread == "4.00 (2.00 to 20.00)"


@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize("floats", [False, True])
def test_the_floor_yields_every_image_with_its_label(batch_size: int | None, floats: bool) -> None:
    images = np.arange(10 * 12, dtype=np.uint8).reshape(10, 2, 2, 3)
    ds = timing.unaugmented(images, np.arange(10), batch_size, floats)
    found = ds.unbatch() if batch_size else ds
    pairs = {int(label): image for image, label in found.as_numpy_iterator()}
    assert sorted(pairs) == list(range(10))
    for label, image in pairs.items():
        np.testing.assert_array_equal(image, images[label])
        assert image.dtype == (np.float32 if floats else np.uint8)


def test_microseconds_are_for_each_image() -> None:
    (times,) = timing.in_turns({"wait": lambda: np.linalg.inv(np.eye(200))}, 1, 2).values()
    (shared,) = timing.in_turns({"wait": lambda: np.linalg.inv(np.eye(200))}, 10**6, 2).values()
    assert min(times) > max(shared)
