"""What the documents and the project's own files promise."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from cifar10_aug.cli import main
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.presets import NAMED
from cifar10_aug.recipes.recipe import Config
from tests import programs
from tests.registering import registered

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.splitlines()


def commands() -> list[str]:
    """The lines of the README's blocks of commands."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return [line for language, block in blocks if not language for line in block.splitlines()]


def test_the_top_level_is_as_agreed() -> None:
    top = {name.split("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} == {
        *("pyproject.toml", "cifar10_aug", "tests", "scripts"),
        *("README.md", "CHANGELOG.md", "LICENSE"),
    }


def test_every_op_preset_and_command_is_in_the_readme() -> None:
    for name in (*OPS, *NAMED):
        assert f"`{name}`" in README, name
    for command in main.commands:
        assert f"cifar10-aug {command}" in README, command


def test_every_recipe_in_the_readme_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    names = re.findall(r'"cifar10_aug(?:_sample)?/([^"/]+)"', README)
    assert len(names) > 3
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
    with registered():
        runpy.run_path(str(ROOT / "scripts" / "example_functions.py"))
        for name in names:
            if name not in ("RECIPE", "…"):
                Config.parse(name)


@pytest.mark.slow
def test_the_readmes_python_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    runnable = [block for block in blocks if "# runs as it stands" in block]
    assert runnable
    for block in runnable:
        env = {"TFDS_DATA_DIR": str(tmp_path), "NO_ALBUMENTATIONS_UPDATE": "1"}
        programs.run("-c", block, check=True, cwd=tmp_path, env={**os.environ, **env})


def test_the_readmes_functions_are_those_of_the_script() -> None:
    script = (ROOT / "scripts" / "example_functions.py").read_text()
    _, code = script.split("\n\n", 1)
    readme = README.replace("import tensorflow_datasets as tfds\n", "")
    assert f"# runs as it stands\n{code}" in readme


def test_files_the_readme_names_exist() -> None:
    for name in re.findall(r"(?:bash |python |\]\()((?:scripts|\.ci)/[\w./+-]+)", README):
        assert (ROOT / name).exists(), name


def test_git_ignores_what_the_readmes_commands_write() -> None:
    written = re.findall(r"([\w./]+\.(?:png|json))$", "\n".join(commands()), re.MULTILINE)
    written += re.findall(r"--out ([\w./]+)", "\n".join(commands()))
    assert {"sheet.png", "benchmark.json", "chart.png"} <= set(written)
    for name in (*written, "preview.png", "study/study.json", "training/curve.png"):
        ignored = subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT, check=False)
        assert ignored.returncode == 0, name


def test_ci_runs_the_readmes_commands() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    commands = re.findall(r"^bash scripts/\w+\.sh$", README, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert command in ci


def test_every_pinned_version_is_exact() -> None:
    lines = (ROOT / "scripts" / "constraints.txt").read_text().splitlines()
    assert all(re.match(r"#|[\w.-]+==[\w.]+( ;|$)", line) for line in lines)


def test_no_file_names_a_place_on_one_machine() -> None:
    for name in tracked():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".sh", ".txt"):
            # Spelled in two parts, so that this file passes too.
            assert not re.search("/(root|home)" + "/", path.read_text()), name


@pytest.mark.slow
def test_the_tfds_command_writes_frozen_epochs_as_the_readme_says(tmp_path: Path) -> None:
    (told,) = re.findall(r"^tfds build cifar10_aug/(.*) DIR$", README, re.MULTILINE)
    command = ["tfds", "build", *f"cifar10_aug_sample/{told}".split(), str(tmp_path)]
    command[0] = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "cifar10_aug_sample" / told.split()[0] / "1.0.0"
    assert tfds.builder_from_directory(folder).info.splits["train"].num_examples == 5 * 4000
