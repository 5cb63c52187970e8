"""Trains a model with Keras on an augmented recipe, and goes on where it was interrupted.

    python scripts/train.py --recipe standard --epochs 8
    python scripts/train.py --source cifar-10-binary.tar.gz --recipe standard+cutout16 --model cnn

Without --source it trains on the drawn sample. In the folder --out it leaves result.json, the
learning curve as curve.png, and, until the last epoch is done, a checkpoint: the same command
resumes after the last completed epoch, with the same curve as if nothing had happened.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options import MODELS, Parser, count, failing_in_one_line, rate, recipe, seed

# TensorFlow and all that needs it is imported within functions: --help and bad usage need none.
if TYPE_CHECKING:
    import keras
    import tensorflow as tf

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

TEST_BATCH = 500


@dataclasses.dataclass(frozen=True)
class Run:
    """What is trained, and on what; the fields are the command's options."""

    recipe: str = "standard"
    model: str = "resnet"
    epochs: int = 8
    images: int | None = None
    batch_size: int = 128
    learning_rate: float = 0.01
    seed: int = 0
    engine: str = "eager"
    threads: int | None = None
    source: str | None = None
    data_dir: str | None = None

    @property
    def dataset(self) -> str:
        return "cifar10_aug" if self.source else "cifar10_aug_sample"

    @property
    def name(self) -> str:
        """The config: whatever the recipe, pixels go from 0 to 1 or so."""
        from cifar10_aug import Recipe

        recipe = Recipe.parse(self.recipe)
        if recipe.dtype == "float32":
            return recipe.name
        return f"{recipe.name}+normalize" if recipe.ops else "normalize"

    def load(self, split: str, **options: Any) -> tf.data.Dataset:
        import tensorflow as tf
        import tensorflow_datasets as tfds

        options = {"engine": self.engine, "seed": self.seed, **options}
        if self.source:
            options["source"] = self.source
        pipeline = tf.data.Options()
        if self.threads:
            pipeline.threading.private_threadpool_size = self.threads
        return tfds.load(
            f"{self.dataset}/{self.name}",
            split=split,
            batch_size=self.batch_size if split.startswith("train") else TEST_BATCH,
            shuffle_files=split.startswith("train"),
            as_supervised=True,
            data_dir=self.data_dir,
            read_config=tfds.ReadConfig(options=pipeline),
            builder_kwargs=options,
        )

    @property
    def train_split(self) -> str:
        return "train" if self.images is None else f"train[:{self.images}]"


def compiled(run: Run, steps: int) -> keras.Model:
    """The model, and how it learns: SGD with momentum, warmed up and cooled down."""
    import keras
    import models

    from cifar10_aug import Recipe

    model = models.MODELS[run.model]()
    total = steps * run.epochs
    warm = max(1, total // 5)
    rate = keras.optimizers.schedules.CosineDecay(
        run.learning_rate / 10,
        max(1, total - warm),  # A single step is all warming up.
        warmup_target=run.learning_rate,
        warmup_steps=warm,
    )
    if Recipe.parse(run.recipe).mixes:
        loss: Any = keras.losses.CategoricalCrossentropy(from_logits=True)
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=5e-4, clipnorm=5.0),
        loss,
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


class Checkpoint:
    """Keeps the model and its history after each epoch, in one file after the other."""

    def __init__(self, place: Path, run: Run):
        """Takes a folder."""
        self._place, self._run = place, run
        self.history: list[dict[str, float]] = []

    def load(self) -> keras.Model | None:
        """The model of the last completed epoch, if there is one of the same run."""
        import keras

        state = self._place / "state.json"
        if not state.exists():
            return None
        found = json.loads(state.read_text())
        if found["run"] != dataclasses.asdict(self._run):
            raise SystemExit(
                f"{self._place} holds a checkpoint of another run; name another folder as --out, "
                "or delete it"
            )
        self.history = found["history"]
        return keras.models.load_model(self._place / found["model"])

    def callback(self, model: keras.Model) -> keras.callbacks.Callback:
        """What keeps the model while it is trained."""
        import keras

        started = 0.0

        def begin(epoch: int, logs: Any) -> None:
            nonlocal started
            started = time.perf_counter()

        def end(epoch: int, logs: Any) -> None:
            seconds = time.perf_counter() - started
            values = {name: float(value) for name, value in logs.items()}
            self.history.append({**values, "seconds": seconds})
            self._keep(model, epoch)

        return keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)

    def _keep(self, model: keras.Model, epoch: int) -> None:
        name = f"epoch-{epoch + 1}.keras"
        model.save(self._place / name)
        state = {
            "run": dataclasses.asdict(self._run),
            "model": name,
            "history": self.history,
        }
        _write(self._place / "state.json", state)
        for old in self._place.glob("epoch-*.keras"):
            if old.name != name:
                old.unlink()

    def clear(self) -> None:
        """Forgets the checkpoint."""
        for file in (self._place / "state.json", *self._place.glob("epoch-*.keras")):
            file.unlink(missing_ok=True)


