"""`Loader`: the batches of `tfds.load`, without TensorFlow."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from hypothesis import given, settings
from hypothesis import strategies as st

import cifar10_aug
from cifar10_aug import Loader
from cifar10_aug.builders.cifar10_aug_sample_dataset_builder import Builder as SampleBuilder
from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.errors import PythonOpError, RecipeError, SourceError
from cifar10_aug.pipelines import resident
from tests import forking, functions
from tests.pipelines.comparing import assert_same
from tests.registering import registered

RECIPES = ("plain", "rotate30+erase", "mixup", "randaugment", "speckle+rescale", "labelsmooth")
SPLITS = ("train", "test", "train[10%:50%]", "train[:70]+test+train[-9:]")


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("cifar10_aug.Loader")]


@settings(max_examples=12)
@given(
    recipe=st.sampled_from(RECIPES),
    split=st.sampled_from(SPLITS),
    batch_size=st.sampled_from((1, 16, 300)),
    seed=st.integers(0, 2**64 - 1),
    shuffle=st.booleans(),
    shard=st.sampled_from(((0, 1), (0, 2), (2, 3))),
    start_epoch=st.sampled_from((0, 5)),
    workers=st.sampled_from((None, 1, 3)),
    augment_splits=st.sampled_from((("train",), ("train", "test"))),
)
def test_batches_are_those_of_tfds(
    data_dir: str,
    recipe: str,
    split: str,
    batch_size: int,
    seed: int,
    shuffle: bool,
    shard: tuple[int, int],
    start_epoch: int,
    workers: int | None,
    augment_splits: tuple[str, ...],
) -> None:
    kept: dict[str, Any] = {
        "seed": seed,
        "start_epoch": start_epoch,
        "augment_splits": augment_splits,
    }
    index, count = shard
    with registered({"backend": "threading"}, speckle=functions.speckle):
        theirs = tfds.load(
            f"cifar10_aug/{recipe}",
            split=split,
            batch_size=batch_size,
            shuffle_files=shuffle,
            as_supervised=True,
            data_dir=data_dir,
            read_config=tfds.ReadConfig(
                input_context=tf.distribute.InputContext(count, index) if count > 1 else None
            ),
            builder_kwargs=kept,
        )
        with Loader(
            recipe,
            split=split,
            batch_size=batch_size,
            shuffle=shuffle,
            shard=shard,
            workers=workers,
            data_dir=data_dir,
            **kept,
        ) as loader:
            for _ in range(2):
                assert assert_same(loader, theirs.as_numpy_iterator()) == len(loader)


@pytest.mark.parametrize("recipe", ["rotate30+erase", "cutmix+normalize"])
def test_an_epoch_of_many_calls_is_that_of_tfds(recipe: str, load: Any, place: str) -> None:
    theirs = tfds.load(
        f"cifar10_aug_sample/{recipe}",
        split="train",
        batch_size=48,
        shuffle_files=True,
        as_supervised=True,
        data_dir=place,
    )
    loader = load(recipe, batch_size=48, shuffle=True)
    assert assert_same(loader, theirs.as_numpy_iterator()) == 84


def test_a_small_last_batch_can_be_left_out(load: Any) -> None:
    whole, cut = load(batch_size=900), load(batch_size=900, drop_last=True)
    assert (len(whole), len(cut)) == (5, 4)
    assert [len(images) for images, _ in whole] == [900] * 4 + [400]
    assert [len(images) for images, _ in cut] == [900] * 4
    with pytest.raises(ValueError, match="drop_last leaves no batch: there are 4000 examples"):
        load(batch_size=4001, drop_last=True)


def test_epochs_are_counted_by_reading(load: Any) -> None:
    loader = load(start_epoch=3)
    assert loader.epoch == 3
    unread = iter(loader)
    next(iter(loader))
    assert loader.epoch == 3
    for _ in loader:
        assert loader.epoch == 4
    assert loader.epoch == 5
    assert_same([next(unread)], [next(iter(load(start_epoch=5)))])
    loader.set_epoch(1)
    assert loader.epoch == 1
    assert_same(loader, load(start_epoch=1))
    # Two at the same time are two epochs.
    one, other = iter(loader), iter(loader)
    assert_same([next(other), next(one)], [next(iter(load(start_epoch=e))) for e in (2, 3)])
    assert_same([next(iter(loader))], [next(iter(load(start_epoch=4)))])


@pytest.mark.parametrize("read", [0, 1, 7, 62, 63])
def test_a_state_restores_the_exact_next_batch(read: int, load: Any) -> None:
    loader = load(shuffle=True, start_epoch=2)
    iterator = iter(loader)
    for _ in range(read):
        next(iterator)
    state = json.loads(json.dumps(loader.state_dict()))
    rest = list(iterator)
    resumed = load(shuffle=True)
    resumed.load_state_dict(state)
    assert resumed.epoch == (3 if read == 63 else 2)
    if rest:
        assert_same(resumed, rest)
    assert_same(resumed, loader)
    assert resumed.epoch == 4


PROGRAM = """
import json, sys, threading
import cifar10_aug
recipe, state, *heavy = sys.argv[1:]
def speckle(image, rng):
    image[rng.random(image.shape[:2]) < 0.1] = 255
    return image
