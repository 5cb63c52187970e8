"""What scripts/mutation_score.py makes of the results that mutmut leaves."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import programs

SCRIPT = Path(__file__).parents[1] / "scripts" / "mutation_score.py"


def score(place: Path, codes: Sequence[int | None]) -> tuple[int, list[str]]:
    meta = place / "package" / "ops" / "one.py.meta"
    meta.parent.mkdir(parents=True)
    named = {f"package.ops.one.f__mutmut_{n}": code for n, code in enumerate(codes, start=1)}
    meta.write_text(json.dumps({"exit_code_by_key": named}))
    done = programs.python(SCRIPT, place, check=False)
    return done.returncode, done.stdout.splitlines()


def test_nine_of_ten_are_enough_and_survivors_are_named(tmp_path: Path) -> None:
    code, lines = score(tmp_path, [*[1] * 8, -24, 0, None])
    assert code == 0
    assert lines == [
        "Survived (`mutmut show NAME` says what was changed):",
        "  package.ops.one.f__mutmut_10",
        f"{'package/ops/one.py':40}     9 of    10  90.0%, 1 stopped, 1 not run",
        f"{'all':40}     9 of    10  90.0%, 1 stopped, 1 not run",
    ]


@pytest.mark.parametrize("other", [0, 33, -11, 5])
def test_what_no_test_saw_is_not_killed(tmp_path: Path, other: int) -> None:
    code, lines = score(tmp_path, [*[1] * 8, other, other])
    assert code == 1
    assert lines[-1].endswith("8 of    10  80.0%")


def test_without_results_it_says_what_makes_them(tmp_path: Path) -> None:
    done = programs.python(SCRIPT, tmp_path, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "no mutants are there; `bash scripts/mutate.sh` makes and runs them\n"
