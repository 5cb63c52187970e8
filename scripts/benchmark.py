"""Times the pipeline beside TensorFlow without augmentation and beside other ways, in one run.

    python scripts/benchmark.py --source cifar-10-binary.tar.gz --out benchmark.json --check

Rows take turns, round after round, so that a machine that slows down slows all of them; ratios are
taken within a round. All rows read the same training images, shuffled, with labels. After a first
pass over all rows it says how long the rounds will take. Ctrl-C ends it early: what was measured
until then is shown and written. With --check the script ends with code 1, and names the rows that
fell short, if a budget is not kept.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import joblib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from options import Parser, count, failing_in_one_line
from peers import PEERS, opencv_batch

import cifar10_aug
from cifar10_aug import Recipe
from cifar10_aug.cli import timing
from cifar10_aug.data import sample
from cifar10_aug.data.sources import local
from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.rng.draws import example_keys

SIZES = (128, 512)
RECIPE = "rotate30+erase"
FLOATS = f"{RECIPE}+normalize"
SIX = "rotate30+shift0.1+shear10+zoom0.9-1.1+flip+rotate5"
WARPS = "rotate30+elastic"
# One recipe for each kind of op.
KINDS = (
    *("plain", "standard", "rotate30", SIX, "perspective_p1", "elastic", "cutout16"),
    *("brightness", "contrast", "blur", "colorjitter", "noise"),
    *("randaugment_n2_m9", "trivialaugment", "autoaugment", "augmix", "mixup", "cutmix"),
)
PNG = "stock TFDS, PNG, no augmentation"
GATHER = "NumPy gather and cast, batch 512"


def floor(batch_size: int | None, floats: bool = False) -> str:
    kind = "float32" if floats else "uint8"
    return f"no augmentation, {kind}, {_batch(batch_size)}"


def ours(recipe: str, batch_size: int | None) -> str:
    return f"{recipe}, {_batch(batch_size)}"


def graph(recipe: str, batch_size: int, xla: bool) -> str:
    return f"{recipe}, graph{' with XLA' if xla else ''}, {_batch(batch_size)}"


def _batch(batch_size: int | None) -> str:
    return "unbatched" if batch_size is None else f"batch {batch_size}"


def loader(recipe: str, batch_size: int) -> str:
    return f"Loader, {recipe}, {_batch(batch_size)}"


def compiling(recipe: str) -> str:
    return f"compiling {recipe}, s"


# Whose kernels are to be compiled within two seconds on a new machine.
COMPILED = ("standard", RECIPE, "airbench94")
OWN = f"augment, {RECIPE}, batch 128"
# What a `Loader` calls, in as many threads; the rest of its time is its own.
ENGINE = "engine alone, batch 128"


class Budget(NamedTuple):
    """A row, what it is compared with, and the greatest ratio."""

    row: str
    against: str
    most: float


FRESH_BUDGETS = (
    Budget("first batch of Loader, s", "one second", 1.0),
    Budget("private memory of another process, MB", "60 MB", 1.0),
    *(Budget(compiling(recipe), "two seconds", 1.0) for recipe in COMPILED),
)
BUDGETS = (
    *(Budget(ours(RECIPE, size), floor(size), 0.9) for size in SIZES),
    *(Budget(ours(FLOATS, size), floor(size, True), 1.0) for size in SIZES),
    Budget(ours(RECIPE, 128), "OpenCV, image by image, batch 128", 1 / 4),
    Budget(ours(RECIPE, 128), "joblib + Keras, batch 128", 1 / 50),
    Budget(OWN, "joblib + Keras, batch 128", 1 / 25),
    Budget(OWN, "keras.layers, batch 128", 1 / 5),
    Budget(OWN, ours(RECIPE, 128), 1.6),
    Budget(ours(FLOATS, 512), GATHER, 4.0),
    Budget(ours("standard", 512), floor(512), 0.6),
    Budget(ours(RECIPE, None), floor(None), 1.3),
    Budget(ours(SIX, 512), ours("rotate30", 512), 1.3),
    Budget(graph("rotate30", 128, False), "ImageProjectiveTransformV3, batch 128", 1.0),
    Budget(graph("rotate30", 128, True), graph("rotate30", 128, False), 1 / 2),
    Budget("first batch", "reading plain once", 1.3),
    Budget("memory", "the split", 2.0),
    Budget("memory of 20 more epochs", "the split", 0.05),
    Budget("warps, all cores", "warps, one core", 1 / 1.7),
)
LOADER_BUDGETS = (
    Budget(loader(RECIPE, 128), floor(128), 0.6),
    Budget(loader(RECIPE, 128), "torchvision v2, DataLoader, batch 128", 1 / 20),
    Budget(loader(RECIPE, 128), ENGINE, 1.15),
)


def gather_and_cast(images: np.ndarray) -> None:
    order = np.random.default_rng(0).permutation(len(images))
    for first in range(0, len(images), 512):
        images[order[first : first + 512]].astype(np.float32)


def engine_alone(images: np.ndarray) -> timing.Pass:
    """Augments shuffled images by the engine, without epochs, labels and batches."""
    engine, source = Engine(Recipe.parse(RECIPE).plan, 0, *images.shape[1:3]), Source.of(images)
    threads, at_once = joblib.cpu_count(), 4096
    pool = ThreadPoolExecutor(threads)
    order = np.random.default_rng(0).permutation(len(images))
    keys = example_keys(order)
    blocks = [slice(first, first + at_once) for first in range(0, len(images), at_once)]

    def run() -> None:
        for _ in pool.map(lambda block: engine(source, order[block], keys[block], 0), blocks):
            pass

    return run


def rows_of(
    images: np.ndarray, labels: np.ndarray, name: str, data_dir: str
) -> tuple[dict[str, timing.Pass], list[str], dict[str, str]]:
    """All rows, the names of slow ones, and what some do not do."""
    load = functools.partial(
        tfds.load, split="train", shuffle_files=True, as_supervised=True, data_dir=data_dir
    )
    rows: dict[str, timing.Pass] = {}
    slow, lacks = [], {}

    def add(name: str, ds: Iterable[Any]) -> None:
        rows[name] = timing.iterated(ds)

    for size in (*SIZES, None):
        add(floor(size), timing.unaugmented(images, labels, size))
        add(ours(RECIPE, size), load(f"{name}/{RECIPE}", batch_size=size))
        if size is None:
            slow += [floor(size), ours(RECIPE, size)]
    for size in SIZES:
        add(floor(size, True), timing.unaugmented(images, labels, size, floats=True))
        add(ours(FLOATS, size), load(f"{name}/{FLOATS}", batch_size=size))
    for recipe in KINDS:
        add(ours(recipe, 512), load(f"{name}/{recipe}", batch_size=512))
    for recipe in ("standard", "rotate30", RECIPE):
        for xla in (False, True):
            options = {"engine": "graph", "jit_compile": xla}
            ds = load(f"{name}/{recipe}", batch_size=128, builder_kwargs=options)
            add(graph(recipe, 128, xla), ds)
    for size in SIZES:
        for recipe, layout in ((RECIPE, "nhwc"), (FLOATS, "nchw")):
            batches = cifar10_aug.Loader(
                recipe,
                dataset=name,
                batch_size=size,
                shuffle=True,
                layout=layout,
                data_dir=data_dir,
            )
            add(loader(recipe, size), batches)
            lacks[loader(recipe, size)] = f"NumPy, {layout}"
    rows[ENGINE] = engine_alone(images)
    own = tf.data.Dataset.from_tensor_slices((images, labels)).batch(128)
    add(OWN, own.apply(cifar10_aug.augment(RECIPE)))
    lacks[OWN] = "not shuffled"
    for peer, how in PEERS.items():
        if not how.installed:
            print(f"{peer} is left out: {how.needs} is not installed")
            continue
        row = f"{peer}, batch 128"
        add(row, how.make(images, labels, 128))
        lacks[row] = how.lacks
        slow += [row] if how.slow else []
    stock = tfds.builder_from_directory(_png_folder(name, data_dir)).as_dataset(
        split="train",
        shuffle_files=True,
        as_supervised=True,
        read_config=tfds.ReadConfig(enable_ordering_guard=False),
    )
    add(PNG, stock.batch(128).prefetch(tf.data.AUTOTUNE))
    slow.append(PNG)
    rows[GATHER] = lambda: gather_and_cast(images)
    return rows, slow, lacks


def _png_folder(name: str, data_dir: str) -> Path:
    builder = tfds.builder(f"{name}/plain-x1", data_dir=data_dir, image_encoding="png")
    builder.download_and_prepare()
    return Path(builder.data_dir)


def fresh(name: str, data_dir: str, rounds: int, found: dict[str, list[float]]) -> None:
    """Fills in seconds and megabytes, each measured in a separate process; see there."""
    script = Path(__file__).parent / "fresh_process.py"

    what = {
        "first batch": ("first", RECIPE),
        "reading plain once": ("plain", RECIPE),
        "first batch of Loader, s": ("loader", RECIPE),
        **{compiling(recipe): ("compile", recipe) for recipe in COMPILED},
        "memory": ("memory", RECIPE),
        "private memory of another process, MB": ("private", RECIPE),
        "memory of 20 more epochs": ("growth", RECIPE),
        "warps, all cores": ("epoch", WARPS),
        "warps, one core": ("one-core", WARPS),
    }
    for _ in range(rounds):
        for row, (measure, recipe) in what.items():
            command = [sys.executable, str(script), measure, f"{name}/{recipe}", data_dir]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found.setdefault(row, []).append(float(done.stdout))


def sizes(rounds: int, found: dict[str, dict[str, float]]) -> None:
    """Fills in microseconds an image of other sizes, in one thread, ours and OpenCV's; medians."""
    recipe = Recipe.parse(RECIPE)
    for side in (28, 96, 224):
        count = max(8, 2**21 // side**2)
        images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
        works: dict[str, Callable[[], object]] = {
            "cifar10_aug": lambda i=images: recipe(i),  # type: ignore[misc]
            "OpenCV": lambda i=images: opencv_batch(i),  # type: ignore[misc]
        }
        times: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(rounds + 1):
            for name, work in works.items():
                start = time.perf_counter()
                work()
                times[name].append((time.perf_counter() - start) / count * 1e6)
        found[f"{side} x {side}"] = {n: statistics.median(t[1:]) for n, t in times.items()}


def checked(times: dict[str, list[float]]) -> list[tuple[Budget, float]]:
    """The budgets whose rows were measured, and the median ratios."""
    return [
        (budget, timing.against(times, budget.row, budget.against).ratio)
        for budget in (*BUDGETS, *FRESH_BUDGETS, *LOADER_BUDGETS)
        if budget.row in times and budget.against in times
    ]


def budget_table(results: list[tuple[Budget, float]]) -> str:
    lines = ["| ratio | at most | measured |", "|---|---|---|"]
    for budget, ratio in results:
        short = ", **falls short**" if ratio > budget.most else ""
        lines.append(
            f"| {budget.row} / {budget.against} | {budget.most:.3g} × | {ratio:.3g} ×{short} |"
        )
    return "\n".join(lines)


def table(times: dict[str, list[float]], lacks: dict[str, str]) -> str:
    lines = ["| row | µs an image, median (least to most) | of no augmentation |", "|---|---|---|"]
    for name in times:
        size = 512 if name.endswith("512") else None if name.endswith("unbatched") else 128
        floats = "normalize" in name or "float32" in name or name == GATHER
        row = timing.against(times, name, floor(size, floats))
        lack = f" ({lacks[name]})" if lacks.get(name) else ""
        lines.append(f"| {name}{lack} | {row.spread} | {row.ratio:.2f} × |")
    return "\n".join(lines)


@dataclasses.dataclass
class Measured:
    """What has been measured so far."""

    images: int = 0
    times: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    lacks: dict[str, str] = dataclasses.field(default_factory=dict)
    fresh: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    sizes: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)

    @property
    def rounds(self) -> int:
        return max(map(len, self.times.values()), default=0)


