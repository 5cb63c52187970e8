"""What happens to an export that is disturbed."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import psutil
import pytest
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.data.records.formats import digest_of
from cifar10_aug.data.sources.official import BINARY
from cifar10_aug.data.spec import CIFAR10, CIFAR100, DatasetSpec
from cifar10_aug.engines.arguments import one_hot
from cifar10_aug.errors import ExportError, SourceError
from cifar10_aug.frozen import checksums, worker, writers
from cifar10_aug.frozen import export as export_module
from cifar10_aug.frozen.staging import Staging
from cifar10_aug.frozen.verify import verify
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng.names import example_ids
from tests import archives, programs
from tests.frozen import freezing
from tests.frozen.freezing import CONFIG, OVERWRITE, contents, freeze

ROOT = Path(__file__).parents[2]
SHARD = "cifar10_aug-train.tfrecord-00003-of-00015"


@pytest.fixture
def source(sources: dict[str, Path]) -> Path:
    return sources["binary archive"]


@pytest.fixture
def expected(frozen_dir: Path) -> dict[str, bytes]:
    return contents(final_of(frozen_dir))


def final_of(place: Path, config: str = CONFIG) -> Path:
    return place / "cifar10_aug" / config / "1.0.0"


def start(place: Path, *arguments: str) -> "subprocess.Popen[str]":
    """An export of the sample in a separate process, with workers."""
    program = "from cifar10_aug.cli import main; main()"
    command = [sys.executable, "-c", program, "export", "rotate+erase", "--copies", "3"]
    return subprocess.Popen(
        [*command, "--sample", "--jobs", "2", "--data-dir", str(place), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_shards(place: Path, count: int) -> None:
    def found() -> int:
        try:
            return len(list(place.rglob("digests/*-of-?????.json")))
        except FileNotFoundError:
            # A folder that has just been renamed.
            return 0

    end = time.monotonic() + 60
    while found() < count:
        assert time.monotonic() < end
        time.sleep(0.005)


def ended(processes: list[psutil.Process], seconds: float) -> bool:
    gone, alive = psutil.wait_procs(processes, timeout=seconds)
    del gone
    return not alive


@pytest.mark.parametrize("jobs", [2, 3])
def test_the_number_of_jobs_changes_no_byte(
    jobs: int, source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    assert contents(freeze(tmp_path, source, jobs=jobs)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("what", ["first", "overwriting"])
def test_a_crash_at_any_moment_loses_nothing(
    what: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    place = (sources["binary folder"], tmp_path)
    done = programs.python("-m", "tests.frozen.crashes", what, *place)
    crashes = int(done.stdout.split()[0])
    assert crashes > 50


@pytest.mark.slow
def test_kill_9_and_resume_with_other_jobs(tmp_path: Path) -> None:
    first = start(tmp_path)
    wait_for_shards(tmp_path, 3)
    workers = psutil.Process(first.pid).children(recursive=True)
    assert workers
    first.kill()
    first.communicate(timeout=20)
    final = tmp_path / "cifar10_aug_sample" / "rotate+erase-x3" / "1.0.0"
    # Nothing to see, and no process left behind.
    assert not final.exists()
    for folder in (tmp_path, final.parent, final.parent / "incomplete.1.0.0" / "shards"):
        with pytest.raises(Exception, match=r"not|Not|exist|Could"):
            tfds.builder_from_directory(folder)
    assert ended(workers, 5)
    shards = final.parent / "incomplete.1.0.0" / "shards"
    before = {path.name: path.stat().st_ino for path in shards.glob("*-of-?????")}
    assert len(before) >= 3
    second = start(tmp_path, "--jobs", "1")
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert "Written: " in output
    assert {name: (final / name).stat().st_ino for name in before} == before
    assert not verify(final)
    whole = start(tmp_path / "whole")
    whole.communicate(timeout=60)
    assert contents(final) == contents(tmp_path / "whole" / final.relative_to(tmp_path))


@pytest.mark.parametrize("to_all", [True, False], ids=["terminal", "process"])
def test_ctrl_c_ends_all_workers_at_once(to_all: bool, tmp_path: Path) -> None:
    # Three copies take half a second, after which there is nothing to interrupt.
    process = start(tmp_path, "--copies", "40")
    wait_for_shards(tmp_path, 1)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    if to_all:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert output == ""
    assert [line for line in errors.splitlines() if line][-2:] == [
        "Interrupted; finished shards are kept: the same command goes on from there.",
        "Aborted.",
    ]
    assert "Traceback" not in errors
    assert ended(workers, 3)


def test_a_killed_worker_is_an_error(tmp_path: Path) -> None:
    process = start(tmp_path, "--copies", "40")
    wait_for_shards(tmp_path, 1)
    for child in psutil.Process(process.pid).children():
        if "resource_tracker" not in " ".join(child.cmdline()):
            child.kill()
    _, errors = process.communicate(timeout=30)
    shards = tmp_path / "cifar10_aug_sample/rotate+erase-x40/incomplete.1.0.0/shards"
    assert process.returncode == 1
    assert errors.splitlines()[-1] == (
        f"Error: {shards}: a worker process ended unexpectedly, perhaps because memory ran out; "
        "finished shards are kept, so run the same command again, with fewer jobs"
    )


def test_an_interrupted_export_of_something_else_is_not_mixed_in(
    source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    final = final_of(tmp_path)
    staging = Staging.of(final)
    staging.make()
    stray = staging.shards / "cifar10_aug-train.tfrecord-00000-of-00015"
    stray.write_bytes(b"of another export")
    staging.write_plan({"content": "sha256:other"})
    with pytest.raises(ExportError) as error:
        freeze(tmp_path, source)
    assert str(error.value) == (
        f"{final}: an interrupted export is there that differs in dataset, recipe, copies, seed, "
        "file_format, image_encoding, content, package_version, format_version; run it again as "
        "it was to go on with it, or overwrite it (--overwrite)"
    )
    assert stray.exists()
    freeze(tmp_path, source, download_config=OVERWRITE)
    assert contents(final) == expected


@pytest.fixture
def interrupted(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Staging:
    """An export that has written all shards, and nothing else."""

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checksums, "seal", fail)
        with pytest.raises(KeyboardInterrupt):
            freeze(tmp_path, source)
    return Staging.of(final_of(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "\xff", "[" * 100_000])
def test_a_damaged_plan_is_named_and_can_be_overwritten(
    text: str, interrupted: Staging, source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    (interrupted.folder / "plan.json").write_text(text, encoding="latin1")
    before = contents(interrupted.folder)
    with pytest.raises(ExportError) as error:
        freeze(tmp_path, source)
    assert str(error.value) == (
        f"{final_of(tmp_path)}: an interrupted export is there of which plan.json is damaged; "
        "overwrite it (--overwrite)"
    )
    assert contents(interrupted.folder) == before
    assert contents(freeze(tmp_path, source, download_config=OVERWRITE)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "7", "{}", "[" * 100_000),
        '{"examples": 20, "size": 63280}',
        '{"examples": 20, "size": 63281, "digest": "DIGEST"}',
        '{"examples": 21, "size": 63280, "digest": "DIGEST"}',
        '{"examples": 20, "size": 63280, "digest": 7}',
        '{"examples": 20, "size": 63280, "digest": "DIGEST", "more": 1}',
    ],
)
def test_a_shard_whose_record_is_damaged_is_written_again(
    text: str, interrupted: Staging, source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    shard, record = interrupted.shards / SHARD, interrupted.folder / "digests" / f"{SHARD}.json"
    assert shard.stat().st_size == 63280
    digest = digest_of(shard)
    assert record.read_text() == f'{{"examples": 20, "size": 63280, "digest": "{digest}"}}'
    record.write_text(text.replace("DIGEST", digest))
    before = shard.stat().st_ino
    # The number of the deleted file may be given to another.
    (tmp_path / "kept").hardlink_to(shard)
    final = freeze(tmp_path, source)
    assert (final / SHARD).stat().st_ino != before
    assert contents(final) == expected


def test_a_damaged_shard_of_an_interrupted_export_is_written_again(
    interrupted: Staging, source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    shards = interrupted.shards
    damaged = shards / SHARD
    data = bytearray(damaged.read_bytes())
    data[500] ^= 1
    damaged.write_bytes(data)
    (shards / "cifar10_aug-train.tfrecord-00004-of-00015").unlink()
    assert contents(freeze(tmp_path, source)) == expected


def test_too_little_space_is_an_error_before_anything_is_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(ExportError) as error:
        freeze(tmp_path, source)
    # 320 images of 3,072 bytes with what is around them, and 120 packed ones.
    assert str(error.value) == (
        f"{tmp_path}/cifar10_aug/{CONFIG}: 2 MB are needed and 1 MB are free; make room, or "
        "choose another data_dir"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has just as much space as an export of 320 raw images asks for."""
    space = 320 * (3072 + export_module._RECORD_OVERHEAD) + 120 * 4096
    usage = shutil.disk_usage(tmp_path)

    def usage_of(_: Path) -> Any:
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        return usage._replace(free=space - sum(path.stat().st_size for path in files))

    monkeypatch.setattr(shutil, "disk_usage", usage_of)


