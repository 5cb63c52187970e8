"""Commands about functions that a module of the user's registers."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cifar10_aug.ops import OPS
from tests.cli.running import assert_fails, run

MODULE = """
import numpy as np
import cifar10_aug

@cifar10_aug.register("sepia")
def sepia(image, rng, strength=0.5):
    \"\"\"Browns the image.\"\"\"
    return (image * (1 - strength * rng.random())).astype(np.uint8)

@cifar10_aug.register("broken")
def broken(image, rng):
    raise ValueError("not today")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module beside the user, who is in its folder."""
    before, path = dict(OPS), list(sys.path)
    (tmp_path / "my_ops.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    yield "my_ops"
    sys.modules.pop("my_ops", None)
    sys.path[:] = path
    OPS.clear()
    OPS.update(before)


def test_the_list_shows_what_is_registered(module: str) -> None:
    result = run("list", "--imports", module)
    assert result.exit_code == 0
    assert (
        "Registered functions\n  sepia                (eager engine only) Browns the image.\n"
        in result.output
    )


def test_a_preview_is_drawn(module: str, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    # The recipe comes first; it is parsed when the module has been imported.
    result = run("preview", "rotate+sepia0.8", "--sample", "--out", str(out), "--imports", module)
    assert result.exit_code == 0, result.output
    assert out.exists()


def test_epochs_are_frozen_and_verified(
    module: str, tmp_path: Path, sources: dict[str, Path]
) -> None:
    source = ("--source", str(sources["binary archive"]))
    result = run(
        *("export", "sepia", "--copies", "2", "--data-dir", str(tmp_path / "data"), "--jobs", "2"),
        *(*source, "--imports", module),
    )
    assert result.exit_code == 0, result.output
    folder = tmp_path / "data" / "cifar10_aug" / "sepia-x2" / "1.0.0"
    result = run("verify", str(folder), "--deep", *source, "--imports", module)
    assert result.stdout == f"{folder}: whole, and what the recipe makes\nOK\n"
    assert "\npython:   sepia sha256:" in run("info", str(folder)).stdout
    OPS.pop("sepia")
    assert run("verify", str(folder)).stdout == f"{folder}: whole\nOK\n"
    result = run("verify", str(folder), "--deep", *source)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: 'sepia': there is no op 'sepia'. ")
    assert result.stderr.endswith("or --imports MODULE on the command line\n")


def test_a_function_that_fails_is_one_line(
    module: str, tmp_path: Path, sources: dict[str, Path]
) -> None:
    for command in (
        ("export", "broken", "--copies", "1", "--data-dir", str(tmp_path), "--jobs", "1"),
        ("preview", "broken", "--out", str(tmp_path / "sheet.png"), "--rows", "1"),
    ):
        source = ("--source", str(sources["binary archive"]))
        result = run(*command, *source, "--imports", module)
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1] == (
            "Error: recipe 'broken': op broken fails on example train_00000: ValueError: not today "
            "(my_ops.py, line 12)"
        )
        assert "Traceback" not in result.stderr


def test_without_the_import_the_op_is_unknown(module: str) -> None:
    result = run("preview", "sepia", "--sample")
    assert result.exit_code == 2
    assert "there is no op 'sepia'" in result.stderr


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ("my_ops.py", "--imports my_ops.py: not the name of a module; write my_ops for my_ops.py."),
        ("../x", "--imports ../x: not the name of a module; write my_ops for my_ops.py."),
        ("", "--imports : not the name of a module; write my_ops for my_ops.py."),
        ("my_ops,missing", "--imports missing: ModuleNotFoundError: No module named 'missing'"),
        ("taken", "--imports taken: 'flip' is a built-in op; choose another name"),
        ("wrong", "--imports wrong: ZeroDivisionError: division by zero"),
        ("script", "--imports script: SystemExit: 3"),
        ("strange", "--imports strange: Strange: neither Exception nor exit"),
    ],
)
def test_what_cannot_be_imported_is_named(
    modules: str, message: str, module: str, tmp_path: Path
) -> None:
    (tmp_path / "taken.py").write_text(
        "import cifar10_aug; cifar10_aug.register('flip', lambda image, rng: image)"
    )
    (tmp_path / "wrong.py").write_text("1 / 0")
    (tmp_path / "script.py").write_text("import sys; sys.exit(3)")
    (tmp_path / "strange.py").write_text(
        "class Strange(BaseException): pass\nraise Strange('neither Exception nor exit')"
    )
    assert_fails(2, message, "list", "--imports", modules)


def test_an_interrupt_while_a_module_is_imported_is_one(module: str, tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("raise KeyboardInterrupt")
    result = run("list", "--imports", "endless")
    assert (result.exit_code, result.stderr.strip()) == (1, "Aborted.")