def measure(source: str | None, rounds: int, into: Measured) -> None:
    found = (local.read(source) if source else sample.read()).train
    images, labels = found.images, found.labels
    into.images = len(images)
    name = "cifar10_aug" if source else "cifar10_aug_sample"
    kwargs: dict[str, Any] = {"source": source} if source else {}
    with tempfile.TemporaryDirectory() as data_dir:
        tfds.builder(f"{name}/plain", data_dir=data_dir, **kwargs).download_and_prepare()
        rows, slow, lacks = rows_of(images, labels, name, data_dir)
        into.lacks.update(lacks)
        say(f"first pass over {len(rows)} rows, which compiles and warms up")
        timing.in_turns(
            rows,
            len(images),
            rounds,
            lambda number: say(f"round {number} of {rounds} done"),
            slow,
            after_warm_up=lambda seconds: say(
                f"{rounds} rounds take about {seconds / 60:.0f} minutes"
            ),
            times=into.times,
        )
        say("first batches and memory, in separate processes: some minutes")
        fixed = {
            "the split": images.nbytes / 1e6,
            "one second": 1.0,
            "two seconds": 2.0,
            "60 MB": 60.0,
        }
        into.fresh.update({row: [value] * min(rounds, 3) for row, value in fixed.items()})
        fresh(name, data_dir, min(rounds, 3), into.fresh)
    sizes(rounds, into.sizes)


