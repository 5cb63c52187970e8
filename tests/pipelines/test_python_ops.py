"""Registered functions through `tfds.load`, online and frozen."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug
from cifar10_aug.engines.python import worker_pool
from cifar10_aug.errors import RecipeError, RegistrationError
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.recipes.registration import seeded
from tests import functions, programs
from tests.registering import registered

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def no_workers_left() -> Any:
    yield
    worker_pool.stop_all()


def images_of(name: str, data_dir: str, split: str = "train", **kwargs: Any) -> np.ndarray:
    """All images of one epoch, in the split's order."""
    dataset = tfds.load(
        f"cifar10_aug/{name}", split=split, batch_size=16, data_dir=data_dir, **kwargs
    )
    return np.concatenate([batch["image"] for batch in dataset.as_numpy_iterator()])


def blur(image: np.ndarray, rng: np.random.Generator, radius: float = 1) -> np.ndarray:
    from PIL import Image, ImageFilter

    blurred = Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius * rng.random()))
    return np.asarray(blurred)


def albumentations(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    import albumentations as A  # noqa: N812

    transform = A.Compose(
        [A.RandomBrightnessContrast(p=1), A.HueSaturationValue(p=0.5)],
        seed=int(rng.integers(2**31)),
    )
    return transform(image=image)["image"]


# The functions whose parallel use this project began with; they draw from NumPy's global generator.
KERAS = {
    "rotation": seeded(lambda x, rng: tf.keras.preprocessing.image.random_rotation(x, 30, 0, 1, 2)),
    "shifting": seeded(
        lambda x, rng: tf.keras.preprocessing.image.random_shift(x, 0.2, 0.2, 0, 1, 2)
    ),
    "shearing": seeded(lambda x, rng: tf.keras.preprocessing.image.random_shear(x, 30, 0, 1, 2)),
    "zooming": seeded(
        lambda x, rng: tf.keras.preprocessing.image.random_zoom(x, (0.7, 1.3), 0, 1, 2)
    ),
}
OTHERS = {"sepia": functions.sepia, "pillowblur": blur, "albumentations": albumentations}
RECIPES = [
    "rotation+flip+zooming+shifting+shearing",
    "rotate15+sepia_strength0.8+erase",
    "pillowblur2+albumentations",
]


@pytest.fixture(scope="class")
def all_registered() -> Iterator[None]:
    """Once for all: after each registration, pools start new processes, which import Keras."""
    with pytest.MonkeyPatch.context() as patch, registered(**KERAS, **OTHERS):
        # It would ask the network for a newer version.
        patch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
        yield


@pytest.mark.usefixtures("all_registered")
class TestEveryFunction:
    @pytest.mark.slow
    @pytest.mark.parametrize("recipe", RECIPES)
    def test_the_same_bytes_online_and_frozen_with_any_number_of_workers(
        self, recipe: str, data_dir: str, tmp_path: Path
    ) -> None:
        first = images_of(recipe, data_dir, builder_kwargs={"n_jobs": 1})
        for n_jobs in (2, 3) if "sepia" in recipe else (2,):
            made = images_of(recipe, data_dir, builder_kwargs={"n_jobs": n_jobs})
            np.testing.assert_array_equal(made, first)
        plain = images_of("plain", data_dir)
        assert (first != plain).any(axis=(1, 2, 3)).mean() > 0.8
        # It is the picture still, and not noise.
        assert np.abs(first.astype(int) - plain).mean() < 90

        dataset = tfds.load(f"cifar10_aug/{recipe}", split="train", data_dir=data_dir)
        epochs = [[e["image"] for e in dataset.as_numpy_iterator()] for _ in range(2)]
        np.testing.assert_array_equal(epochs[0], first)
        assert (np.array(epochs[1]) != first).any()

        os.symlink(Path(data_dir) / "cifar10_aug" / "plain", tmp_path / "plain")
        (tmp_path / "cifar10_aug").mkdir()
        (tmp_path / "plain").rename(tmp_path / "cifar10_aug" / "plain")
        # Each export starts its workers anew, and most would import Keras or Albumentations.
        n_jobs = 2 if "rotat" in recipe else 1
        frozen = images_of(f"{recipe}-x2", str(tmp_path), builder_kwargs={"n_jobs": n_jobs})
        np.testing.assert_array_equal(frozen, np.concatenate(epochs))


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_the_backend_can_be_chosen_when_loading(backend: str, data_dir: str) -> None:
    with registered(process=functions.process):
        made = images_of("process", data_dir, builder_kwargs={"n_jobs": 2, "backend": backend})
        assert (os.getpid() in functions.pids(made)) == (backend == "threading")


def test_batches_and_single_images_have_static_shapes(data_dir: str) -> None:
    def load(name: str, **kwargs: Any) -> Any:
        return tfds.load(f"cifar10_aug/{name}", split="train", data_dir=data_dir, **kwargs)

    with (
        registered({"backend": "threading"}, sepia=functions.sepia),
        registered({"output": "float32"}, standardize=functions.standardize),
    ):
        for name, dtype in (("sepia+flip", tf.uint8), ("flip+sepia+standardize", tf.float32)):
            assert load(name).element_spec["image"] == tf.TensorSpec((32, 32, 3), dtype)
            batches = load(name, batch_size=8)
            assert batches.element_spec["image"] == tf.TensorSpec((None, 32, 32, 3), dtype)
            assert tfds.builder(f"cifar10_aug/{name}", data_dir=data_dir).info.features[
                "image"
            ].dtype == np.dtype(dtype.as_numpy_dtype)
            whole = np.concatenate([batch["image"] for batch in batches.as_numpy_iterator()])
            single = [example["image"] for example in load(name).as_numpy_iterator()]
            np.testing.assert_array_equal(single, whole)
            assert (load(name, batch_size=-1)["image"].numpy() == whole).all()


def test_test_images_are_clean_but_for_the_range_of_values(data_dir: str) -> None:
    plain = images_of("plain", data_dir, "test")
    with (
        registered(sepia=functions.sepia),
        registered({"output": "float32"}, standardize=functions.standardize),
    ):
        np.testing.assert_array_equal(images_of("sepia", data_dir, "test"), plain)
        made = images_of("sepia+standardize_leaststd3", data_dir, "test")
        expected = [functions.standardize(image, None, 3) for image in plain]  # type: ignore[arg-type]
        np.testing.assert_array_equal(made, expected)


def test_order_slices_and_seeds_mean_what_they_mean_for_any_op(data_dir: str) -> None:
    kwargs: dict[str, Any] = {"builder_kwargs": {"n_jobs": 2}}
    with registered(sepia=functions.sepia):
        whole = images_of("sepia", data_dir, **kwargs)
        np.testing.assert_array_equal(
            images_of("sepia", data_dir, "train[30:60]", **kwargs), whole[30:60]
        )
        shuffled = tfds.load(
            "cifar10_aug/sepia", split="train", shuffle_files=True, data_dir=data_dir
        )
        for example in shuffled.take(20).as_numpy_iterator():
            number = int(example["id"].decode().split("_")[1])
            np.testing.assert_array_equal(example["image"], whole[number])
        seven = images_of("sepia", data_dir, builder_kwargs={"seed": 7, "n_jobs": 2})
        assert (seven != whole).any()
        np.testing.assert_array_equal(
            Recipe.parse("sepia")(images_of("plain", data_dir), seed=7, n_jobs=1), seven
        )


def test_a_checkpoint_goes_on_with_the_next_batch(data_dir: str, tmp_path: Path) -> None:
    with registered(sepia=functions.sepia):
        dataset = tfds.load("cifar10_aug/sepia", split="train", batch_size=16, data_dir=data_dir)
        iterator = iter(dataset.repeat())
        for _ in range(9):
            next(iterator)
        checkpoint = tf.train.Checkpoint(iterator=iterator)
        path = checkpoint.save(str(tmp_path / "checkpoint"))
        expected = [next(iterator)["image"].numpy() for _ in range(4)]
        checkpoint.restore(path)
        restored = [next(iterator)["image"].numpy() for _ in range(4)]
        for one, other in zip(restored, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exception_stops_iteration_and_says_where(n_jobs: int, data_dir: str) -> None:
    images = images_of("plain", data_dir)
    numbers = np.flatnonzero(images[:, 0, 0, 0] == images[40, 0, 0, 0])
    with registered(dark=functions.dark):
        recipe = f"dark_at{images[40, 0, 0, 0]}+flip"
        dataset = tfds.load(
            f"cifar10_aug/{recipe}",
            split="train",
            batch_size=4,
            data_dir=data_dir,
            builder_kwargs={"n_jobs": n_jobs},
        )
        with pytest.raises(tf.errors.UnknownError) as error:
            for _ in dataset:
                pass
    assert (
        f"PythonOpError: recipe '{recipe}': op dark fails on example train_{numbers[0]:05d}: "
        "ZeroDivisionError: no light (functions.py, line "
    ) in error.value.message
    assert 'raise ZeroDivisionError("no light' in error.value.message


def test_a_stop_iteration_in_a_function_does_not_end_the_dataset_in_silence(data_dir: str) -> None:
    def stop(image: Any, rng: Any) -> Any:
        raise StopIteration

    with registered({"backend": "threading"}, stop=stop):
        dataset = tfds.load("cifar10_aug/stop", split="train", batch_size=4, data_dir=data_dir)
        with pytest.raises(tf.errors.UnknownError, match="train_00000: StopIteration"):
            next(iter(dataset))


def test_a_wrong_result_stops_iteration(data_dir: str) -> None:
    with registered(half=lambda image, rng: image[:16]):
        dataset = tfds.load("cifar10_aug/half", split="train", batch_size=4, data_dir=data_dir)
        with pytest.raises(
            tf.errors.UnknownError,
            match=r"op half on example train_00000 returned uint8 of shape \[16, 32, 3\], and must "
            r"return uint8 of shape \[32, 32, 3\]",
        ):
            next(iter(dataset))


def test_a_killed_worker_stops_iteration(data_dir: str) -> None:
    with registered(process=functions.process, slow=functions.slow):
        dataset = tfds.load(
            "cifar10_aug/slow_milliseconds5+process",
            split="train",
            batch_size=16,
            data_dir=data_dir,
            builder_kwargs={"n_jobs": 2},
        )
        iterator = iter(dataset.repeat(50))
        (pid, *_) = functions.pids(next(iterator)["image"].numpy())
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(tf.errors.UnknownError, match="a worker process ended unexpectedly"):
            for _ in iterator:
                pass
        assert time.monotonic() - began < 30
        # Iterating again starts new workers.
        assert pid not in functions.pids(next(iter(dataset))["image"].numpy())


def test_an_op_that_is_not_registered_here_is_an_error_that_says_how_to(data_dir: str) -> None:
    with pytest.raises(RecipeError) as error:
        tfds.load("cifar10_aug/rotate15+sepia_strength0.8", data_dir=data_dir)
    message = str(error.value)
    assert message.startswith(
        "'sepia_strength0.8' in recipe 'rotate15+sepia_strength0.8': there is no op 'sepia'."
    )
    assert message.endswith(
        "A function of your own is registered first, in every process: "
        "cifar10_aug.register('sepia', function), or --imports MODULE on the command line"
    )


def test_what_needs_processes_and_cannot_have_them_is_an_error_when_loading(data_dir: str) -> None:
    lock = threading.Lock()

    def locked(image: Any, rng: Any) -> Any:
        with lock:
            return image

    with registered(mine=seeded(locked)), pytest.raises(RegistrationError, match="mine draws from"):
        tfds.load("cifar10_aug/mine", split="train", data_dir=data_dir)
    # Not pytest.warns, which would raise TensorFlow's own warnings on Python 3.13.
    with registered(mine=locked), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = images_of("mine", data_dir, builder_kwargs={"n_jobs": 2})
    assert any("mine runs in threads, because" in str(one.message) for one in caught)
    np.testing.assert_array_equal(made, images_of("plain", data_dir))


@pytest.mark.parametrize("recipe", ["sepia", "flip"])
def test_nothing_that_copies_the_pipeline_elsewhere_does_so_in_silence(
    recipe: str, data_dir: str, tmp_path: Path
) -> None:
    said = (
        f"cifar10_aug: {recipe} is made by Python code in the process that loads it, so it cannot "
        "be sent to others (tf.data service) or saved. "
        + ("Load it with builder_kwargs={'engine': 'graph'}. Or: " if recipe == "flip" else "")
        + "Freeze it and load that: cifar10-aug export "
        f"{recipe} --copies 5, or tfds.load with the config {recipe}-x5."
    )
    dispatcher = tf.data.experimental.service.DispatchServer()
    service = tf.data.experimental.service.distribute("parallel_epochs", dispatcher.target)
    with registered(sepia=functions.sepia):
        dataset = tfds.load(f"cifar10_aug/{recipe}", split="train", batch_size=4, data_dir=data_dir)
        dataset = dataset.map(lambda example: example["image"])
        for copying in (
            lambda: dataset.apply(service),
            lambda: tf.data.experimental.service.register_dataset(dispatcher.target, dataset),
            lambda: dataset._as_serialized_graph(),
            lambda: list(dataset.snapshot(str(tmp_path))),
        ):
            with pytest.raises(tf.errors.OpError) as error:
                copying()
            assert said in error.value.message
        # What stays in this process goes on as before.
        strategy = tf.distribute.MirroredStrategy(["CPU:0"])
        assert len(list(strategy.experimental_distribute_dataset(dataset))) == 25
        assert len(list(dataset.cache())) == 25


def test_frozen_epochs_of_a_function_go_through_tf_data_service(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    dispatcher = tf.data.experimental.service.DispatchServer()
    address = dispatcher.target.split("://")[1]
    worker = tf.data.experimental.service.WorkerServer(
        tf.data.experimental.service.WorkerConfig(dispatcher_address=address)
    )
    with registered(sepia=functions.sepia):
        frozen = tfds.load(
            "cifar10_aug/sepia-x2",
            split="train",
            data_dir=str(tmp_path),
            builder_kwargs={"n_jobs": 1, "source": sources["binary archive"]},
        )
        service = tf.data.experimental.service.distribute("parallel_epochs", dispatcher.target)
        assert len(list(frozen.apply(service))) == 200
    del worker


def test_with_one_job_there_is_one_call_at_a_time(data_dir: str) -> None:
    """Threads that pass Python's lock around take much longer than one."""
    under_way, most = [0], [0]

    def count(images: np.ndarray, rngs: Any) -> np.ndarray:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.02)
        under_way[0] -= 1
        return images

    with registered({"batched": True}, count=count):
        dataset = tfds.load(
            "cifar10_aug/count",
            split="train",
            data_dir=data_dir,
            builder_kwargs={"n_jobs": 1},
            read_config=tfds.ReadConfig(repeat_filenames=True),
        )
        assert len(list(dataset.take(2000))) == 2000
    assert most == [1]


PROGRAM = """
import cifar10_aug, tensorflow_datasets as tfds, sys
@cifar10_aug.register("mine")
def mine(image, rng, by=3):
    return image + rng.integers(by)
ds = tfds.load("cifar10_aug/mine5", split="train", batch_size=10, data_dir=sys.argv[1])
it = iter(ds.repeat())
next(it)
print("one batch")
"""


def test_a_script_without_a_main_guard_works_and_ends(data_dir: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(PROGRAM.replace("rng.integers(by)", "rng.integers(by, dtype='uint8')"))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = programs.run(script, data_dir, timeout=120, env=env)
    assert done.stdout == "one batch\n"
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


CELL = """
@cifar10_aug.register("tint"{how})
def tint(image, rng, by={by}):
    return np.clip(image.astype(int) + by, 0, 255).astype(np.uint8)
"""


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_notebooks_cell_that_registers_can_be_run_again_on_purpose(
    data_dir: str, n_jobs: int
) -> None:
    main = {"__name__": "__main__", "cifar10_aug": cifar10_aug, "np": np}

    def made() -> np.ndarray:
        return images_of("tint", data_dir, "train[:20]", builder_kwargs={"n_jobs": n_jobs})

    with registered():
        exec(CELL.format(how="", by=5), main)
        first = made()
        with pytest.raises(RegistrationError) as error:
            exec(CELL.format(how="", by=9), main)
        assert str(error.value) == (
            "'tint' is registered already, as tint; choose another name, or say replace=True"
        )
        np.testing.assert_array_equal(made(), first)
        exec(CELL.format(how=", replace=True", by=9), main)
        second = made()
        assert (second != first).any()
        # A cell that is run again unchanged changes nothing.
        exec(CELL.format(how=", replace=True", by=9), main)
        np.testing.assert_array_equal(made(), second)


def test_lambdas_of_a_notebook_are_told_apart(data_dir: str) -> None:
    with registered():
        cifar10_aug.register("cell", lambda image, rng: image // 2)
        kwargs: dict[str, Any] = {"split": "train[:20]", "batch_size": 20, "data_dir": data_dir}
        kwargs["builder_kwargs"] = {"n_jobs": 2}
        loaded_before = tfds.load("cifar10_aug/cell", **kwargs)

        def made(dataset: Any) -> np.ndarray:
            return dataset.get_single_element()["image"].numpy()

        halves = made(loaded_before)
        with pytest.raises(RegistrationError, match=r"'cell' is registered already, as .*<lambda>"):
            cifar10_aug.register("cell", lambda image, rng: image // 3)
        cifar10_aug.register("cell", lambda image, rng: image // 3, replace=True)
        assert (made(tfds.load("cifar10_aug/cell", **kwargs)) != halves).any()
        # A pipeline keeps the function that it was loaded with.
        np.testing.assert_array_equal(made(loaded_before), halves)