cifar10_aug.register("speckle", speckle, backend="threading")
def load():
    return cifar10_aug.Loader(recipe, dataset="cifar10_aug_sample", batch_size=64, shuffle=True)
loader = load()
loader.load_state_dict(json.loads(state))
iterator = iter(loader)
images, labels = next(iterator)
print(json.dumps([images.sum(dtype=float), labels.sum(dtype=float), *loader.state_dict().values()]))
assert threading.active_count() > 1
print([name for name in heavy if name in sys.modules])
"""
# Modules that a first batch need not wait for; the last two are for compiling what is not kept.
HEAVY = [
    *("tensorflow", "tensorflow_datasets", "etils", "pyarrow", "joblib", "PIL", "click"),
    *("requests", "numba.np.arraymath", "scipy.linalg"),
]


@pytest.mark.parametrize("recipe", ["mixup+rescale", "rotate30+speckle"])
def test_another_process_goes_on_without_heavy_imports_and_ends(
    recipe: str, load: Any, place: str
) -> None:
    with registered({"backend": "threading"}, speckle=functions.speckle):
        loader = load(recipe, shuffle=True)
        iterator = iter(loader)
        next(iterator)
        state = json.dumps(loader.state_dict())
        images, labels = next(iterator)
    command = [sys.executable, "-c", PROGRAM, recipe, state, *HEAVY]
    # It ends in the middle of an epoch. Where TFDS keeps datasets is known without TFDS.
    env = {**os.environ, "TFDS_DATA_DIR": place}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    first, imported = done.stdout.splitlines()
    assert imported == "[]"
    assert json.loads(first) == [
        images.sum(dtype=float),
        labels.sum(dtype=float),
        *loader.state_dict().values(),
    ]


def test_a_state_of_another_loader_is_refused(load: Any) -> None:
    state = load().state_dict()
    with pytest.raises(ValueError, match="a Loader with seed=0, and this one has 1; make it with"):
        load(seed=1).load_state_dict(state)
    with pytest.raises(ValueError, match="'step' is missing from; give what state_dict"):
        load().load_state_dict({"epoch": 3})
    with pytest.raises(ValueError, match="step is 64; give a whole number from 0 to 63"):
        load().load_state_dict({**state, "step": 64})


def test_threads_end_with_the_epoch_the_loader_or_the_iterator(load: Any) -> None:
    gc.collect()
    assert not threads()
    loader = load(batch_size=16)
    list(loader)
    assert not threads()
    iterator = iter(loader)
    next(iterator)
    assert threads()
    del iterator
    assert not threads()
    iterator = iter(loader)
    next(iterator)
    loader.close()
    assert not threads()
    with pytest.raises(RuntimeError, match="this Loader is closed; make another one"):
        next(iterator)
    with pytest.raises(RuntimeError, match="this Loader is closed; make another one"):
        iter(loader)


class Counting:
    """Counts the calls that have been made."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: np.ndarray, rngs: list[np.random.Generator]) -> np.ndarray:
        self.calls += len(images)
        return images


