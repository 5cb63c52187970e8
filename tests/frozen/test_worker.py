import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_aug.data.records import examples
from cifar10_aug.data.records.formats import FORMATS
from cifar10_aug.frozen import worker
from cifar10_aug.frozen.shards import Frozen
from cifar10_aug.frozen.staging import Staging
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Recipe
from tests import archives, programs
from tests.frozen.freezing import cifar10_of, frozen
from tests.recipes.test_recipe import recipe_text

MADE = archives.make(per_file=2)


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Staging:
    made = Staging(tmp_path_factory.mktemp("staging"))
    made.make()
    made.write_source(cifar10_of(MADE))
    return made


def images_of(staging: Staging, what: Frozen) -> dict[tuple[int, bytes], np.ndarray]:
    """Writes every shard of the training split; the images by copy and id."""
    dtype = Recipe.parse(what.recipe).dtype
    found = {}
    for shard in what.shards({"train": 10}):
        staging.forget(shard)
        worker.write(staging, shard)
        for record in FORMATS[what.file_format].read(staging.shards / shard.name):
            example = examples.parsed(record)
            image = examples.decoded(example["image"], what.image_encoding, dtype)
            found[example["copy"], example["id"]] = image
    return found


def assert_equal_to_online(staging: Staging, what: Frozen) -> None:
    found = images_of(staging, what)
    for copy in range(what.copies):
        expected = Recipe.parse(what.recipe)(MADE.train_images, seed=what.seed, epoch=copy)
        for number, image in enumerate(expected):
            stored = found.pop((copy, f"train_{number:05d}".encode()))
            assert stored.dtype == image.dtype
            assert stored.tobytes() == image.tobytes()
    assert not found


@pytest.mark.parametrize("name", OPS)
def test_copy_k_is_epoch_k_for_every_op(name: str, staging: Staging) -> None:
    assert_equal_to_online(staging, frozen(name))


@settings(max_examples=30)
@given(recipe=recipe_text, copies=st.integers(1, 3), seed=st.integers(0, 2**64 - 1))
def test_copy_k_is_epoch_k_for_any_recipe(
    staging: Staging, recipe: str, copies: int, seed: int
) -> None:
    what = frozen(str(Recipe.parse(recipe)), copies, seed=seed)
    assert_equal_to_online(staging, what)


@pytest.mark.parametrize(
    "how", [{"file_format": "array_record"}, {"image_encoding": "png"}], ids=["array_record", "png"]
)
def test_how_it_is_stored_changes_no_pixel(how: dict[str, Any], staging: Staging) -> None:
    assert_equal_to_online(staging, frozen(copies=3, **how))


def test_test_images_are_clean_but_for_value_ranges(staging: Staging) -> None:
    shard = frozen("rotate30+normalize").shards({"train": 10, "test": 2})[-1]
    source, own = staging.read_source("test")
    (_, images, labels), *more = worker.augmented(shard, source, own)
    assert not more
    assert labels.tolist() == own.tolist()
    assert (images == Recipe.parse("normalize")(MADE.test_images)).all()


def test_a_finished_shard_is_not_touched(staging: Staging) -> None:
    shard = frozen(seed=5).shards({"train": 10})[0]
    finished = worker.write(staging, shard)
    before = os.stat(staging.shards / shard.name)
    assert worker.write(staging, shard) == finished
    assert os.stat(staging.shards / shard.name) == before


def test_workers_do_not_need_tensorflow(tmp_path: Path, sources: dict[str, Path]) -> None:
    """Nor does the process that starts them."""
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("raise SystemExit('imported')\n")
    arguments = ["export", "rotate+erase", "--copies", "2", "--jobs", "2", "--data-dir", "out"]
    program = "from cifar10_aug.cli import main; main()"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    arguments += ["--source", str(sources["binary folder"])]
    done = programs.python("-c", program, *arguments, env={"PYTHONPATH": path}, cwd=tmp_path)
    assert "Written: " in done.stdout