def _write(path: Path, content: Any) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.replace(path)


def train(run: Run, out: Path, verbose: str | int = "auto") -> dict[str, Any]:
    """Trains, and returns the result that it writes.

    With TensorFlow's determinism switched on, the same run has the same losses to the last digit.
    """
    import keras
    import tensorflow as tf

    from cifar10_aug.cli import timing

    tf.config.experimental.enable_op_determinism()
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(out, run)
    model = checkpoint.load()
    done = len(checkpoint.history)
    try:
        dataset = run.load(run.train_split, start_epoch=done)
    except ValueError as error:
        if "Requested slice" in str(error):
            raise SystemExit(f"Error: --images {run.images}: {error}") from error
        raise
    steps = len(dataset)
    # Just before the weights are drawn: preparing images draws, too.
    keras.utils.set_random_seed(run.seed)
    model = model or compiled(run, steps)
    if done:
        print(f"resuming after epoch {done} of {run.epochs}")
    # Keras opens two iterators an epoch otherwise, and would leave out every other one of ours.
    model.fit(
        dataset.repeat(),
        steps_per_epoch=steps,
        epochs=run.epochs,
        initial_epoch=done,
        validation_data=run.load("test"),
        callbacks=[checkpoint.callback(model)],
        shuffle=False,
        verbose=verbose,
    )
    result = {
        "run": dataclasses.asdict(run),
        "about": {"parameters": model.count_params(), **timing.machine()},
        "history": checkpoint.history,
    }
    _write(out / "result.json", result)
    draw_curve(result, out / "curve.png")
    checkpoint.clear()
    return result


def draw_curve(result: dict[str, Any], path: Path) -> None:
    """Accuracy in training and on test images, epoch by epoch."""
    import matplotlib.pyplot as plt
    from figures import save

    history = result["history"]
    numbers = range(1, len(history) + 1)
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name, label in (("accuracy", "training, augmented"), ("val_accuracy", "test")):
        axes.plot(numbers, [100 * epoch[name] for epoch in history], marker="o", label=label)
    run = result["run"]
    axes.set(xlabel="epoch", ylabel="accuracy, %", title=f"{run['model']} on {run['recipe']}")
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, path)


def parsed(arguments: Sequence[str] | None = None) -> tuple[Run, Path]:
    """The run that a command line asks for, and where to."""
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    default = Run()
    parser.add_argument(
        "--recipe", type=recipe, default=default.recipe, help="[default: %(default)s]"
    )
    parser.add_argument(
        "--model", default=default.model, choices=MODELS, help="[default: %(default)s]"
    )
    parser.add_argument(
        "--epochs", type=count, default=default.epochs, help="[default: %(default)s]"
    )
    parser.add_argument("--images", type=count, help="of the training split [default: all]")
    parser.add_argument(
        "--batch-size", type=count, default=default.batch_size, help="[default: %(default)s]"
    )
    parser.add_argument(
        "--learning-rate",
        type=rate,
        default=default.learning_rate,
        help="the greatest [default: %(default)s]",
    )
    parser.add_argument(
        "--seed",
        type=seed,
        default=default.seed,
        help="of draws and weights [default: %(default)s]",
    )
    parser.add_argument(
        "--engine",
        default=default.engine,
        choices=("eager", "graph"),
        help="[default: %(default)s]",
    )
    parser.add_argument(
        "--threads", type=count, help="of the pipeline; they change nothing [default: all cores]"
    )
    parser.add_argument("--source", help="archive or folder of CIFAR-10 [default: the sample]")
    parser.add_argument("--data-dir", help="where TFDS keeps datasets [default: TFDS's own]")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("training"),
        help="folder of the result [default: %(default)s]",
    )
    given = vars(parser.parse_args(arguments))
    out = given.pop("out")
    return Run(**given), out


def main() -> None:
    run, out = parsed()
    try:
        with failing_in_one_line():
            result = train(run, out)
    except KeyboardInterrupt:
        raise SystemExit(
            "Interrupted; the same command resumes after the last completed epoch."
        ) from None
    last = result["history"][-1]
    print(
        f"{run.name}, {len(result['history'])} epochs: test accuracy {last['val_accuracy']:.2%}, "
        f"{last['seconds']:.1f} s an epoch; {out}/result.json, {out}/curve.png"
    )


if __name__ == "__main__":
    main()
