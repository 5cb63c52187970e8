"""`Loader.as_map_dataset`: examples by number."""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar10_aug.errors import RegistrationError
from tests import functions
from tests.pipelines import worker_processes
from tests.registering import registered


@pytest.mark.parametrize(
    ("recipe", "kwargs"),
    [
        ("rotate30+erase", {"layout": "nchw"}),
        ("mixup+rescale", {"shard": (1, 3)}),
        ("randaugment", {"split": "train[:90]+test+train[-50:]", "start_epoch": 7}),
        ("flip+speckle", {"layout": "nchw", "seed": 5}),
    ],
)
def test_examples_are_those_of_the_loader(recipe: str, kwargs: dict[str, Any], load: Any) -> None:
    with registered({"backend": "threading"}, speckle=functions.speckle):
        loader = load(recipe, batch_size=100_000, **kwargs)
        dataset = loader.as_map_dataset()
        (batch,) = loader
        first = dataset.epoch
        assert first == kwargs.get("start_epoch", 0)
        assert len(dataset) == len(batch[0])
        for epoch, (images, labels) in ((first, batch), (first + 1, *loader)):
            dataset.set_epoch(epoch)
            assert dataset.epoch == epoch
            numbers = np.random.default_rng(0).integers(0, len(dataset), 50)
            for number, found in zip(numbers, dataset.__getitems__(numbers), strict=True):
                for image, label in (found, dataset[int(number)], dataset[number - len(dataset)]):
                    np.testing.assert_array_equal(image, images[number])
                    assert image.dtype == images.dtype
                    np.testing.assert_array_equal(label, labels[number])
                    assert np.asarray(label).dtype == labels.dtype


def test_batches_may_be_kept(load: Any) -> None:
    dataset = load().as_map_dataset()
    kept = [dataset.__getitems__(range(i, i + 4))[0][0] for i in range(0, 200, 4)]
    for image, i in zip(kept, range(0, 200, 4), strict=True):
        np.testing.assert_array_equal(image, dataset[i][0])


def test_a_batch_is_one_call(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cifar10_aug.engines.numba.engine import Engine

    calls, write = [], Engine.write

    def counted(*args: Any) -> None:
        calls.append(len(args[2]))
        write(*args)

    monkeypatch.setattr(Engine, "write", counted)
    load().as_map_dataset().__getitems__(range(300))
    assert calls == [300]


@pytest.mark.parametrize("number", [4000, -4001])
def test_a_number_that_is_none_is_refused(number: int, load: Any) -> None:
    dataset = load().as_map_dataset()
    with pytest.raises(IndexError, match=f"there is no example {number}; give 0 to 3999"):
        dataset[number]
    with pytest.raises(ValueError, match="epoch is -1"):
        dataset.set_epoch(-1)


def test_a_copy_has_the_same_pixels_and_a_separate_epoch(load: Any) -> None:
    dataset = load("mixup", seed=None, shard=(1, 2), layout="nchw").as_map_dataset()
    dataset.set_epoch(4)
    copy = pickle.loads(pickle.dumps(dataset))
    assert (len(copy), copy.epoch) == (len(dataset), 4)
    np.testing.assert_array_equal(copy[5][0], dataset[5][0])
    again = pickle.loads(pickle.dumps(copy))
    dataset.set_epoch(9)
    assert (copy.epoch, again.epoch) == (4, 4)
    np.testing.assert_array_equal(again[5][0], copy[5][0])


def test_a_function_that_cannot_be_sent_is_named(load: Any) -> None:
    import threading

    lock = threading.Lock()

    def locked(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        with lock:
            return image

    with registered({"backend": "threading"}, locked=locked):
        dataset = load("locked").as_map_dataset()
        assert dataset[0][0].shape == (32, 32, 3)
        with pytest.raises(RegistrationError, match="locked cannot be sent to other processes"):
            pickle.dumps(dataset)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("way", list(worker_processes.WAYS))
def test_workers_follow_the_epoch(way: str, place: str) -> None:
    if way == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: pip install '.[torch]'")
    done = subprocess.run(
        [sys.executable, "-m", worker_processes.__name__, way, place],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{recipe} {method} True" for recipe, method in worker_processes.RECIPES.items()
    ]
