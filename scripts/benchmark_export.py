"""Times `cifar10-aug export` on this machine, with one and with several jobs, in turns.

Rows: un-augmented records (`plain`) and augmented ones. Columns: seconds for the whole command, and
images a second while shards are written, which starting Python and reading the source are no part
of; medians over rounds, with the least and the most. Needs CIFAR-10 (--source) or takes the sample.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = [sys.executable, "-c", "from cifar10_aug.cli import main; main()"]


def export(
    place: Path, recipe: str, copies: int, jobs: int, source: list[str]
) -> tuple[float, ...]:
    """Seconds for everything, and images a second while writing."""
    arguments = ["export", recipe, "--copies", str(copies), "--jobs", str(jobs), *source]
    began = time.perf_counter()
    done = subprocess.run(
        [*COMMAND, *arguments, "--data-dir", str(place)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - began
    shutil.rmtree(place)
    (rate,) = re.findall(r" ([\d,]+) images/s$", done.stderr.strip())
    return seconds, float(rate.replace(",", ""))


def show(values: list[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="rotate30+erase")
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--source")
    arguments = parser.parse_args()
    source = ["--source", arguments.source] if arguments.source else ["--sample"]
    rows = [
        (recipe, jobs) for recipe in ("plain", arguments.recipe) for jobs in (1, arguments.jobs)
    ]
    found: dict[tuple[str, int], list[tuple[float, ...]]] = {row: [] for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        # Once unmeasured, for numba's cache.
        export(Path(folder) / "out", arguments.recipe, 1, 1, source)
        for _ in range(arguments.rounds):
            for row in rows:
                recipe, jobs = row
                found[row].append(
                    export(Path(folder) / "out", recipe, arguments.copies, jobs, source)
                )
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{arguments.copies} copies, {arguments.rounds} rounds\n")
    print("| recipe | jobs | whole command, s | images/s while writing |")
    print("|---|---|---|---|")
    for (recipe, jobs), times in found.items():
        seconds, rates = (list(column) for column in zip(*times, strict=True))
        print(f"| {recipe} | {jobs} | {show(seconds, 1)} | {show(rates, 0)} |")
    print()
    for recipe in ("plain", arguments.recipe):
        one, many = found[recipe, 1], found[recipe, arguments.jobs]
        pairs = list(zip(one, many, strict=True))
        whole = statistics.median(a[0] / b[0] for a, b in pairs)
        writing = statistics.median(b[1] / a[1] for a, b in pairs)
        print(
            f"{recipe}: {arguments.jobs} jobs against 1: whole command {whole:.2f} x, "
            f"writing {writing:.2f} x"
        )
    pairs = list(zip(found["plain", 1], found[arguments.recipe, 1], strict=True))
    cost = statistics.median(a[1] / b[1] for a, b in pairs)
    print(f"An augmented record costs {cost:.2f} x an un-augmented one (1 job, writing).")


if __name__ == "__main__":
    main()