def say(what: str) -> None:
    print(what, flush=True)


def report(found: Measured, out: Path | None) -> list[tuple[Budget, float]]:
    """Prints and writes what has been measured; returns the budgets that can be judged by it."""
    # Interrupted, the last rows of the first round have no times.
    times = {name: measured for name, measured in found.times.items() if measured}
    print(table(times, found.lacks))
    results = checked({**times, **found.fresh})
    print(f"\n{budget_table(results)}")
    print("\n| images | cifar10_aug, one thread | OpenCV, one by one |\n|---|---|---|")
    for size, both in found.sizes.items():
        print(f"| {size} | {both['cifar10_aug']:.1f} µs | {both['OpenCV']:.1f} µs |")
    about = {"images": found.images, "rounds": found.rounds, **timing.machine()}
    print(json.dumps(about))
    if out:
        result = {"about": about, "microseconds": times, "fresh": found.fresh, "sizes": found.sizes}
        out.write_text(json.dumps(result, indent=2) + "\n")
    return results


def main() -> None:
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", help="archive or folder of CIFAR-10 [default: the sample]")
    parser.add_argument("--rounds", type=count, default=7, help="[default: %(default)s]")
    parser.add_argument("--out", type=Path, help="JSON file to write [default: none]")
    parser.add_argument("--check", action="store_true", help="end with 1 if a budget is not kept")
    args = parser.parse_args()

    found, interrupted = Measured(), False
    try:
        measure(args.source, args.rounds, found)
    except KeyboardInterrupt:
        if not found.rounds:
            sys.exit("Interrupted before anything was measured.")
        interrupted = True
    results = report(found, args.out)
    if interrupted:
        sys.exit("Interrupted; this is what was measured until then.")
    missed = [budget for budget, ratio in results if ratio > budget.most]
    if args.check and missed:
        sys.exit("; ".join(f"{one.row} is over {one.most:.3g} x {one.against}" for one in missed))


if __name__ == "__main__":
    with failing_in_one_line():
        main()
