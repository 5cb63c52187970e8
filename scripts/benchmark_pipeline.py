"""Times an epoch of every op and preset beside TensorFlow's without augmentation.

    python scripts/benchmark_pipeline.py --source cifar-10-binary.tar.gz --out pipeline.json --check

Batches of 512 by the eager engine, shuffled, as `tfds.load` gives them; the floor is the same
images in `from_tensor_slices`, shuffled, batched and prefetched. Rows take turns, and ratios are
taken within a round, by the clock and by the processor's time: the floor is mostly one thread, but
ours are as many as there are cores. Rows are sorted by their ratio by the clock. Ctrl-C ends it
early. With --check the script ends with code 1, and names the rows that are over their budget.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow_datasets as tfds
from options import Parser, count, failing_in_one_line, recipe

import cifar10_aug
from cifar10_aug.cli import timing
from cifar10_aug.ops import GROUPS, OPS
from cifar10_aug.ops.compound import flattened
from cifar10_aug.recipes.presets import NAMED

BATCH = 512
FLOOR = "no augmentation"
# Of the floor, by the clock: the others, and those that sum over neighbours or draw for each pixel.
MOST, MOST_OF_HEAVY = 1.0, 2.0
HEAVY = {
    "blur",
    "noise",
    "elastic",
    "augmix",
    *(op.name for op in GROUPS["Corruptions of CIFAR-10-C"]),
}


def recipes() -> list[str]:
    """All ops and presets."""
    return [*NAMED, *OPS]


def most(name: str) -> float:
    """The greatest ratio to the floor that a row may have."""
    ops = {op.name for op in flattened(cifar10_aug.Recipe.parse(name).ops)}
    return MOST_OF_HEAVY if ops & HEAVY else MOST


@dataclasses.dataclass
class Row:
    """What was measured, round by round: microseconds an image, by the clock and the processor."""

    clock: list[float] = dataclasses.field(default_factory=list)
    processor: list[float] = dataclasses.field(default_factory=list)

    def measure(self, run: timing.Pass, images: int) -> None:
        """Adds a round."""
        clock, processor = time.perf_counter(), time.process_time()
        run()
        self.processor.append((time.process_time() - processor) / images * 1e6)
        self.clock.append((time.perf_counter() - clock) / images * 1e6)


def ratios(rows: dict[str, Row], name: str) -> tuple[float, float]:
    """A row's to the floor, the medians of the rounds: by the clock, and by the processor."""
    row, floor = rows[name], rows[FLOOR]
    by_clock = timing.against({name: row.clock, FLOOR: floor.clock}, name, FLOOR).ratio
    by_processor = timing.against({name: row.processor, FLOOR: floor.processor}, name, FLOOR).ratio
    return by_clock, by_processor


def table(rows: dict[str, Row]) -> str:
    """The rows, the slowest first."""
    lines = [
        "| row | clock, µs an image | of the floor | processor, µs an image | of the floor |",
        "|---|---|---|---|---|",
    ]
    found = {name: ratios(rows, name) for name, row in rows.items() if row.clock}
    for name in sorted(found, key=lambda name: found[name], reverse=True):
        by_clock, by_processor = found[name]
        over = ", **over**" if name != FLOOR and by_clock > most(name) else ""
        clock, processor = (statistics.median(t) for t in (rows[name].clock, rows[name].processor))
        lines.append(
            f"| `{name}` | {clock:.2f} | {by_clock:.2f}{over} "
            f"| {processor:.2f} | {by_processor:.2f} |"
        )
    return "\n".join(lines)


def run(names: list[str], source: str | None, rounds: int, rows: dict[str, Row]) -> None:
    """Measures the floor and recipes in turns."""
    dataset = "cifar10_aug" if source else "cifar10_aug_sample"
    kwargs: dict[str, Any] = {"source": source} if source else {}
    with tempfile.TemporaryDirectory() as data_dir:
        tfds.builder(f"{dataset}/plain", data_dir=data_dir, **kwargs).download_and_prepare()

        def load(name: str, batch: int) -> Any:
            return tfds.load(
                f"{dataset}/{name}",
                split="train",
                batch_size=batch,
                shuffle_files=batch > 0,
                as_supervised=True,
                data_dir=data_dir,
            )

        images, labels = (tensor.numpy() for tensor in load("plain", -1))
        passes = {FLOOR: timing.iterated(timing.unaugmented(images, labels, BATCH))}
        passes.update({name: timing.iterated(load(name, BATCH)) for name in names})
        for each in passes.values():
            each()
        rows.update({name: Row() for name in passes})
        for number in range(rounds):
            for name, each in passes.items():
                rows[name].measure(each, len(images))
            print(f"round {number + 1} of {rounds} done", file=sys.stderr, flush=True)


def main() -> None:
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", help="archive or folder of CIFAR-10 [default: the sample]")
    parser.add_argument(
        "--recipes", nargs="+", type=recipe, help="which [default: all ops and presets]"
    )
    parser.add_argument("--rounds", type=count, default=5, help="[default: %(default)s]")
    parser.add_argument("--out", type=Path, help="JSON file to write [default: none]")
    parser.add_argument("--check", action="store_true", help="end with 1 if a budget is not kept")
    args = parser.parse_args()

    rows: dict[str, Row] = {}
    interrupted = False
    try:
        run(args.recipes or recipes(), args.source, args.rounds, rows)
    except KeyboardInterrupt:
        interrupted = True
    if not rows or not rows[FLOOR].clock:
        sys.exit("Interrupted before anything was measured.")
    print(table(rows))
    about = {"batch": BATCH, "rounds": len(rows[FLOOR].clock), **timing.machine()}
    print(json.dumps(about))
    if args.out:
        measured = {name: dataclasses.asdict(row) for name, row in rows.items()}
        args.out.write_text(json.dumps({"about": about, "rows": measured}, indent=2) + "\n")
    if interrupted:
        sys.exit("Interrupted; this is what was measured until then.")
    over = [name for name in rows if name != FLOOR and ratios(rows, name)[0] > most(name)]
    if args.check and over:
        sys.exit("; ".join(f"{name} is over {most(name):.3g} x {FLOOR}" for name in over))


if __name__ == "__main__":
    with failing_in_one_line():
        main()
