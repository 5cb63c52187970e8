"""Does augmentation help? Trains recipes with several seeds, and draws test accuracies.

    python scripts/train_study.py --source cifar-10-binary.tar.gz --images 10000 --out study

Each run is `train.py` in a separate process; runs that are done already, in the folder --out, are
not done again. Prints a table, and leaves study.json and study.png.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from options import Parser, count

RECIPES = ("plain", "rotate15", "standard", "standard+cutout16", "standard+trivialaugment")


def trained(recipe: str, seed: int, place: Path, options: list[str]) -> dict[str, Any]:
    """The result of one run."""
    result = place / "result.json"
    if not result.exists():
        script = Path(__file__).with_name("train.py")
        command = [sys.executable, str(script), "--recipe", recipe, "--seed", str(seed)]
        done = subprocess.run([*command, "--out", str(place), *options], check=False)
        if done.returncode:
            # It has said why.
            sys.exit(done.returncode)
    found: dict[str, Any] = json.loads(result.read_text())
    return found


# Accuracies by recipe: a list for each seed, epoch by epoch.
Curves = dict[str, list[list[float]]]


def table(curves: Curves, trained_on: Curves) -> str:
    lines = [
        "| recipe | test accuracy, mean | least to most | on the augmented training images |",
        "|---|---|---|---|",
    ]
    for recipe, seeds in curves.items():
        last = [values[-1] for values in seeds]
        mean, least, most = statistics.mean(last), min(last), max(last)
        learnt = statistics.mean(values[-1] for values in trained_on[recipe])
        lines.append(f"| `{recipe}` | {mean:.1%} | {least:.1%} to {most:.1%} | {learnt:.1%} |")
    return "\n".join(lines)


def draw(curves: Curves, title: str, path: Path) -> None:
    """Means over seeds, epoch by epoch; and the last epoch of each seed."""
    import matplotlib.pyplot as plt
    from figures import save

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained")
    for place, (recipe, seeds) in enumerate(curves.items()):
        means = [100 * statistics.mean(values) for values in zip(*seeds, strict=True)]
        (line,) = left.plot(range(1, len(means) + 1), means, marker=".", label=recipe)
        last = [100 * values[-1] for values in seeds]
        right.plot(last, [place] * len(last), "o", color=line.get_color(), alpha=0.6)
        right.plot([statistics.mean(last)], [place], "|", color="#141414", markersize=22)
    left.set(xlabel="epoch", ylabel="test accuracy, %, mean over seeds", title=title)
    left.legend(fontsize="small")
    right.set(yticks=range(len(curves)), yticklabels=list(curves))
    right.set(xlabel="in the end, %: each seed, their mean", ymargin=0.15)
    right.invert_yaxis()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    save(figure, path)


def main() -> None:
    parser = Parser(
        description=(__doc__ or "").splitlines()[0], epilog="All other options go to train.py."
    )
    parser.add_argument(
        "--seeds", type=count, default=3, help="runs of each recipe [default: %(default)s]"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("study"),
        help="folder of the results [default: %(default)s]",
    )
    args, options = parser.parse_known_args()
    curves: Curves = {recipe: [] for recipe in RECIPES}
    trained_on: Curves = {recipe: [] for recipe in RECIPES}
    for seed in range(args.seeds):
        for recipe in RECIPES:
            result = trained(recipe, seed, args.out / f"{recipe}-{seed}", options)
            curves[recipe].append([epoch["val_accuracy"] for epoch in result["history"]])
            trained_on[recipe].append([epoch["accuracy"] for epoch in result["history"]])
            print(f"{recipe}, seed {seed}: {curves[recipe][-1][-1]:.2%}", flush=True)
    about = result["about"]
    run = {key: value for key, value in result["run"].items() if key not in ("recipe", "seed")}
    images = f"{run['images']:,}" if run["images"] else "all"
    title = f"{run['model']}, {images} images, {run['epochs']} epochs"
    (args.out / "study.json").write_text(
        json.dumps({"about": about, "run": run, "test": curves, "training": trained_on}, indent=2)
        + "\n"
    )
    draw(curves, title, args.out / "study.png")
    print(table(curves, trained_on))
    print(json.dumps({**run, **about}))


if __name__ == "__main__":
    main()
