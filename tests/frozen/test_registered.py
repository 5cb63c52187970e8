"""Frozen epochs of registered functions."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources import local
from cifar10_aug.errors import ExportError, PythonOpError, RecipeError, RegistrationError
from cifar10_aug.frozen.verify import Deep, verify
from cifar10_aug.recipes.registration import register, seeded
from tests import functions, programs
from tests.engines.python.test_python_ops import draw_globally
from tests.frozen.freezing import contents, freeze
from tests.registering import registered

ROOT = Path(__file__).parents[2]
OVERWRITE = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)


@pytest.fixture
def source(sources: dict[str, Path]) -> Path:
    return sources["binary archive"]


def shards(folder: Path) -> dict[str, bytes]:
    return {name: held for name, held in contents(folder).items() if "-of-" in name}


@pytest.mark.parametrize(
    "function", [functions.sepia, seeded(draw_globally)], ids=["own generator", "global ones"]
)
def test_the_number_of_processes_changes_no_byte(
    function: Any, source: Path, tmp_path: Path
) -> None:
    with registered(mine=function):
        made = [
            shards(freeze(tmp_path / str(jobs), source, "flip+mine-x3", jobs)) for jobs in (1, 2, 3)
        ]
    assert len(made[0]) > 3
    assert made[0] == made[1] == made[2]


def test_apache_beam_writes_the_same_bytes(source: Path, tmp_path: Path) -> None:
    pipeline_options = pytest.importorskip("apache_beam.options.pipeline_options")
    options = pipeline_options.PipelineOptions(
        [
            "--runner=DirectRunner",
            "--direct_num_workers=2",
            "--direct_running_mode=multi_processing",
        ]
    )
    with registered(mine=functions.sepia):
        expected = shards(freeze(tmp_path / "here", source, "mine-x2"))
        config = tfds.download.DownloadConfig(beam_options=options)
        on_beam = freeze(tmp_path / "beam", source, "mine-x2", download_config=config)
        assert shards(on_beam) == expected


def test_the_metadata_say_which_function_it_was(source: Path, tmp_path: Path) -> None:
    with registered(sepia=functions.sepia):
        folder = freeze(tmp_path, source, "flip+sepia-x2")
    metadata = json.loads((folder / "metadata.json").read_text())
    assert list(metadata["functions"]) == ["sepia"]
    assert metadata["functions"]["sepia"].startswith("sha256:")


def test_an_interrupted_export_is_not_gone_on_with_by_another_function(
    source: Path, tmp_path: Path
) -> None:
    with registered(mine=functions.dark):
        config = f"mine_at{_level(source, 70)}-x2"
        with pytest.raises(PythonOpError, match="op mine fails"):
            freeze(tmp_path, source, config)
        register("mine", lambda image, rng, at=1: image[::-1], replace=True)
        with pytest.raises(ExportError) as error:
            freeze(tmp_path, source, config)
        final = tmp_path / "cifar10_aug" / config / "1.0.0"
        assert str(error.value) == (
            f"{final}: an interrupted export is there that differs in functions; run it again as "
            "it was to go on with it, or overwrite it (--overwrite)"
        )
        register("mine", lambda image, rng, at=1: image, replace=True)
        assert verify(freeze(tmp_path, source, config, download_config=OVERWRITE)) == []


def _level(source: Path, number: int) -> int:
    return int(local.read(source).train.images[number, 0, 0, 0])


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failure_names_the_example_and_leaves_nothing_to_load(
    jobs: int, source: Path, tmp_path: Path
) -> None:
    level = _level(source, 0)
    with registered(dark=functions.dark), pytest.raises(PythonOpError) as error:
        freeze(tmp_path, source, f"dark_at{level}-x2", jobs)
    first = str(error.value).splitlines()[0]
    assert first.startswith(f"recipe 'dark_at{level}': op dark fails on example train_")
    assert "ZeroDivisionError: no light (functions.py" in first
    assert not list(tmp_path.rglob("dataset_info.json"))


def test_a_name_that_is_registered_anew_is_frozen_anew(source: Path, tmp_path: Path) -> None:
    with registered(mine=functions.sepia):
        one = shards(freeze(tmp_path / "1", source, "mine-x2"))
        register("mine", functions.speckle, replace=True)
        two = shards(freeze(tmp_path / "2", source, "mine-x2"))
    with registered(other=functions.speckle):
        three = shards(freeze(tmp_path / "3", source, "other-x2"))
    assert one != two
    assert two == three


def test_what_cannot_be_sent_is_written_by_this_process_alone_and_says_so(
    source: Path, tmp_path: Path
) -> None:
    lock = threading.Lock()

    def locked(image: Any, rng: Any) -> Any:
        with lock:
            return functions.speckle(image, rng)

    with registered(mine=locked):
        with pytest.warns(UserWarning, match="written by this process alone") as warned:
            made = freeze(tmp_path / "2", source, "mine-x2", 2)
        assert str(warned[0].message) == (
            "mine is written by this process alone: mine cannot be sent to other processes "
            "(TypeError: cannot pickle '_thread.lock' object); create what it needs inside the "
            "function"
        )
    with registered(mine=functions.speckle):
        assert shards(freeze(tmp_path / "1", source, "mine-x2")) == shards(made)
    with registered(mine=seeded(locked)), pytest.raises(RegistrationError):
        freeze(tmp_path / "3", source, "mine-x2", 1)


def test_stored_epochs_need_no_function_to_be_read_and_verified(
    source: Path, tmp_path: Path
) -> None:
    with registered(sepia=functions.sepia):
        folder = freeze(tmp_path, source, "flip+sepia-x2")
    assert verify(folder) == []
    program = (
        "import sys; sys.modules['cifar10_aug'] = None\n"
        "import tensorflow_datasets as tfds\n"
        "print(len(tfds.builder_from_directory(sys.argv[1]).as_dataset(split='train')))\n"
    )
    done = programs.run("-c", program, folder, check=True)
    assert done.stdout == "200\n"
    with pytest.raises(RecipeError, match="there is no op 'sepia'"):
        tfds.load("cifar10_aug/flip+sepia-x2", data_dir=str(tmp_path))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_deep_look_runs_the_function_again(jobs: int, source: Path, tmp_path: Path) -> None:
    def deep() -> list[str]:
        compared = Deep(folder, lambda name: local.read(source)).run(jobs)
        return [str(fault) for _, fault in compared if fault is not None]

    with registered(mine=seeded(draw_globally)):
        folder = freeze(tmp_path, source, "mine-x2")
        assert deep() == []
        register("mine", functions.sepia, replace=True)
        assert all("is not what the recipe makes" in fault for fault in deep())
        assert len(deep()) == len(list(folder.glob("*train*")))
    with pytest.raises(RecipeError, match="there is no op 'mine'"):
        deep()


def test_the_exporting_process_keeps_its_own_generators(source: Path, tmp_path: Path) -> None:
    import numpy as np

    np.random.seed(5)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    with registered(mine=seeded(draw_globally), where=functions.process):
        builder = Builder(config="mine+where-x1", data_dir=str(tmp_path), source=source, n_jobs=1)
        builder.download_and_prepare()
        images = builder.as_dataset(split="train", batch_size=-1)["image"].numpy()
        assert os.getpid() in functions.pids(images)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]


def test_a_worker_that_ends_while_it_verifies_is_an_error(source: Path, tmp_path: Path) -> None:
    here = os.getpid()

    def leaving(image: Any, rng: Any) -> Any:
        if os.getpid() != here:
            os._exit(3)
        return image

    with registered(leaving=leaving):
        folder = freeze(tmp_path, source, "leaving-x1")
        with pytest.raises(ExportError) as error:
            list(Deep(folder, lambda _: local.read(str(source))).run(2))
    assert str(error.value) == (
        f"{folder}: a worker process ended unexpectedly, perhaps because memory ran out; run the "
        "same command again, with fewer jobs"
    )
