"""Times every op on arrays, on one core, beside other libraries that have it.

    python scripts/benchmark_ops.py --source cifar-10-binary.tar.gz --out ops.json --check

Each op of the package has a row, its p set to 1; ours is the recipe called on a batch, the others
work as their users write them: image by image, or on the batch where they can. What they make is
compared with ours: where levels change much more or less, or something is known to be left out,
the table says so, and that way is not compared with. Numbers are microseconds of the processor's
time an image; ways take turns. Ctrl-C ends it early. With --check the script ends with code 1 and
names the ops that are over their budget: half of the fastest other's time, or, where that is more,
ten times what copying an image and drawing a number takes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import joblib
import numpy as np
from op_libraries import LIBRARIES, Way, change, mark
from options import Parser, count, failing_in_one_line

from cifar10_aug import Recipe
from cifar10_aug.cli import timing
from cifar10_aug.data import sample
from cifar10_aug.data.sources import local
from cifar10_aug.ops import GROUPS, OPS
from cifar10_aug.ops.base import LabelOp, Op

OURS = "cifar10_aug"
# Of the fastest way that does the same.
MOST = 0.5
# Of a copy and a draw: nearer to that, a budget is kept whatever others take.
MOST_OF_LIMIT = 10.0
# Of torchvision's.
MOST_OF_TORCHVISION = 0.1
POLICIES = {op.name for op in GROUPS["Policies"]}
# One measurement takes at least so many seconds; slower ways take part in the first rounds only.
SHORTEST, SLOW, ROUNDS_OF_SLOW = 0.02, 1.0, 2


@dataclasses.dataclass
class Row:
    """What was measured of an op.

    Attributes:
        recipe: as it was timed.
        times: microseconds an image, round by round, ours and by library.
        all_cores: ours, by the clock, one batch a core at the same time.
        marks: what libraries lack; "" for nothing.
        limit: microseconds an image for a copy and a draw; 0 if that was not measured.
    """

    recipe: str
    times: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    all_cores: list[float] = dataclasses.field(default_factory=list)
    marks: dict[str, str] = dataclasses.field(default_factory=dict)
    limit: float = 0.0

    @property
    def fastest(self) -> str | None:
        """The library that is fastest among those that do the same; None if there is none."""
        alike = [name for name in self.times if name != OURS and not self.marks[name]]
        return min(alike, key=lambda name: statistics.median(self.times[name]), default=None)

    def ratio(self, library: str) -> float:
        """Ours to a library's, the median of the rounds."""
        return timing.against(self.times, OURS, library).ratio

    @property
    def budget(self) -> tuple[str, float] | None:
        """What ours is compared with, and the most it may take of it; None without a peer."""
        if self.recipe in POLICIES and "torchvision" in self.times:
            return "torchvision", MOST_OF_TORCHVISION
        return (self.fastest, MOST) if self.fastest else None

    @property
    def over(self) -> bool:
        if self.budget is None or self.ratio(self.budget[0]) <= self.budget[1]:
            return False
        return statistics.median(self.times[OURS]) > MOST_OF_LIMIT * self.limit


def recipe_of(op: type[Op]) -> str:
    """An op as it is timed: done to every image."""
    field = op.__dataclass_fields__["p"].metadata["field"]
    return op.name if field.default == 1 else f"{op.name}_p1"


def ours(op: type[Op]) -> Way:
    recipe, epochs = Recipe.parse(recipe_of(op)), iter(range(2**32))
    if issubclass(op, LabelOp):
        return lambda images: recipe(images, np.arange(len(images)) % 10, epoch=next(epochs))[0]
    return lambda images: recipe(images, epoch=next(epochs))


def ways_of(libraries: dict[str, dict[str, Way]], op: type[Op]) -> dict[str, Way]:
    """Ours and others', by library."""
    others = {name: ways[op.name] for name, ways in libraries.items() if op.name in ways}
    return {OURS: ours(op), **others}


def microseconds(way: Way, images: np.ndarray, clock: Callable[[], float], calls: int) -> float:
    start = clock()
    for _ in range(calls):
        way(images)
    return (clock() - start) / (calls * len(images)) * 1e6


def on_all_cores(way: Way, images: np.ndarray, calls: int) -> float:
    """Microseconds an image by the clock, each core with a batch."""
    cores = joblib.cpu_count()
    start = time.perf_counter()
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda _: [way(images) for _ in range(calls)], range(cores)))
    return (time.perf_counter() - start) / (cores * calls * len(images)) * 1e6


