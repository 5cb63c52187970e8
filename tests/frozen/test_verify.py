import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from cifar10_aug.builders.cifar10_aug_sample_dataset_builder import Builder
from cifar10_aug.data.images import LabelledSplits
from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.errors import ExportError
from cifar10_aug.frozen import checksums
from cifar10_aug.frozen.verify import Deep, Fault, datasets, verify
from tests import programs
from tests.frozen.freezing import CONFIG, cifar10_of, freeze
from tests.registering import registered

NAME = f"cifar10_aug/{CONFIG}"
SHARD = "cifar10_aug-train.tfrecord-00004-of-00015"


@pytest.fixture
def final(frozen_dir: Path, tmp_path: Path) -> Path:
    """Frozen epochs that may be changed."""
    shutil.copytree(frozen_dir, tmp_path, dirs_exist_ok=True)
    return tmp_path / "cifar10_aug" / CONFIG / "1.0.0"


def seal_again(final: Path, **changes: Any) -> None:
    """What somebody does who edits and covers it up."""
    metadata = json.loads((final / "metadata.json").read_text())
    for name in ("files", "dataset_digest"):
        del metadata[name]
    checksums.seal(final, {**metadata, **changes}, {})


def faults_deep(final: Path, labelled: LabelledSplits, jobs: int = 1) -> list[Fault]:
    return [fault for _, fault in Deep(final, lambda _: labelled).run(jobs) if fault]


def test_what_was_written_is_whole(final: Path, made: Any) -> None:
    assert verify(final) == []
    assert Deep(final, lambda _: cifar10_of(made)).images == 320
    for jobs in (1, 2):
        assert faults_deep(final, cifar10_of(made), jobs) == []


@pytest.mark.parametrize("how", [{"file_format": "array_record"}, {"image_encoding": "png"}])
def test_every_kind_of_file_is_verified(
    how: dict[str, str], sources: dict[str, Path], made: Any, tmp_path: Path
) -> None:
    from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder

    source = sources["binary archive"]
    builder = Builder(config=CONFIG, data_dir=str(tmp_path), source=source, n_jobs=1, **how)
    builder.download_and_prepare()
    folder = Path(builder.data_dir)
    assert verify(folder) == []
    assert faults_deep(folder, cifar10_of(made)) == []


def test_a_hundred_of_a_hundred_changed_bytes_are_found_and_named(final: Path) -> None:
    rng = np.random.default_rng(0)
    files = sorted(final.iterdir())
    for number in range(100):
        # Every other one in the metadata, which are few bytes.
        small = [file for file in files if file.suffix in (".json", ".txt")]
        candidates = small if number % 2 else files
        file = candidates[rng.integers(len(candidates))]
        data = bytearray(file.read_bytes())
        place = rng.integers(len(data))
        data[place] ^= 1 << rng.integers(8)
        kept = file.read_bytes()
        file.write_bytes(data)
        faults = verify(final)
        assert [fault.file for fault in faults] == [file.name], (file.name, place)
        file.write_bytes(kept)
    assert verify(final) == []


def test_missing_and_strange_files_are_named(final: Path) -> None:
    (final / SHARD).unlink()
    (final / "cifar10_aug-train.tfrecord-00015-of-00016").touch()
    assert [str(fault) for fault in verify(final)] == [
        f"{SHARD}: missing",
        "cifar10_aug-train.tfrecord-00015-of-00016: not part of the dataset",
    ]
    for name in ("dataset_info.json", "features.json", "label.labels.txt"):
        (final / name).unlink()
        assert Fault(name, "missing") in verify(final)
    (final / "metadata.json").unlink()
    assert [str(fault) for fault in verify(final)] == ["metadata.json: missing"]


def test_a_missing_example_is_named(final: Path, made: Any) -> None:
    records = list(tfrecord.read(final / SHARD))
    tfrecord.framed(records[:-1]).tofile(final / SHARD)
    assert [fault.file for fault in verify(final)] == [SHARD]
    seal_again(final)
    assert faults_deep(final, cifar10_of(made)) == [Fault(SHARD, "19 examples instead of 20")]
    tfrecord.framed([*records, records[0]]).tofile(final / SHARD)
    seal_again(final)
    assert faults_deep(final, cifar10_of(made)) == [Fault(SHARD, "more than 20 examples")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, f"metadata.json: belongs to {NAME}-s1, not to {NAME}"),
        ({"recipe": "flip"}, f"metadata.json: belongs to cifar10_aug/flip-x3, not to {NAME}"),
        (
            {"format_version": 2},
            "metadata.json: format version 2, which this version does not know",
        ),
        ({"recipe": 7}, f"metadata.json: belongs to cifar10_aug/7-x3, not to {NAME}"),
        ({"copies": 0}, "metadata.json: not what an export writes"),
    ],
)
def test_edits_that_were_sealed_again_are_named(
    changes: dict[str, Any], message: str, final: Path
) -> None:
    seal_again(final, **changes)
    (fault,) = verify(final)
    assert str(fault).startswith(message)


