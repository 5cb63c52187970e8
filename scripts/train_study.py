"""Does augmentation help? Trains recipes with several seeds, and draws test accuracies.

    python scripts/train_study.py --source cifar-10-binary.tar.gz --images 10000 --out study

Each run is `train.py` in a process of its own; runs that are done already, in the folder --out, are
not done again. Prints a table, and leaves study.json and study.png.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from figures import save

RECIPES = ("plain", "rotate15", "standard", "standard+cutout16", "standard+trivialaugment")


def trained(recipe: str, seed: int, place: Path, options: list[str]) -> dict[str, Any]:
    """The result of one run."""
    result = place / "result.json"
    if not result.exists():
        script = Path(__file__).with_name("train.py")
        command = [sys.executable, str(script), "--recipe", recipe, "--seed", str(seed)]
        subprocess.run([*command, "--out", str(place), *options], check=True)
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def table(accuracies: dict[str, list[float]]) -> str:
    lines = ["| recipe | test accuracy, mean | least to most | seeds |", "|---|---|---|---|"]
    for recipe, values in accuracies.items():
        mean, least, most = statistics.mean(values), min(values), max(values)
        lines.append(f"| `{recipe}` | {mean:.1%} | {least:.1%} to {most:.1%} | {len(values)} |")
    return "\n".join(lines)


def draw(accuracies: dict[str, list[float]], title: str, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    for place, (_, values) in enumerate(accuracies.items()):
        percent = [100 * value for value in values]
        axes.plot(percent, [place] * len(percent), "o", color="#266eb4", alpha=0.6)
        axes.plot([statistics.mean(percent)], [place], "|", color="#141414", markersize=22)
    axes.set(yticks=range(len(accuracies)), yticklabels=list(accuracies), title=title)
    axes.set_xlabel("test accuracy, %: each seed, and their mean")
    axes.invert_yaxis()
    axes.grid(alpha=0.3, axis="x")
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="All other options go to train.py.",
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("study"), help="folder of the results")
    args, options = parser.parse_known_args()
    accuracies: dict[str, list[float]] = {recipe: [] for recipe in RECIPES}
    for seed in range(args.seeds):
        for recipe in RECIPES:
            result = trained(recipe, seed, args.out / f"{recipe}-{seed}", options)
            accuracies[recipe].append(result["history"][-1]["val_accuracy"])
            print(f"{recipe}, seed {seed}: {accuracies[recipe][-1]:.2%}", flush=True)
    run, about = result["run"], result["about"]
    images = f"{run['images']:,}" if run["images"] else "all"
    title = f"{run['model']}, {images} images, {run['epochs']} epochs"
    (args.out / "study.json").write_text(
        json.dumps({"about": about, "run": run, "accuracies": accuracies}, indent=2) + "\n"
    )
    draw(accuracies, title, args.out / "study.png")
    print(table(accuracies))
    print(json.dumps({**run, **about}))


if __name__ == "__main__":
    main()
