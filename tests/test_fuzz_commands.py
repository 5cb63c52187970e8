"""The script that makes up command lines."""

import itertools
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from cifar10_aug.cli import main

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setenv("TFDS_DATA_DIR", "")
    monkeypatch.setenv("CIFAR10_AUG_MIRROR", "")
    for name in ("fuzz_commands", "options"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import fuzz_commands

    return fuzz_commands


def test_a_seed_makes_the_same_lines(fuzz: ModuleType) -> None:
    assert list(fuzz.lines(100, 3)) == list(fuzz.lines(100, 3))
    assert list(fuzz.lines(100, 3)) != list(fuzz.lines(100, 4))
    used = set(itertools.chain.from_iterable(fuzz.lines(1000, 0)))
    assert {name for name in (*fuzz.COMMANDS, *fuzz.OPTIONS) if name} <= used


def test_what_is_wrong_with_a_line_is_told(
    fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(how: str) -> None:
        if how == "traceback":
            raise ZeroDivisionError
        if how == "silent":
            sys.exit(1)
        if how == "code":
            click.echo("Error: x", err=True)
            sys.exit(3)

    command = click.Command("wrong", params=[click.Argument(["how"])], callback=ends)
    monkeypatch.setitem(main.commands, "wrong", command)
    assert fuzz.flaw(["wrong", "fine"]) is None
    assert fuzz.flaw(["wrong"]) is None  # One line of bad usage.
    assert "ZeroDivisionError" in fuzz.flaw(["wrong", "traceback"])
    assert fuzz.flaw(["wrong", "silent"]) == "exit code 1, and on stderr:\n"
    assert fuzz.flaw(["wrong", "code"]) == "exit code 3, and on stderr:\nError: x\n"


@pytest.mark.slow
def test_every_line_ends_with_a_result_or_an_error(fuzz: ModuleType) -> None:
    with fuzz.place():
        for line in fuzz.lines(30, 1):
            assert fuzz.flaw(line) is None, line