@pytest.mark.parametrize(
    "name", ["cifar10_aug_sample/" + CONFIG, f"{NAME}-s3", "cifar10_aug/flip-x3"]
)
def test_a_folder_under_another_name_is_named(name: str, final: Path) -> None:
    renamed = final.parents[2] / name / "1.0.0"
    renamed.parent.parent.mkdir(exist_ok=True)
    final.parent.rename(renamed.parent)
    assert [str(fault) for fault in verify(renamed)] == [
        f"metadata.json: belongs to {NAME}, not to {name}"
    ]


@pytest.mark.parametrize("other", ["00003", "00009"], ids=["other images", "other copy"])
def test_a_doubled_shard_that_was_sealed_again_is_named(other: str, final: Path) -> None:
    shutil.copy(final / SHARD.replace("00004", other), final / SHARD)
    seal_again(final)
    assert verify(final) == [Fault(SHARD, "does not begin with train_00080 of copy 0")]


def test_wrong_counts_that_were_sealed_again_are_named(final: Path) -> None:
    info = json.loads((final / "dataset_info.json").read_text())
    lengths = info["splits"][0]["shardLengths"]
    lengths[3:5] = ["21", "19"]
    (final / "dataset_info.json").write_text(json.dumps(info))
    seal_again(final)
    assert [str(fault) for fault in verify(final)] == [
        "dataset_info.json: does not give 20 as the examples in "
        "cifar10_aug-train.tfrecord-00003-of-00015",
        f"dataset_info.json: does not give 20 as the examples in {SHARD}",
    ]


@pytest.mark.parametrize("what", ["image", "label", "copy", "id"])
def test_deep_finds_a_change_that_was_sealed_again(what: str, final: Path, made: Any) -> None:
    records = list(tfrecord.read(final / SHARD))
    example = examples.parsed(records[7])
    if what == "image":
        example["image"] = example["image"][:-1] + bytes([example["image"][-1] ^ 1])
    elif what == "id":
        example["id"] = b"train_00000"
    else:
        example[what] += 1
    records[7] = examples.serialized(example)
    tfrecord.framed(records).tofile(final / SHARD)
    seal_again(final)
    assert verify(final) == []
    assert faults_deep(final, cifar10_of(made)) == [
        Fault(SHARD, "record 7 is not what the recipe makes")
    ]


def test_deep_names_another_source(final: Path) -> None:
    from tests import archives

    with pytest.raises(ExportError) as error:
        Deep(final, lambda _: cifar10_of(archives.make(seed=1)))
    assert str(error.value).startswith(
        f"{final}: made from other images than folder made; give the ones it was made from "
        "(archive cifar-10-binary.tar.gz, sha256:"
    )


COMPARING = """
import os, sys, time
from pathlib import Path
from cifar10_aug.frozen.verify import Deep
from cifar10_aug.recipes.registration import register
from cifar10_aug.data import sample

final, place = map(Path, sys.argv[1:])

def mine(image, rng):
    (place / str(os.getpid())).touch()
    time.sleep(600)
    return image

register("mine", mine)
list(Deep(final, lambda _: sample.read()).run(2))
"""


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="memory for sharing has names here")
def test_kill_9_ends_all_workers_and_frees_what_they_share(tmp_path: Path) -> None:
    with registered(mine=lambda image, rng: image):
        builder = Builder(config="mine-x1", data_dir=tmp_path / "data", n_jobs=1)
        builder.download_and_prepare()
    working = tmp_path / "working"
    working.mkdir()
    with programs.Program("-c", COMPARING, builder.data_dir, working) as program:
        until(lambda: len(list(working.iterdir())) == 2, program)
        # Also the process that deletes what they leave in shared memory.
        others = psutil.Process(program.pid).children(recursive=True)
        shared = Path("/dev/shm").glob(f"joblib_memmapping_folder_{program.pid}_*")
        assert (folders := list(shared))
        program.kill()
        assert not psutil.wait_procs(others, timeout=60)[1]
        assert not any(folder.exists() for folder in folders)


def until(done: Callable[[], bool], program: programs.Program) -> None:
    end = time.monotonic() + 120
    while not done():
        assert program.poll() is None, program.stderr
        assert time.monotonic() < end
        time.sleep(0.01)


def test_datasets_are_found_from_any_folder_above(sources: dict[str, Path], tmp_path: Path) -> None:
    one = freeze(tmp_path, sources["binary folder"], "flip-x1")
    two = freeze(tmp_path, sources["binary folder"], "flip-x1-s3")
    freeze(tmp_path, sources["binary folder"], "plain-x1")
    shutil.rmtree(tmp_path / "cifar10_aug" / "plain-x1")
    for folder in (tmp_path, tmp_path / "cifar10_aug"):
        assert datasets(folder) == [one, two]
    assert datasets(one.parent) == [one]
    assert datasets(two) == [two]
    assert datasets(tmp_path.parent / "elsewhere") == []
