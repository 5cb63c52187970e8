"""The shell scripts, with interpreters that install nothing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Answers as a Python of some version does, and logs what it is asked for.
INTERPRETER = """#!/usr/bin/env bash
echo "{version} $*" >> "{log}"
case "$1" in
  -c) echo "{version}" ;;
  -m)
    if [ "$2" = venv ]; then
      mkdir -p .venv/bin
      cp "$0" .venv/bin/python
      for program in cifar10-aug ruff mypy; do
        printf '#!/bin/sh\\n' > ".venv/bin/$program"
        chmod +x ".venv/bin/$program"
      done
    fi ;;
esac
"""


class Checkout:
    """A copy of the scripts, and of interpreters of some versions."""

    def __init__(self, place: Path):
        self.place, self._log, self._bin = place / "check out", place / "log", place / "bin"
        self.venv = self.place / ".venv"
        self.place.mkdir()
        self._bin.mkdir()
        shutil.copytree(ROOT / "scripts", self.place / "scripts")

    def interpreter(self, name: str, version: str) -> Path:
        path = self._bin / name
        path.write_text(INTERPRETER.format(version=version, log=self._log))
        path.chmod(0o755)
        return path

    def run(self, script: str, *arguments: str, python: str = "") -> subprocess.CompletedProcess:
        self._log.write_text("")
        env = {"PATH": f"{self._bin}:{os.environ['PATH']}"}
        return subprocess.run(
            ["bash", f"scripts/{script}", *arguments],
            cwd=self.place,
            env={**env, **({"PYTHON": python} if python else {})},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def asked(self) -> list[str]:
        """What interpreters were asked for in the last run, without the question for versions."""
        return [line for line in self._log.read_text().splitlines() if " -c " not in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.interpreter("python3", "3.11")
    return made


INSTALL = "-m pip install --quiet --disable-pip-version-check --constraint scripts/constraints.txt"


def test_an_environment_is_made_once(checkout: Checkout) -> None:
    done = checkout.run("environment.sh", ".")
    assert (done.returncode, done.stderr) == (0, "")
    assert checkout.asked == ["3.11 -m venv --clear .venv", f"3.11 {INSTALL} --editable ."]
    assert checkout.run("environment.sh", ".[test]").returncode == 0
    assert checkout.asked == [f"3.11 {INSTALL} --editable .[test]"]


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.14"])
@pytest.mark.parametrize("script", ["try.sh", "test.sh", "train.sh"])
def test_a_wrong_python_is_named_before_anything_is_made(
    script: str, version: str, checkout: Checkout
) -> None:
    checkout.interpreter("other", version)
    done = checkout.run(script, python="other")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: other is Python {version}; supported are Python 3.10, 3.11, 3.12 and 3.13. "
        "Prefix the command with the name or path of one: PYTHON=python3.12 bash scripts/try.sh\n"
    )
    assert checkout.asked == []
    assert not checkout.venv.exists()


def test_a_python_that_is_missing_is_named(checkout: Checkout) -> None:
    done = checkout.run("try.sh", python="python3.99")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: python3.99 does not run; supported are Python 3.10, ")
    assert not checkout.venv.exists()


def test_the_supported_versions_are_the_packages() -> None:
    script = (ROOT / "scripts" / "environment.sh").read_text()
    (accepted,) = re.findall(r'case "\$1" in (.*?)\) true', script)
    (least, limit) = re.findall(
        r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text()
    )[0]
    assert accepted.split(" | ") == [f"3.{minor}" for minor in range(int(least), int(limit))]


def test_an_environment_of_another_python_is_replaced(checkout: Checkout) -> None:
    checkout.run("environment.sh", ".")
    checkout.interpreter("python3.12", "3.12")
    done = checkout.run("environment.sh", ".", python="python3.12")
    assert (done.returncode, done.stderr) == (
        0,
        "Replacing .venv (Python 3.11) by one of Python 3.12\n",
    )
    assert checkout.asked == ["3.12 -m venv --clear .venv", f"3.12 {INSTALL} --editable ."]
    # And kept, when no interpreter is named.
    assert checkout.run("environment.sh", ".").returncode == 0
    assert checkout.asked == [f"3.12 {INSTALL} --editable ."]


@pytest.mark.parametrize("version", ["3.9", ""])
def test_an_environment_that_is_of_no_use_is_replaced(version: str, checkout: Checkout) -> None:
    (checkout.venv / "bin").mkdir(parents=True)
    if version:
        shutil.copy(checkout.interpreter("old", version), checkout.venv / "bin" / "python")
    done = checkout.run("environment.sh", ".")
    assert done.returncode == 0
    found = f"Python {version}" if version else "incomplete"
    assert done.stderr == f"Replacing .venv ({found}) by one of Python 3.11\n"
    assert checkout.asked == ["3.11 -m venv --clear .venv", f"3.11 {INSTALL} --editable ."]


def test_an_environment_of_another_checkout_is_left_alone(checkout: Checkout) -> None:
    checkout.run("environment.sh", ".")
    other = checkout.venv.rename(checkout.place / "other")
    checkout.venv.symlink_to(other)
    checkout.interpreter("python3.12", "3.12")
    assert checkout.run("environment.sh", ".", python="python3.12").returncode == 0
    assert not checkout.venv.is_symlink()
    assert "3.11" in (other / "bin" / "python").read_text()


@pytest.mark.parametrize("script", ["try.sh", "test.sh", "train.sh"])
def test_scripts_say_how_to_use_the_environment(script: str, checkout: Checkout) -> None:
    done = checkout.run(script)
    assert done.returncode == 0, done.stderr
    place = str(checkout.venv / "bin" / "activate").replace(" ", r"\ ")
    assert done.stdout == (
        f"To use cifar10-aug and python of this environment in your shell: source {place}\n"
    )


def test_the_readme_says_once_how_to_use_the_environment() -> None:
    assert (ROOT / "README.md").read_text().count("source .venv/bin/activate") == 1


@pytest.mark.parametrize("arguments", [("--help",), ("train_table.py", "-h")])
def test_options_of_training_are_shown_without_an_environment(
    arguments: tuple[str, ...], checkout: Checkout
) -> None:
    done = checkout.run("train.sh", *arguments)
    assert done.returncode == 0, done.stderr
    script = arguments[0] if len(arguments) > 1 else "train.py"
    assert checkout.asked == [f"3.11 {checkout.place}/scripts/{script} --help"]
    assert not checkout.venv.exists()
