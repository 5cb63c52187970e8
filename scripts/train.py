"""Trains a model with Keras on an augmented recipe, and goes on where it was interrupted.

    python scripts/train.py --recipe standard --epochs 8
    python scripts/train.py --source cifar-10-binary.tar.gz --recipe standard+cutout16 --model cnn

Without --source it trains on the drawn sample. In the folder --out it leaves result.json, the
learning curve as curve.png, and, until the last epoch is done, a checkpoint: the same command
resumes after the last completed epoch, with the same curve as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from checkpoint import Checkpoint
from options import Parser, failing_in_one_line, recipe, seed, training_options

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

    def load(self, split: str, config: str | None = None, **options: Any) -> tf.data.Dataset:
        """Batches of images and labels, of another config if one is named."""
        import tensorflow as tf
        import tensorflow_datasets as tfds

        import cifar10_aug  # noqa: F401

        options = {"engine": self.engine, "seed": self.seed, **options}
        if self.source:
            options["source"] = self.source
        pipeline = tf.data.Options()
        if self.threads:
            pipeline.threading.private_threadpool_size = self.threads
        return tfds.load(
            f"{self.dataset}/{config or self.name}",
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
    """The model, and how it learns."""
    import keras
    import models

    from cifar10_aug import Recipe

    model = models.MODELS[run.model]()
    if Recipe.parse(run.recipe).mixes:
        loss: Any = keras.losses.CategoricalCrossentropy(from_logits=True)
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(run, steps), loss, metrics=["accuracy"], jit_compile=False)
    return model


def optimizer(run: Run, steps: int) -> keras.optimizers.Optimizer:
    """SGD with momentum, warmed up and cooled down."""
    import keras

    total = steps * run.epochs
    warm = max(1, total // 5)
    rate = keras.optimizers.schedules.CosineDecay(
        run.learning_rate / 10,
        max(1, total - warm),  # A single step is all warming up.
        warmup_target=run.learning_rate,
        warmup_steps=warm,
    )
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=5e-4, clipnorm=5.0)


AnyRun = TypeVar("AnyRun", bound=Run)


def resumed(
    run: AnyRun, out: Path, build: Callable[[AnyRun, int], keras.Model]
) -> tuple[Checkpoint, keras.Model, tf.data.Dataset]:
    """What a run goes on with: its checkpoint, its model and the epochs that are left.

    With TensorFlow's determinism switched on, the same run has the same losses to the last digit.

    Args:
        run: what is trained.
        out: the folder of its checkpoint.
        build: makes the model of a run of so many steps an epoch, where there is no checkpoint.
    """
    import keras
    import tensorflow as tf

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
    # Just before the weights are drawn: preparing images draws, too.
    keras.utils.set_random_seed(run.seed)
    if done:
        print(f"resuming after epoch {done} of {run.epochs}")
    model = model or build(run, len(dataset))
    # Keras would trace the first training step twice: once more to make the metrics in it.
    model._symbolic_build(data_batch=dataset.element_spec)
    return checkpoint, model, dataset


def train(run: Run, out: Path, verbose: str | int = "auto") -> dict[str, Any]:
    """Trains, and returns the result that it writes."""
    checkpoint, model, dataset = resumed(run, out, compiled)
    checkpoint.fit(model, dataset, verbose, validation_data=run.load("test"))
    result = checkpoint.write_result(model)
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
        "--seed",
        type=seed,
        default=default.seed,
        help="of draws and weights [default: %(default)s]",
    )
    training_options(parser, default, Path("training"))
    given = vars(parser.parse_args(arguments))
    out = given.pop("out")
    return Run(**given), out


@contextlib.contextmanager
def ending_in_one_line() -> Iterator[None]:
    """As `failing_in_one_line`, and says that an interrupted training can be resumed."""
    try:
        with failing_in_one_line():
            yield
    except KeyboardInterrupt:
        raise SystemExit(
            "Interrupted; the same command resumes after the last completed epoch."
        ) from None


def main() -> None:
    run, out = parsed()
    with ending_in_one_line():
        result = train(run, out)
    last = result["history"][-1]
    print(
        f"{run.name}, {len(result['history'])} epochs: test accuracy {last['val_accuracy']:.2%}, "
        f"{last['seconds']:.1f} s an epoch; {out}/result.json, {out}/curve.png"
    )


if __name__ == "__main__":
    main()
