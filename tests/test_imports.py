"""Imports run one way: `pyproject.toml` has the contracts."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")

# One import for each contract, which no contract allows.
WRONG = {
    "Rooms import only rooms below them": ("ops/affine.py", "cifar10_aug.frozen.shards"),
    "What makes pixels knows no dataset": ("engines/plan.py", "cifar10_aug.data.images"),
    "Images know no op": ("data/images.py", "cifar10_aug.ops.affine"),
    "Engines know each other downwards only": (
        "engines/python/execution.py",
        "cifar10_aug.engines.numba.batch",
    ),
    "No circles": ("frozen/shards.py", "cifar10_aug.frozen.export"),
}


def contracts(folder: Path) -> dict[str, bool]:
    """Whether each contract is kept by the package in a folder."""
    done = subprocess.run(
        [LINTER, "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    found = [line.split() for line in done.stdout.splitlines()]
    return {
        name: state[-1] == "KEPT" or "KEPT" in state
        for name in WRONG
        for state in found
        if state[: len(name.split())] == name.split() and {"KEPT", "BROKEN"} & set(state)
    }


def test_imports_run_one_way() -> None:
    assert contracts(ROOT) == dict.fromkeys(WRONG, True)


@pytest.mark.parametrize("contract", WRONG)
def test_an_import_that_a_contract_forbids_is_found(contract: str, tmp_path: Path) -> None:
    for path in ROOT.glob("cifar10_aug/**/*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    file, module = WRONG[contract]
    with (tmp_path / "cifar10_aug" / file).open("a") as changed:
        changed.write(f"\nimport {module}\n")
    assert contracts(tmp_path)[contract] is False
