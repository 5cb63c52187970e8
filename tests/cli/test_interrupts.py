"""Ctrl-C, at moments that are always the same."""

import subprocess
import sys
from pathlib import Path

import pytest

# Interrupts itself when a module is about to be imported, or when the command has ended.
PROGRAM = """
import atexit, os, signal, sys
moment, name, sys.argv = sys.argv[1], sys.argv[2], sys.argv[2:]
if name == "-m":
    sys.orig_argv = ["python", "-m", "cifar10_aug", *sys.argv[1:]]
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


def interrupted(
    moment: str, *arguments: str, name: str = "cifar10-aug"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, moment, name, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("module", ["numpy", "tensorflow_datasets", "cifar10_aug.cli.shell"])
def test_an_interrupt_while_the_package_is_imported_is_one_line(module: str) -> None:
    done = interrupted(module, "list")
    assert (done.stderr.strip(), done.stdout, done.returncode) == ("Aborted.", "", 1)


@pytest.mark.parametrize("module", ["tensorflow", "cifar10_aug.features"])
def test_an_interrupt_of_a_command_is_one_line(module: str, tmp_path: Path) -> None:
    done = interrupted(module, "prepare", "--sample", "--data-dir", str(tmp_path / "data"))
    assert done.stderr.strip().splitlines()[-1] == "Aborted."
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert (done.stdout, done.returncode) == ("", 1)
    assert not list(tmp_path.rglob("dataset_info.json"))


def test_an_interrupt_of_the_module_is_one_line() -> None:
    done = interrupted("numpy", "list", name="-m")
    assert (done.stderr.strip(), done.stdout, done.returncode) == ("Aborted.", "", 1)
    done = interrupted("end", "list", name="-m")
    assert (done.stderr, done.returncode) == ("", 0)


def test_an_interrupt_after_the_end_changes_nothing() -> None:
    done = interrupted("end", "list")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("A recipe is op+op")