def test_few_calls_are_made_ahead(load: Any) -> None:
    counting = Counting()
    with registered({"backend": "threading", "batched": True}, counting=counting):
        loader = load("counting", workers=1)
        next(iter(loader))
    # Three threads and one that waits, 256 images each, and what follows the first.
    assert 64 <= counting.calls <= 5 * 256


def test_a_function_that_fails_costs_its_batch(data_dir: str) -> None:
    loader = Loader("plain", batch_size=10, data_dir=data_dir)
    expected = list(loader)
    level = int(expected[4][0][3, 0, 0, 0])
    wrong = [number for number, (x, _) in enumerate(expected) if (x[:, 0, 0, 0] == level).any()]
    with registered({"backend": "threading"}, dark=functions.dark):
        iterator = iter(Loader(f"dark{level}", batch_size=10, data_dir=data_dir))
        for number, batch in enumerate(expected):
            if number in wrong:
                with pytest.raises(PythonOpError, match="no light"):
                    next(iterator)
            else:
                assert_same([next(iterator)], [batch])
    with pytest.raises(StopIteration):
        next(iterator)


def test_any_other_error_in_a_thread_reaches_the_user(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = load()
    iterator = iter(loader)
    monkeypatch.setattr(loader._batches, "make", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(iterator)
    assert not threads()
    monkeypatch.undo()
    assert_same([next(iter(loader))], [next(iter(load(start_epoch=1)))])


FORKING = """
import sys
import cifar10_aug
from tests.forking import fork
place = sys.argv[1]
def load():
    return cifar10_aug.Loader(
        "mixup", dataset="cifar10_aug_sample", data_dir=place, batch_size=64, shuffle=True
    )
expected = [images.sum() for images, _ in load()]
loader = load()
begun = iter(loader)
assert next(begun)[0].sum() == expected[0]
def rest():
    return [images.sum() for images, _ in begun] == expected[1:]
print("begun", fork(rest))
print("anew", fork(lambda: [images.sum() for images, _ in load()] == expected))
def other():
    loader.set_epoch(0)
    return [images.sum() for images, _ in loader] == expected
print("other", fork(other))
print("parent", rest())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_iterates(place: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING, place],
        capture_output=True,
        text=True,
        cwd=Path(forking.__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{moment} True" for moment in ("begun", "anew", "other", "parent")
    ]


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"recipe": "flip-x1", "start_epoch": 1}, ValueError, "start_epoch is for epochs that are"),
        ({"recipe": "flip-x1", "seed": 7}, ValueError, "the seed of frozen epochs is part of"),
        ({"recipe": "rotat"}, RecipeError, "rotate"),
        ({"dataset": "cifar10"}, ValueError, "dataset is 'cifar10'; give cifar10_aug, cifar100"),
        ({"source": "x.tar.gz"}, ValueError, "is drawn by the code; leave source out"),
        ({"batch_size": 0}, ValueError, "batch_size is 0; give a positive whole number"),
        ({"batch_size": None}, ValueError, "batch_size is None; give a positive whole number"),
        ({"workers": -1}, ValueError, "workers is -1; give a positive whole number"),
        ({"layout": "chw"}, ValueError, "layout is 'chw'; give nhwc or nchw"),
        ({"split": None}, ValueError, "split is None; give one, such as 'train'"),
        ({"shard": (2, 2)}, ValueError, r"shard is \(2, 2\); give \(i, n\), the i-th of n"),
        ({"shard": 3}, ValueError, "shard is 3; give"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"start_epoch": -1}, ValueError, "start_epoch is -1"),
        ({"augment_splits": "train"}, ValueError, "augment_splits is 'train'"),
        ({"data_dir": "gs://bucket"}, SourceError, "reads files of this machine only; copy the"),
    ],
)
def test_wrong_arguments_are_named(
    kwargs: dict[str, Any], error: type[Exception], message: str, load: Any
) -> None:
    with pytest.raises(error, match=message):
        load(**kwargs)


PREPARING = """
import sys
import cifar10_aug
place, source, recipe = sys.argv[1:]
loader = cifar10_aug.Loader(recipe, batch_size=100, data_dir=place, source=source)
print(*(int(images.sum()) for images, _ in loader))
assert "tensorflow" not in sys.modules, "TensorFlow has been imported"
"""


@pytest.mark.parametrize(("recipe", "epochs"), [("flip", 1), ("flip-x2", 2)])
def test_what_is_not_prepared_is_prepared_without_tensorflow(
    recipe: str, epochs: int, sources: dict[str, Path], tmp_path: Path, data_dir: str
) -> None:
    arguments = str(tmp_path), str(sources["binary archive"]), recipe
    command = [sys.executable, "-c", PREPARING, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = Loader("flip", batch_size=100, data_dir=data_dir)
    sums = [str(images.sum()) for _ in range(epochs) for images, _ in expected]
    assert done.stdout.splitlines()[-1] == " ".join(sums)
    theirs = tfds.load(f"cifar10_aug/{recipe}", split="train", data_dir=tmp_path, download=False)
    assert len(theirs) == 100 * epochs


def test_what_cannot_be_prepared_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing\.tar\.gz"):
        Loader("plain", batch_size=8, data_dir=tmp_path, source=tmp_path / "nothing.tar.gz")


def test_a_source_that_they_were_not_prepared_from_is_refused(
    data_dir: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    Loader("plain", batch_size=8, data_dir=data_dir, source=sources["binary folder"])
    with pytest.raises(SourceError, match=r"other\.tar\.gz"):
        Loader("plain", batch_size=8, data_dir=data_dir, source=tmp_path / "other.tar.gz")


def test_folders_that_tfds_is_told_of_are_searched(data_dir: str, load: Any) -> None:
    tfds.core.add_data_dir(data_dir)
    try:
        found = Loader("flip", batch_size=16)
    finally:
        tfds.core.utils.file_utils.clear_registered_data_dirs()
    assert_same(found, Loader("flip", batch_size=16, data_dir=data_dir))


def test_a_seed_is_drawn_if_there_is_none(load: Any) -> None:
    first, second = load(seed=None), load(seed=None)
    assert first.seed != second.seed
    assert_same(first, load(seed=first.seed))


def test_a_recipe_can_be_given(load: Any) -> None:
    assert_same(load(cifar10_aug.Recipe.parse("rotate+erase")), load("rotate+erase"))


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[str, Path]:
    """A copy of the sample in which a file can be damaged; nobody has read it."""
    SampleBuilder(config="plain", data_dir=tmp_path).download_and_prepare()
    (file,) = tmp_path.glob("**/*train*-of-*")
    return str(tmp_path), file


def test_damaged_files_are_refused(damaged: tuple[str, Path], load: Any) -> None:
    place, file = damaged
    content = bytearray(file.read_bytes())
    record = len(content) // 4000
    content[record * 10 + record // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(SourceError, match=r"damaged \(record 10: its data has another checksum"):
        load(data_dir=place)


def test_examples_without_a_label_are_refused(damaged: tuple[str, Path], load: Any) -> None:
    place, file = damaged
    records = list(tfrecord.read(file))
    features = examples.parsed(records[10])
    del features["label"]
    records[10] = examples.serialized(features)
    file.write_bytes(tfrecord.framed(records).tobytes())
    with pytest.raises(SourceError, match=r"damaged \(an example without label\)"):
        load(data_dir=place)


def test_images_are_shared_with_pipelines_of_tfds(load: Any, place: str) -> None:
    loader = load()
    theirs = tfds.load("cifar10_aug_sample/flip", split="train", data_dir=place)
    info = tfds.builder("cifar10_aug_sample/flip", data_dir=place).info.splits["train"]
    assert resident.written(info) in resident._residents
    assert loader._batches._examples._parts[0].resident is resident.resident(info)
    del theirs
