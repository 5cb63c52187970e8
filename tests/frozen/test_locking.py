"""Exports of the same, at the same time."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import pytest

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources.official import BINARY
from cifar10_aug.errors import ExportError, SourceError
from cifar10_aug.frozen import export as export_module
from cifar10_aug.frozen import locking
from cifar10_aug.frozen.staging import Staging
from tests import archives, programs
from tests.frozen.freezing import CONFIG, contents, freeze


@pytest.fixture
def source(sources: dict[str, Path]) -> Path:
    return sources["binary archive"]


def test_an_export_that_does_not_get_on_is_waited_for_only_for_a_while(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    final = tmp_path / "cifar10_aug" / CONFIG / "1.0.0"
    staging = Staging.of(final)
    staging.make()
    staging.write_plan({"kept": True})
    monkeypatch.setattr(locking, "PATIENCE_SECONDS", 0.3)
    with filelock.FileLock(staging.lock), pytest.raises(ExportError) as error:
        freeze(tmp_path, source)
    assert caplog.messages == [f"{final}: waiting for another process that is writing it"]
    assert str(error.value) == (
        f"{final}: another export is writing it, and has finished nothing for 0 seconds; wait "
        "until that has ended, or end it, or choose another data_dir"
    )
    assert staging.plan == {"kept": True}


def test_an_export_that_gets_on_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    staging = Staging.of(tmp_path / "1.0.0")
    staging.make()

    def sleep(seconds: float) -> None:
        nonlocal now
        now += 50
        if now <= 500:
            (staging.folder / "digests" / f"{now}.json").touch()

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", sleep)
    waiting = locking.Waiting(staging, tmp_path / "1.0.0", 100)
    for _ in range(12):
        waiting.go_on()
    with pytest.raises(ExportError, match="finished nothing for 100 seconds"):
        waiting.go_on()
    assert now == 600


LOADING = """
import sys
import tensorflow_datasets as tfds
import cifar10_aug

place, source = sys.argv[1:]
ds = tfds.load(
    "cifar10_aug/rotate30+erase-x3",
    split="train",
    data_dir=place,
    builder_kwargs={"source": source, "n_jobs": 1},
)
print(len(list(ds)))
"""


def test_all_processes_that_load_the_same_at_once_get_it(
    source: Path, frozen_dir: Path, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        final = tmp_path / "cifar10_aug" / CONFIG / "1.0.0"
        lock = Staging.of(final).lock
        lock.parent.mkdir(parents=True)
        loading = [
            stack.enter_context(programs.Program("-c", LOADING, tmp_path, source)) for _ in range(4)
        ]
        with filelock.FileLock(lock):
            for program in loading:
                # All of them find nothing there, and wait.
                while f"{final}: waiting for another process" not in program.stderr:
                    assert program.poll() is None, program.stderr
                    time.sleep(0.01)
        for program in loading:
            assert program.wait(300) == 0, program.stderr
            assert program.stdout.splitlines()[-1] == "300"
    assert contents(final) == contents(frozen_dir / final.relative_to(tmp_path))
    assert [path.name for path in final.parent.iterdir()] == ["1.0.0"]


@pytest.mark.parametrize(
    ("first", "how", "message"),
    [
        ({}, {"source": "other"}, "other images|made from|not the"),
        ({"image_encoding": "png"}, {}, "stored as tfrecord and png, not as tfrecord and raw"),
        ({}, {"file_format": "array_record"}, "raw, not as array_record and raw; choose another"),
    ],
)
def test_what_another_process_has_written_meanwhile_is_compared(
    first: dict[str, Any],
    how: dict[str, Any],
    message: str,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "source" in how:
        how = {"source": archives.write_folder(archives.make(seed=1), tmp_path / "other", BINARY)}
    late = Builder(config=CONFIG, data_dir=tmp_path, **{"source": source, "n_jobs": 1, **how})

    @contextlib.contextmanager
    def later(staging: Staging, final: Path, *, patience: float) -> Iterator[None]:
        monkeypatch.undo()
        Builder(config=CONFIG, data_dir=tmp_path, source=source, **first).download_and_prepare()
        with locking.locked(staging, final, patience=patience):
            yield

    monkeypatch.setattr(export_module, "locked", later)
    with pytest.raises((ExportError, SourceError), match=message):
        late.download_and_prepare()


@pytest.mark.parametrize("error", [FileNotFoundError, FileExistsError])
def test_a_folder_that_another_process_deletes_just_now_is_made_again(
    error: type[OSError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = Staging.of(tmp_path / "config" / "1.0.0")
    lock = filelock.FileLock(staging.lock)

    def mkdir(*_: Any, **__: Any) -> None:
        raise error(str(staging.folder))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", mkdir)
        assert not locking.acquired(staging, lock)
    assert locking.acquired(staging, lock)
    lock.release()


def test_a_file_in_the_place_of_the_folder_is_named(source: Path, tmp_path: Path) -> None:
    folder = Staging.of(tmp_path / "cifar10_aug" / CONFIG / "1.0.0").folder
    folder.parent.mkdir(parents=True)
    folder.touch()
    with pytest.raises(ExportError) as error:
        freeze(tmp_path, source)
    assert str(error.value) == f"{folder}: there is a file, and exports need a folder; delete it"