def measure(ways: dict[str, Way], images: np.ndarray, rounds: int, row: Row, op: str) -> None:
    """Fills in a row; ways take turns."""
    moved = {name: change(way, images) for name, way in ways.items()}
    calls, clocks = {}, {}
    for name, way in ways.items():
        clocks[name] = LIBRARIES[name].clock if name in LIBRARIES else time.thread_time
        took = microseconds(way, images, clocks[name], 1) * len(images) / 1e6
        calls[name] = max(1, math.ceil(SHORTEST / max(took, 1e-6)))
        # What leaves images alone is compared with what does, too.
        share = 1.0 if moved[name] == moved[OURS] else moved[name] / max(moved[OURS], 1e-9)
        row.marks[name] = "" if name == OURS else mark(name, op, share)
        row.times[name] = []
        if took > SLOW:
            calls[name] = 0
    for number in range(rounds):
        for name, way in ways.items():
            if calls[name] or number < ROUNDS_OF_SLOW:
                taken = microseconds(way, images, clocks[name], max(calls[name], 1))
                row.times[name].append(taken)
        row.all_cores.append(on_all_cores(ways[OURS], images, calls[OURS]))


def limit(images: np.ndarray, rounds: int) -> float:
    """Microseconds an image for a copy of a batch, and one draw an image."""
    out, generator = np.empty_like(images), np.random.default_rng(0)

    def copy_and_draw(images: np.ndarray) -> np.ndarray:
        np.copyto(out, images)
        return generator.random(len(images))

    each = [microseconds(copy_and_draw, images, time.thread_time, 200) for _ in range(rounds)]
    return statistics.median(each)


def table(rows: dict[str, Row]) -> str:
    lines = [
        "| op | µs an image, one core | of copy + draw | all cores | fastest other | ratio "
        "| the others |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows.values():
        medians = {name: statistics.median(times) for name, times in row.times.items() if times}
        if OURS not in medians:  # Interrupted.
            continue
        fastest = row.fastest if row.fastest in medians else None
        other = f"{fastest} {medians[fastest]:.2f}" if fastest else "none"
        short = ", **over**" if fastest and row.over else ""
        ratio = f"{row.ratio(fastest):.2f}{short}" if fastest else ""
        rest = [
            f"{name} {median:.1f}" + (f" ({row.marks[name]})" if row.marks[name] else "")
            for name, median in sorted(medians.items(), key=lambda item: item[1])
            if name not in (OURS, fastest)
        ]
        spread = timing.Row(row.times[OURS], 0.0).spread
        cores = f"{statistics.median(row.all_cores):.2f}" if row.all_cores else ""
        least = f"{medians[OURS] / row.limit:.1f} x" if row.limit else ""
        lines.append(
            f"| `{row.recipe}` | {spread} | {least} | {cores} | {other} | {ratio} "
            f"| {', '.join(rest)} |"
        )
    return "\n".join(lines)


def installed() -> dict[str, dict[str, Way]]:
    """The ways of the libraries that are installed; says which are not."""
    found = {}
    for name, library in LIBRARIES.items():
        if library.missing:
            print(f"{name} is left out: {library.missing} is not installed")
        else:
            found[name] = library.ways()
    return found


def run(args: argparse.Namespace, rows: dict[str, Row], about: dict[str, Any]) -> None:
    """Measures the ops that are asked for, one after the other."""
    libraries = installed()
    found = (local.read(args.source) if args.source else sample.read()).train
    images = np.ascontiguousarray(found.images[: args.images])
    about.update(images=len(images), rounds=args.rounds, **timing.machine())
    about["copy and draw"] = limit(images, args.rounds)
    for name, op in OPS.items():
        if not args.ops or name in args.ops:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows[name] = Row(recipe_of(op), limit=about["copy and draw"])
            measure(ways_of(libraries, op), images, args.rounds, rows[name], name)


def main() -> None:
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", help="archive or folder of CIFAR-10 [default: the sample]")
    parser.add_argument("--ops", nargs="+", choices=list(OPS), help="which [default: all]")
    parser.add_argument("--images", type=count, default=512, help="[default: %(default)s]")
    parser.add_argument("--rounds", type=count, default=5, help="[default: %(default)s]")
    parser.add_argument("--out", type=Path, help="JSON file to write [default: none]")
    parser.add_argument("--check", action="store_true", help="end with 1 if a budget is not kept")
    args = parser.parse_args()

    rows: dict[str, Row] = {}
    about: dict[str, Any] = {}
    interrupted = False
    try:
        run(args, rows, about)
    except KeyboardInterrupt:
        interrupted = True
    print(table(rows))
    print(json.dumps(about))
    if args.out:
        ops = {name: dataclasses.asdict(row) for name, row in rows.items()}
        args.out.write_text(json.dumps({"about": about, "ops": ops}, indent=2) + "\n")
    if interrupted:
        sys.exit("Interrupted; this is what was measured until then.")
    missed = [(row, *row.budget) for row in rows.values() if row.budget and row.over]
    if args.check and missed:
        sys.exit("; ".join(f"{row.recipe} is over {most:.3g} x {of}" for row, of, most in missed))


if __name__ == "__main__":
    with failing_in_one_line():
        main()
