"""Learns features without labels by SimCLR, and says what they are worth to a linear classifier.

    python scripts/train_simclr.py
    python scripts/train_simclr.py --source cifar-10-binary.tar.gz --epochs 100 --out simclr-cifar10

Trains on two views of each image, `simclr-v2`, with several seeds. After each epoch a linear probe
is fitted to the features of clean training images and judged on test images; before the first, to
those of the same network untrained. Without --source it trains on the drawn sample. Prints a table,
and leaves in the folder --out result.json, the curves as curve.png, and a folder for each seed: the
same command resumes after the last completed epoch, with the same curve as if nothing had happened.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import train
from checkpoint import Checkpoint, write
from options import Parser, count, positive, training_options

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Run(train.Run):
    """What is trained with one seed, and on what."""

    recipe: str = "simclr"
    epochs: int = 3
    learning_rate: float = 0.1
    temperature: float = 0.2

    @property
    def name(self) -> str:
        """The config: two views, of 8 bits."""
        return f"{self.recipe}-v2"


def compiled(run: Run, steps: int) -> keras.Model:
    """The model, and how it learns."""
    import contrastive

    model = contrastive.learner(run.model)
    model.compile(
        train.optimizer(run, steps), contrastive.NTXent(run.temperature), jit_compile=False
    )
    return model


def trained(run: Run, out: Path, verbose: str | int = "auto") -> dict[str, Any]:
    """The result of one seed: what is in the folder already, or else it is trained.

    An epoch of its history has `loss`, `probe` and `seconds`, the first also `untrained`.
    """
    done = Checkpoint(out, run).result()
    if done:
        return done
    # Its loss has to be known before a checkpoint is loaded.
    import contrastive

    checkpoint, model, dataset = train.resumed(run, out, compiled)
    probe = contrastive.Probe(run.load(run.train_split, "plain"), run.load("test", "plain"))
    checkpoint.fit(model, dataset, verbose, [probe])
    result = checkpoint.write_result(model)
    checkpoint.clear()
    return result


History = list[dict[str, float]]


def table(histories: Sequence[History]) -> str:
    """The probe's accuracy with each seed, untrained and trained, and what it gains."""
    pairs = [(history[0]["untrained"], history[-1]["probe"]) for history in histories]
    means = [statistics.mean(column) for column in zip(*pairs, strict=True)]
    rows = [*enumerate(pairs), ("mean", means)]
    return "\n".join(
        [
            "| seed | probe, untrained | probe, trained | margin, points |",
            "|---|---|---|---|",
            *(f"| {seed} | {a:.1%} | {b:.1%} | {100 * (b - a):+.1f} |" for seed, (a, b) in rows),
        ]
    )


def draw(histories: Sequence[History], title: str, path: Path) -> None:
    """Each seed's loss and accuracy, epoch by epoch; the accuracy at 0 is that untrained."""
    import matplotlib.pyplot as plt
    from figures import save

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained")
    for seed, history in enumerate(histories):
        losses = [epoch["loss"] for epoch in history]
        left.plot(range(1, len(losses) + 1), losses, marker=".", label=f"seed {seed}")
        accuracies = [history[0]["untrained"], *(epoch["probe"] for epoch in history)]
        right.plot([100 * value for value in accuracies], marker=".")
    left.set(xlabel="epoch", ylabel="NT-Xent", title=title)
    left.legend(fontsize="small")
    right.set(xlabel="epoch; 0: untrained", ylabel="linear probe, test accuracy, %")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    save(figure, path)


def train_all(runs: Sequence[Run], out: Path, verbose: str | int = "auto") -> str:
    """Trains each run in a separate folder, writes the results, and returns the table."""
    results = []
    for run in runs:
        results.append(trained(run, out / f"seed-{run.seed}", verbose))
        last = results[-1]["history"][-1]
        print(f"seed {run.seed}: loss {last['loss']:.3f}, probe {last['probe']:.1%}", flush=True)
    histories = [result["history"] for result in results]
    run, about = results[0]["run"], results[0]["about"]
    del run["seed"]
    write(out / "result.json", {"run": run, "about": about, "seeds": histories})
    title = f"SimCLR, {run['model']}, {'CIFAR-10' if run['source'] else 'the sample'}"
    draw(histories, title, out / "curve.png")
    return table(histories)


def parsed(arguments: Sequence[str] | None = None) -> tuple[list[Run], Path]:
    """The runs that a command line asks for, and where to."""
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--seeds", type=count, default=3, help="runs, from seed 0 on [default: %(default)s]"
    )
    parser.add_argument(
        "--temperature",
        type=positive,
        default=Run.temperature,
        help="of the loss [default: %(default)s]",
    )
    training_options(parser, Run, Path("simclr"))
    given = vars(parser.parse_args(arguments))
    out, seeds = given.pop("out"), given.pop("seeds")
    return [Run(**given, seed=seed) for seed in range(seeds)], out


def main() -> None:
    runs, out = parsed()
    with train.ending_in_one_line():
        print(train_all(runs, out))
    print(f"{out}/result.json, {out}/curve.png")


if __name__ == "__main__":
    main()
