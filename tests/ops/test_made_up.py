"""An op is stated once: a few lines, and it is everywhere."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow_datasets as tfds
from click.testing import CliRunner

from cifar10_aug.cli import main
from cifar10_aug.engines.numba.kernels import intensity as numba_intensity
from cifar10_aug.engines.tensorflow import intensity as tensorflow_intensity
from cifar10_aug.ops import OPS
from cifar10_aug.ops.base import ImageOp, LookupTableOp
from cifar10_aug.ops.fields import Interval, IntervalField, option
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng.draws import Draws
from tests.engines.tensorflow import running
from tests.registering import registered


@dataclasses.dataclass(frozen=True)
class Divide(LookupTableOp):
    """Divides all levels."""

    name: ClassVar[str] = "divide"
    slots: ClassVar[int] = 1

    by: Interval = option(IntervalField((2, 4), unit="", about="by how much", low=1, high=9))

    def table(self, draws: Draws, levels: Any) -> Any:
        return levels / draws.name("by", draws.uniform(0, *self.by))


def test_a_made_up_op_takes_at_most_fifteen_lines() -> None:
    assert len(inspect.getsource(Divide).splitlines()) <= 15


def test_a_made_up_op_appears_everywhere(
    data_dir: str, made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registered():
        OPS["divide"] = Divide
        recipe = Recipe.parse("flip+divide3-5.0")
        assert str(recipe) == "flip+divide3-5"
        log = recipe.parameters(np.arange(100), epoch=2)
        by = log["1.divide.by"]
        assert 3 <= by.min() < by.max() <= 5
        ours = recipe(made.train_images, epoch=2)
        whole = Recipe.parse("flip")(made.train_images, epoch=2)
        np.testing.assert_array_equal(
            ours, (whole / by[:, None, None, None] + 1e-9).astype(np.uint8)
        )

        load = {"split": "train", "batch_size": 32, "data_dir": data_dir}
        assert "divide" in tfds.builder("cifar10_aug", data_dir=data_dir).builder_configs
        online = tfds.load("cifar10_aug/flip+divide3-5", **load)
        for _ in range(2):
            list(online)
        again = np.concatenate([batch["image"] for batch in online.as_numpy_iterator()])
        np.testing.assert_array_equal(again, ours)

        listed = CliRunner().invoke(main, ["list", "divide"]).output
        assert "Divides all levels.\n" in listed
        assert "  by         2-4: by how much; takes n or low-high" in listed
        monkeypatch.chdir(tmp_path)
        shown = CliRunner().invoke(main, ["preview", "divide", "--sample", "--explain"])
        assert shown.exit_code == 0, shown.output
        assert Path("preview.png").exists()
        wrong = CliRunner().invoke(main, ["preview", "divde", "--sample"])
        assert "Did you mean divide or invert?" in wrong.output


@dataclasses.dataclass(frozen=True)
class Negate(ImageOp):
    """Shows white minus the image."""

    name: ClassVar[str] = "negate"
    process: ClassVar[str] = "intensity.negate"

    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        return (0xFFFFFF,)


def of_numba(canvas: Any, rows: np.ndarray, numbers: np.ndarray) -> None:
    canvas.pixels[rows] = np.uint32(numbers[0, 0]) - canvas.pixels[rows]


def of_tensorflow(canvas: Any, white: float) -> Any:
    return int(white) - canvas.pixels


def test_a_made_up_process_is_an_op_and_a_function_an_engine(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba_intensity, "negate", of_numba, raising=False)
    monkeypatch.setattr(tensorflow_intensity, "negate", of_tensorflow, raising=False)
    with registered():
        OPS["negate"] = Negate
        recipe = Recipe.parse("negate_p0.5")
        ours = recipe(made.train_images, seed=3)
        done = recipe.parameters(np.arange(100), seed=3)["0.negate.applied"]
        expected = np.where(done[:, None, None, None], 255 - made.train_images, made.train_images)
        np.testing.assert_array_equal(ours, expected)
        theirs, _ = running.run(recipe, made.train_images, np.arange(100), seed=3)
        np.testing.assert_array_equal(theirs, expected)
