"""How many of the mutants that mutmut made the tests have killed, by module, and which survived.

    python scripts/mutation_score.py [MUTANTS]

Reads what `mutmut run` leaves in MUTANTS (mutants, if it is not given). Exit code 1 if fewer than
90 % of those that ran were killed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

ENOUGH = 0.9
# mutmut's exit codes, by what they say; stopped for being endless counts as killed.
KILLED = (1, 3)
STOPPED = (24, -24, 36, 152, 255)


def verdict(code: int | None) -> str:
    if code is None:
        return "not run"
    return "killed" if code in KILLED else "stopped" if code in STOPPED else "survived"


def read(place: Path) -> dict[str, dict[str, str]]:
    """The verdict on every mutant, by module."""
    found = {}
    for meta in sorted(place.rglob("*.py.meta")):
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        module = meta.relative_to(place).as_posix().removesuffix(".meta")
        found[module] = {name: verdict(code) for name, code in codes.items()}
    return {module: verdicts for module, verdicts in found.items() if verdicts}


def line(name: str, counts: Counter[str]) -> str:
    ran = counts.total() - counts["not run"]
    killed = counts["killed"] + counts["stopped"]
    share = f"{killed / ran:6.1%}" if ran else "     –"
    others = "".join(f", {counts[kind]} {kind}" for kind in ("stopped", "not run") if counts[kind])
    return f"{name:40} {killed:5} of {ran:5} {share}{others}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mutants", nargs="?", type=Path, default=Path("mutants"))
    modules = read(parser.parse_args().mutants)
    if not modules:
        print("no mutants are there; `bash scripts/mutate.sh` makes and runs them", file=sys.stderr)
        return 1
    survivors = [
        name
        for verdicts in modules.values()
        for name, said in verdicts.items()
        if said == "survived"
    ]
    if survivors:
        print("Survived (`mutmut show NAME` says what was changed):")
        print(*(f"  {name}" for name in survivors), sep="\n")
    total: Counter[str] = Counter()
    for module, verdicts in modules.items():
        counts = Counter(verdicts.values())
        total += counts
        print(line(module, counts))
    print(line("all", total))
    ran = total.total() - total["not run"]
    killed = total["killed"] + total["stopped"]
    return 0 if ran and killed >= ENOUGH * ran else 1


if __name__ == "__main__":
    sys.exit(main())
