"""The table of ops: which are in it, what others are compared with, and what its rows say."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cifar10_aug import Recipe
from cifar10_aug.ops import OPS
from cifar10_aug.ops.intensity import Invert

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    for name in ("benchmark_ops", "op_libraries", "options", "chart", "peers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import benchmark_ops

    monkeypatch.setattr(benchmark_ops, "SHORTEST", 0.0)
    return benchmark_ops


def test_every_op_has_a_row_in_which_it_is_done_to_every_image(script: ModuleType) -> None:
    for op in OPS.values():
        (made,) = Recipe.parse(script.recipe_of(op)).ops
        assert made.p == 1, op
    assert script.recipe_of(Invert) == "invert_p1"


@pytest.mark.parametrize("library", ["OpenCV", "Albumentations", "Pillow", "published"])
def test_other_libraries_do_ops_that_there_are(script: ModuleType, library: str) -> None:
    ways = script.LIBRARIES[library].ways()
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    for op, way in ways.items():
        assert op in OPS
        assert np.asarray(way(images)).shape == images.shape, op


def test_rows_are_compared_with_the_fastest_that_does_the_same(script: ModuleType) -> None:
    times = {"cifar10_aug": [1.0, 8.0, 2.0], "OpenCV": [4.0, 4.0, 8.0], "Pillow": [1.0, 1.0, 1.0]}
    row = script.Row("invert_p1", times, [0.5], {"OpenCV": "", "Pillow": "nothing is drawn"})
    assert row.fastest == "OpenCV"
    assert row.ratio("OpenCV") == 0.25
    assert not row.over
    assert script.table({"invert": row}).splitlines()[-1] == (
        "| `invert_p1` | 2.00 (1.00 to 8.00) |  | 0.50 | OpenCV 4.00 | 0.25 "
        "| Pillow 1.0 (nothing is drawn) |"
    )
    row.marks["Pillow"] = ""
    assert row.fastest == "Pillow"
    assert row.over
    assert "**over**" in script.table({"invert": row})


def test_an_op_near_a_copy_and_a_draw_keeps_its_budget(script: ModuleType) -> None:
    row = script.Row("flip_p1", {"cifar10_aug": [2.0], "OpenCV": [3.0]}, [], {"OpenCV": ""}, 0.2)
    assert not row.over
    assert "| `flip_p1` | 2.00 (2.00 to 2.00) | 10.0 x |" in script.table({"flip": row})
    row.limit = 0.19
    assert row.over


def test_policies_have_a_budget_against_torchvision(script: ModuleType) -> None:
    times = {"cifar10_aug": [2.0], "torchvision": [10.0], "OpenCV": [1.0]}
    row = script.Row("randaugment", times, [], {"torchvision": "", "OpenCV": ""})
    assert row.budget == ("torchvision", 0.1)
    assert row.over


def test_an_op_that_nobody_else_has_has_no_budget(script: ModuleType) -> None:
    row = script.Row("gridmask", {"cifar10_aug": [2.0]})
    assert row.fastest is row.budget is None
    assert not row.over
    assert "| none |" in script.table({"gridmask": row})


def test_what_does_less_is_marked(script: ModuleType) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    ways = {
        "cifar10_aug": lambda images: 255 - images,
        "OpenCV": lambda images: 255 - images,
        "Pillow": lambda images: images.copy(),
    }
    row = script.Row("invert_p1")
    script.measure(ways, images, 2, row, "invert")
    assert row.marks == {"cifar10_aug": "", "OpenCV": "", "Pillow": "changes 0 × as much"}
    assert all(len(times) == 2 for times in (*row.times.values(), row.all_cores))


def test_what_makes_images_of_another_shape_is_refused(script: ModuleType) -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match=r"made \[4, 8, 8\] of images \[4, 8, 8, 3\]"):
        script.change(lambda images: images[..., 0], images)


def test_the_same_ops_are_timed_and_written(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = {"OpenCV": script.LIBRARIES["OpenCV"], "nobody's": script.LIBRARIES["OpenCV"]}
    few["nobody's"] = few["nobody's"]._replace(needs=("json", "no_such_module"))
    monkeypatch.setattr(script, "LIBRARIES", few)
    out = tmp_path / "ops.json"
    options = ["--ops", "invert", "labelsmooth", "--images", "4", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", ["benchmark_ops.py", *options, "--out", str(out)])
    script.main()
    shown = capsys.readouterr().out
    assert "nobody's is left out: no_such_module is not installed" in shown
    assert "| `invert_p1` |" in shown
    assert "| `labelsmooth` |" in shown
    found = json.loads(out.read_text())
    assert list(found["ops"]) == ["invert", "labelsmooth"]
    assert set(found["ops"]["invert"]["times"]) == {"cifar10_aug", "OpenCV"}
    assert found["about"]["copy and draw"] > 0
    import chart

    chart.main(out, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 1000


@pytest.mark.parametrize("interrupted", [False, True])
def test_ops_over_their_budget_are_named(
    script: ModuleType, interrupted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(args: object, rows: dict, about: dict) -> None:
        rows["flip"] = script.Row("flip_p1", {"cifar10_aug": [3.0], "OpenCV": [2.0]})
        rows["flip"].marks["OpenCV"] = ""
        if interrupted:
            rows["rot"] = script.Row("rot", {"cifar10_aug": [], "OpenCV": []}, [], {"OpenCV": ""})
            raise KeyboardInterrupt

    monkeypatch.setattr(script, "run", run)
    monkeypatch.setattr(sys, "argv", ["benchmark_ops.py", "--check"])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == (
        "Interrupted; this is what was measured until then."
        if interrupted
        else "flip_p1 is over 0.5 x OpenCV"
    )
