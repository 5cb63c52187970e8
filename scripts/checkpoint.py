"""Keeps a training's state after each epoch, so that it can be resumed, and its result."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    import train


class Checkpoint:
    """Keeps the model and its history after each epoch, in one file after the other."""

    def __init__(self, place: Path, run: train.Run):
        """Takes a folder."""
        self._place, self._run = place, run
        self.history: list[dict[str, float]] = []

    def load(self) -> keras.Model | None:
        """The model of the last completed epoch, if there is one of the same run."""
        import keras

        found = self._read("state.json", "a checkpoint")
        if found is None:
            return None
        self.history = found["history"]
        return keras.models.load_model(self._place / found["model"])

    def result(self) -> dict[str, Any] | None:
        """The result of the same run, if it has been written."""
        return self._read("result.json", "the result")

    def _read(self, name: str, what: str) -> dict[str, Any] | None:
        file = self._place / name
        if not file.exists():
            return None
        found: dict[str, Any] = json.loads(file.read_text())
        if found["run"] != dataclasses.asdict(self._run):
            raise SystemExit(
                f"{self._place} holds {what} of another run; name another folder as --out, "
                "or delete it"
            )
        return found

    def fit(
        self,
        model: keras.Model,
        dataset: tf.data.Dataset,
        verbose: str | int,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **options: Any,
    ) -> None:
        """Trains for the epochs that are left, and keeps each; `callbacks` may add to its logs."""
        # Keras opens two iterators an epoch otherwise, and would leave out every other one of ours.
        model.fit(
            dataset.repeat(),
            steps_per_epoch=len(dataset),
            epochs=self._run.epochs,
            initial_epoch=len(self.history),
            callbacks=[*callbacks, self.callback(model)],
            shuffle=False,
            verbose=verbose,
            **options,
        )

    def write_result(self, model: keras.Model) -> dict[str, Any]:
        """Writes what was trained, on what, and how it went, epoch by epoch."""
        from cifar10_aug.cli import timing

        result = {
            "run": dataclasses.asdict(self._run),
            "about": {"parameters": model.count_params(), **timing.machine()},
            "history": self.history,
        }
        write(self._place / "result.json", result)
        return result

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
        state = {"run": dataclasses.asdict(self._run), "model": name, "history": self.history}
        write(self._place / "state.json", state)
        for old in self._place.glob("epoch-*.keras"):
            if old.name != name:
                old.unlink()

    def clear(self) -> None:
        """Forgets the checkpoint."""
        for file in (self._place / "state.json", *self._place.glob("epoch-*.keras")):
            file.unlink(missing_ok=True)


def write(path: Path, content: Any) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.replace(path)
