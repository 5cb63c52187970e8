"""Keras's `fit` trains on epochs 0, 1, 2, …, told by the pixels that arrive."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import cifar10_aug
from tests import programs
from tests.fitting import Recording, epochs_of, load

RECIPE = "brightness"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_fit_trains_on_epochs_from_0_the_same_on_every_run(
    engine: str, data_dir: str, made: Any
) -> None:
    for _ in range(2):
        recording = Recording()
        recording.fit(load(data_dir, RECIPE, engine), epochs=3)
        assert epochs_of(RECIPE, made.train_images[:50], recording.trained) == [0, 1, 2]


def test_each_fit_goes_on_with_the_next_epoch(data_dir: str, made: Any) -> None:
    recording, ds = Recording(), load(data_dir, RECIPE)
    recording.fit(ds, epochs=2)
    recording.fit(ds, epochs=3)
    assert epochs_of(RECIPE, made.train_images[:50], recording.trained) == [0, 1, 2, 3, 4]


def test_validation_data_have_epochs_and_change_none_of_training(data_dir: str, made: Any) -> None:
    recording = Recording()
    validation = load(data_dir, RECIPE, split="train[50:]")
    recording.fit(load(data_dir, RECIPE), validation_data=validation, epochs=4)
    assert epochs_of(RECIPE, made.train_images[:50], recording.trained) == [0, 1, 2, 3]
    validated = epochs_of(RECIPE, made.train_images[50:], recording.validated, first=50)
    assert validated == [0, 1, 2, 3]


def test_repeated_data_and_steps_per_epoch_give_whole_epochs(data_dir: str, made: Any) -> None:
    recording, ds = Recording(), load(data_dir, RECIPE)
    recording.fit(ds.repeat(), steps_per_epoch=len(ds), epochs=4)
    assert epochs_of(RECIPE, made.train_images[:50], recording.trained) == [0, 1, 2, 3]


def test_stopping_early_skips_no_epoch(data_dir: str, made: Any) -> None:
    recording, ds = Recording(), load(data_dir, RECIPE)
    stop = tf.keras.callbacks.EarlyStopping("loss", min_delta=100, patience=2)
    recording.fit(ds, epochs=8, callbacks=[stop])
    assert epochs_of(RECIPE, made.train_images[:50], recording.trained) == [0, 1, 2]
    recording.fit(ds, epochs=1)
    assert epochs_of(RECIPE, made.train_images[:50], recording.trained) == [0, 1, 2, 3]


class Interrupted(Exception):  # noqa: N818
    """Raised in the middle of a training."""


def test_an_interrupted_training_resumes_with_the_epochs_that_it_had_not_seen(
    data_dir: str, made: Any, tmp_path: Path
) -> None:
    def interrupt(epoch: int, logs: Any) -> None:
        if epoch == 1:
            raise Interrupted

    def backup() -> Any:
        return tf.keras.callbacks.BackupAndRestore(tmp_path)

    first, second = Recording(), Recording()
    interrupting = tf.keras.callbacks.LambdaCallback(on_epoch_end=interrupt)
    with pytest.raises(Interrupted):
        first.fit(load(data_dir, RECIPE), epochs=4, callbacks=[backup(), interrupting])
    resumed = load(data_dir, RECIPE, builder_kwargs={"start_epoch": 2})
    second.fit(resumed, epochs=4, callbacks=[backup()])
    for recording, epochs in ((first, [0, 1]), (second, [2, 3])):
        assert epochs_of(RECIPE, made.train_images[:50], recording.trained) == epochs


def test_a_training_that_begins_in_the_middle_has_whole_epochs_later(
    data_dir: str, made: Any
) -> None:
    recording = Recording()
    ds = load(
        data_dir,
        RECIPE,
        split="train",
        shuffle_files=False,
        builder_kwargs={"start_epoch": 3, "start_step": 5},
    )
    assert len(ds) == 7
    with pytest.warns(UserWarning, match="ran out of data"):
        recording.fit(ds, epochs=3)
    begun, *whole = recording.trained
    all_of_3 = cifar10_aug.Recipe.parse(RECIPE)(made.train_images, epoch=3)
    assert np.array_equal(begun, all_of_3[80:])
    assert epochs_of(RECIPE, made.train_images, whole) == [4, 5]


def test_altflip_flips_each_example_in_every_other_epoch(data_dir: str, made: Any) -> None:
    recording, images = Recording(), made.train_images[:50]
    recording.fit(load(data_dir, "altflip", shuffle_files=False), epochs=4)
    seen = np.array(recording.trained)
    flipped = (seen == images[:, :, ::-1]).all(axis=(2, 3, 4))
    assert np.array_equal(flipped, ~(seen == images).all(axis=(2, 3, 4)))
    assert (flipped[1:] != flipped[:-1]).all()
    assert 10 < flipped[0].sum() < 40


MIRRORED = """
import sys
import numpy as np, tensorflow as tf
from tests.fitting import Recording
from tests.fitting import load

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
out, data_dir, recipe, *engines = sys.argv[1:]
found = {}
for engine in engines:
    ds = strategy.experimental_distribute_dataset(load(data_dir, recipe, engine))
    found[f"{engine} read"] = [
        [
            image
            for batch in ds
            for part in strategy.experimental_local_results(batch[0])
            for image in part.numpy()
        ]
        for _ in range(2)
    ]
    with strategy.scope():
        recording, other = Recording(), Recording()
    ds = load(data_dir, recipe, engine)
    recording.fit(ds, epochs=1)
    recording.fit(ds, epochs=1)
    found[f"{engine} fit"] = recording.trained
    ds = load(data_dir, recipe, engine).map(lambda image, label: (image, label)).prefetch(2)
    other.fit(ds.repeat(), steps_per_epoch=4, epochs=2)
    found[f"{engine} repeated"] = other.trained
np.savez(out, **found)
"""


@pytest.mark.slow
def test_replicas_share_out_each_epoch(data_dir: str, made: Any, tmp_path: Path) -> None:
    """Keras also reads a batch to build the model, which does not count."""
    out = tmp_path / "found.npz"
    programs.run("-c", MIRRORED, out, data_dir, RECIPE, "eager", "graph", cwd=ROOT, check=True)
    epochs = {
        how: epochs_of(RECIPE, made.train_images[:50], seen) for how, seen in np.load(out).items()
    }
    ways = ("read", "fit", "repeated")
    assert epochs == {f"{engine} {way}": [0, 1] for engine in ("eager", "graph") for way in ways}
