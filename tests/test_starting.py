"""Going on in the middle: by a checkpoint in another process, or by a number."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cifar10_aug.engines.numba import engine as eager
from cifar10_aug.rng import draws
from tests import programs
from tests.pipelines.test_eager import by_id

ENGINES = ["eager", "graph"]


def load(data_dir: str, recipe: str = "brightness", split: Any = "train", **kwargs: Any) -> Any:
    how = {"batch_size": kwargs.pop("batch_size", 16), "shuffle_files": True}
    return tfds.load(
        f"cifar10_aug/{recipe}", split=split, data_dir=data_dir, builder_kwargs=kwargs, **how
    )


def batches(ds: Any) -> list[tuple[list[bytes], bytes]]:
    return [
        (np.atleast_1d(batch["id"]).tolist(), batch["image"].tobytes())
        for batch in ds.as_numpy_iterator()
    ]


STARTS: dict[str, Any] = {"eager": ((2, 0), (1, 3), (0, 4)), "graph": ((1, 3),)}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [16, 20, None])
def test_it_starts_at_an_epoch_and_step(data_dir: str, engine: str, batch_size: Any) -> None:
    whole = load(data_dir, batch_size=batch_size)
    expected = [batches(whole) for _ in range(4)]
    for epoch, step in STARTS[engine]:
        ds = load(
            data_dir, engine=engine, batch_size=batch_size, start_epoch=epoch, start_step=step
        )
        assert batches(ds) == expected[epoch][step:]
        assert batches(ds) == expected[epoch + 1]


@pytest.mark.parametrize("engine", ENGINES)
def test_repeating_from_the_middle_goes_on_with_whole_epochs(data_dir: str, engine: str) -> None:
    whole = load(data_dir)
    expected = [batches(whole) for _ in range(3)]
    ds = load(data_dir, engine=engine, start_epoch=1, start_step=5).repeat(2)
    assert batches(ds) == expected[1][5:] + expected[2]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_length_is_that_of_whole_epochs(data_dir: str, engine: str) -> None:
    assert len(load(data_dir, engine=engine, start_epoch=3)) == 7
    assert len(load(data_dir, engine=engine, start_step=3)) == 7


def test_what_is_left_out_is_not_computed(data_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[np.ndarray] = []
    call = eager.Engine.write

    def counted(self: Any, source: Any, rows: Any, keys: Any, epoch: int, *rest: Any) -> None:
        made.append(keys)
        call(self, source, rows, keys, epoch, *rest)

    monkeypatch.setattr(eager.Engine, "write", counted)
    ds = load(data_dir, start_step=5)
    found = [name for ids, _ in batches(ds) for name in ids]
    visited = np.concatenate(made)
    assert len(visited) == 20
    assert sorted(visited.tolist()) == sorted(
        int(draws.example_keys(int(name[-5:]))) for name in found
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_splits_that_are_not_augmented_start_at_their_beginning(data_dir: str, engine: str) -> None:
    options: dict[str, Any] = {"engine": engine, "start_epoch": 4, "start_step": 6}
    train, test = load(data_dir, split=["train", "test"], **options)
    assert [len(by_id(train)), len(by_id(test))] == [4, 20]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_step_after_the_epoch_is_refused(data_dir: str, engine: str) -> None:
    message = (
        "start_step is 7, and an epoch has 7 batches; give the number of batches of start_epoch "
        "that are done, and whole epochs as start_epoch"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        load(data_dir, engine=engine, start_step=7)


PROGRAM = """
import hashlib, sys
import tensorflow as tf
import tensorflow_datasets as tfds
import cifar10_aug

folder, data_dir, taken = sys.argv[1:]
for engine in ("eager", "graph"):
    train = tfds.load(
        "cifar10_aug/brightness", split="train", data_dir=data_dir, batch_size=16,
        shuffle_files=True, builder_kwargs={"engine": engine},
    ).repeat()
    iterator = iter(train)
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    place = f"{folder}/{engine}/point"
    if taken == "restore":
        checkpoint.read(place).assert_consumed()
    else:
        for _ in range(int(taken)):
            next(iterator)
        checkpoint.write(place)
    for _ in range(9):
        print(engine, hashlib.sha256(next(iterator)["image"].numpy()).hexdigest())
"""


@pytest.mark.slow
def test_another_process_goes_on_with_the_next_batch(data_dir: str, tmp_path: Path) -> None:
    outputs = []
    for taken in ("11", "restore"):
        done = programs.run("-c", PROGRAM, tmp_path, data_dir, taken, check=True)
        outputs.append(done.stdout.splitlines())
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0])) == 18
