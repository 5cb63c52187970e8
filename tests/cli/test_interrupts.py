"""Ctrl-C, at moments that are always the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import programs

# Interrupts itself when a module is about to be imported, or when the command has ended.
PROGRAM = """
import atexit, os, signal, sys
moment, sys.argv = sys.argv[1], ["cifar10-aug", *sys.argv[2:]]
interrupt = lambda: os.kill(os.getpid(), signal.SIGINT)

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            interrupt()

sys.meta_path.insert(0, Interrupting())
if moment == "end":
    atexit.register(interrupt)
from cifar10_aug.cli import main
main()
"""


def interrupted(moment: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return programs.python("-c", PROGRAM, moment, *arguments, timeout=120, check=False)


@pytest.mark.parametrize("module", ["tensorflow", "cifar10_aug.builders.features"])
def test_an_interrupt_of_a_command_is_one_line(module: str, tmp_path: Path) -> None:
    done = interrupted(module, "prepare", "--sample", "--data-dir", str(tmp_path / "data"))
    assert done.stderr.strip().splitlines()[-1] == "Aborted."
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert (done.stdout, done.returncode) == ("", 1)
    assert not list(tmp_path.rglob("dataset_info.json"))


def test_an_interrupt_after_the_end_changes_nothing() -> None:
    done = interrupted("end", "list")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("A recipe is op+op")


def test_an_interrupt_while_a_function_fails_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "meddling.py").write_text(
        f"""import os, signal
import cifar10_aug

@cifar10_aug.register("meddling")
def meddling(image, rng):
    open({str(tmp_path / "once")!r}, "x")
    os.kill(os.getppid(), signal.SIGINT)
    raise ValueError
"""
    )
    command = [sys.executable, "-m", "cifar10_aug", "bench", "meddling", "--sample"]
    done = subprocess.run(
        [*command, "--imports", "meddling"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr.strip().splitlines()[-1] == "Aborted."
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