@pytest.mark.usefixtures("small_disk")
def test_where_an_export_fits_it_can_be_resumed(
    interrupted: Staging, source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    stray = interrupted.shards / f"{SHARD}.writing-1-2"
    stray.write_bytes(bytes(1_000_000))
    damaged = interrupted.shards / SHARD
    damaged.write_bytes(bytes(damaged.stat().st_size))
    assert contents(freeze(tmp_path, source)) == expected


@pytest.mark.usefixtures("small_disk")
def test_pictures_ask_for_the_space_of_pictures(tmp_path: Path) -> None:
    flat = archives.make()
    for images in (flat.train_images, flat.test_images):
        images[:] = 7
    source = archives.write_folder(flat, tmp_path / "source", BINARY)
    with pytest.raises(ExportError, match="2 MB are needed and 1 MB are free"):
        freeze(tmp_path, source)
    builder = Builder(
        config=CONFIG, data_dir=str(tmp_path), source=source, image_encoding="png", n_jobs=1
    )
    builder.download_and_prepare()
    assert not verify(Path(builder.data_dir))


def test_a_write_that_fails_leaves_the_old_data_intact(
    source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    final = freeze(tmp_path, source)
    program = "from cifar10_aug.cli import main; main()"
    arguments = ["export", freezing.RECIPE, "--copies", "3", "--data-dir", str(tmp_path)]

    def small_files() -> None:
        # Larger than everything but the shards.
        limit = 60_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    # Coverage would write a larger file.
    done = programs.python(
        *("-c", program, *arguments, "--overwrite", "--source", source),
        env={name: "" for name in os.environ if "COVERAGE" in name},
        preexec_fn=small_files,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"Error: {final}: File too large; finished shards are kept, so mend it and run the same "
        "command again"
    )
    assert "Traceback" not in done.stderr
    assert contents(final) == expected
    # And it can be made good.
    freeze(tmp_path, source, download_config=OVERWRITE)
    assert contents(final) == expected
    assert [path.name for path in final.parent.iterdir()] == ["1.0.0"]


def test_a_place_that_cannot_be_written_is_an_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        freeze(tmp_path / "file", source)


def test_a_bad_source_leaves_nothing_behind(tmp_path: Path) -> None:
    for jobs in (1, 2):
        with pytest.raises(SourceError, match="found nothing there"):
            freeze(tmp_path / "data", tmp_path / "missing", jobs=jobs)
        assert list(tmp_path.iterdir()) == []


def test_overwriting_replaces_and_resuming_does_not(
    source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    final = freeze(tmp_path, source)
    file = final / "cifar10_aug-train.tfrecord-00000-of-00015"
    file.write_bytes(b"damaged")
    freeze(tmp_path, source)
    assert file.read_bytes() == b"damaged"
    freeze(tmp_path, source, download_config=OVERWRITE)
    assert contents(final) == expected


def test_what_was_replaced_comes_back_if_the_exchange_fails(
    source: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = freeze(tmp_path, source)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "shards":
            raise OSError("no more renaming")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(ExportError, match="no more renaming; finished shards are kept"):
        freeze(tmp_path, source, download_config=OVERWRITE)
    assert contents(final) == expected
    monkeypatch.undo()
    # As if it had been killed between the two renamings.
    final.rename(final.with_name("replaced.1.0.0"))
    freeze(tmp_path, source)
    assert contents(final) == expected


@pytest.fixture
def published(source: Path, tmp_path: Path) -> Path:
    """A dataset whose export was killed before it had deleted the one that it replaced."""
    final = freeze(tmp_path, source)
    staging = Staging.of(final)
    staging.folder.mkdir()
    staging.write_plan({"recipe": "another"})
    for old in (final.with_name("replaced.1.0.0"), staging.replaced / "half-deleted"):
        old.mkdir(parents=True)
        (old / "shard").touch()
    return final


def test_what_an_earlier_export_left_and_cannot_be_deleted_is_named(
    published: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.rmtree

    def rmtree(path: Any, *arguments: Any, **kwargs: Any) -> None:
        if Path(path).name == "replaced":
            raise OSError(errno.ENOTEMPTY, "Directory not empty", str(path))
        real(path, *arguments, **kwargs)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    with pytest.raises(ExportError) as error:
        freeze(tmp_path, source, download_config=OVERWRITE)
    assert str(error.value) == (
        f"{published}: what an earlier export left cannot be deleted (Directory not empty); mend "
        "it and run the same command again"
    )


@pytest.mark.parametrize("kwargs", [{}, {"download_config": OVERWRITE}], ids=["plain", "overwrite"])
def test_a_rerun_deletes_what_a_killed_export_left(
    kwargs: dict[str, Any],
    published: Path,
    source: Path,
    expected: dict[str, bytes],
    tmp_path: Path,
) -> None:
    freeze(tmp_path, source, **kwargs)
    assert contents(published) == expected
    assert [path.name for path in published.parent.iterdir()] == ["1.0.0"]


def test_nothing_is_deleted_while_another_export_is_at_work(
    published: Path, source: Path, tmp_path: Path
) -> None:
    lock = Staging.of(published).lock
    lock.touch()
    before = contents(tmp_path)
    with filelock.FileLock(lock):
        freeze(tmp_path, source)
    assert contents(tmp_path) == before


def test_nothing_is_deleted_where_nothing_can_be_written(
    published: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    freeze(tmp_path, source)
    assert contents(tmp_path) == before


def test_a_disk_that_is_full_at_the_very_end_can_be_mended(
    source: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "metadata.json")

    monkeypatch.setattr(checksums, "seal", full)
    with pytest.raises(ExportError) as error:
        freeze(tmp_path, source)
    assert str(error.value) == (
        f"{final_of(tmp_path)}: No space left on device; finished shards are kept, so mend it and "
        "run the same command again"
    )
    assert not final_of(tmp_path).exists()
    monkeypatch.undo()
    monkeypatch.setattr(worker, "write", None)
    assert contents(freeze(tmp_path, source)) == expected


def test_a_folder_that_is_no_dataset_is_named(source: Path, tmp_path: Path) -> None:
    final = final_of(tmp_path)
    final.mkdir(parents=True)
    with pytest.raises(ExportError) as error:
        freeze(tmp_path, source)
    assert str(error.value) == (
        f"{final}: there is a folder without dataset_info.json, which is no dataset; delete it, "
        "or overwrite it (--overwrite)"
    )


def test_memory_does_not_grow_with_the_number_of_copies(tmp_path: Path) -> None:
    def peak(copies: int) -> int:
        program = f"""
import resource, sys
from cifar10_aug.builders.cifar10_aug_sample_dataset_builder import Builder
Builder(config="flip-x{copies}", data_dir={str(tmp_path)!r}, n_jobs=1).download_and_prepare()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
        return int(programs.python("-c", program).stdout)

    few, many = peak(2), peak(30)
    assert many < few * 1.05


@pytest.mark.slow
def test_beam_workers_write_the_same_bytes(
    source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    pipeline_options = pytest.importorskip("apache_beam.options.pipeline_options")
    options = pipeline_options.PipelineOptions(
        [
            "--runner=DirectRunner",
            "--direct_num_workers=2",
            "--direct_running_mode=multi_processing",
        ]
    )
    config = tfds.download.DownloadConfig(beam_options=options)
    assert contents(freeze(tmp_path, source, download_config=config)) == expected


def test_what_fails_on_beam_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("apache_beam")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device", "shard")

    monkeypatch.setattr(worker, "write", fail)
    shards = freezing.frozen().shards({"train": 10})
    with pytest.raises(ExportError, match="No space left on device") as error:
        list(writers.BeamCrew().write(Staging(tmp_path), shards))
    assert str(error.value).startswith(f"{tmp_path}/shards: Apache Beam ended with an error (")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("option", ["--runner=NoRunner", "--direct_num_workers=many"])
def test_wrong_beam_options_are_an_error(option: str, tmp_path: Path) -> None:
    pipeline_options = pytest.importorskip("apache_beam.options.pipeline_options")
    crew = writers.BeamCrew(options=pipeline_options.PipelineOptions([option]))
    shards = freezing.frozen().shards({"train": 10})
    with pytest.raises(ExportError, match="Apache Beam ended with an error"):
        list(crew.write(Staging(tmp_path), shards))


def test_without_beam_the_error_says_what_to_install(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    config = tfds.download.DownloadConfig(beam_runner="DirectRunner")
    with pytest.raises(ExportError) as error:
        freeze(tmp_path, source, download_config=config)
    assert str(error.value) == (
        "Apache Beam is not installed; pip install 'cifar10_aug[beam]', or leave the Beam "
        "options out"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dataset", [CIFAR10, CIFAR100], ids=lambda spec: spec.title)
@pytest.mark.parametrize("name", ["flip", "mixup"])
def test_no_record_is_larger_than_the_space_that_is_asked_for(
    name: str, dataset: DatasetSpec
) -> None:
    recipe, label = Recipe.parse(name).on(dataset), np.array([dataset.num_classes - 1])
    image, last = np.zeros((1, 32, 32, 3), np.uint8), example_ids("train", np.array([49_999]))
    labels = one_hot(label, dataset.num_classes) if recipe.softens else label
    records = examples.encode(last, 9999, image, labels, "raw", dataset.coarse(label))
    overhead = export_module._overhead(recipe)
    # With some room for the small files beside.
    assert overhead - 64 <= tfrecord.framed(records).size - image.nbytes <= overhead - 32
