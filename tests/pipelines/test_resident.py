"""Images in memory: mapped from their files where that is possible, else read."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug import Loader, SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.records import mapped
from cifar10_aug.data.sources.official import BINARY
from cifar10_aug.pipelines import resident
from cifar10_aug.pipelines.eager_examples import Examples
from tests import archives, programs

OVERWRITE = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)


def images(ds: Any) -> np.ndarray:
    return np.concatenate([one["image"] for one in ds.as_numpy_iterator()])


def load(place: Path, made: archives.Made, nanoseconds: int) -> Any:
    """Prepares images anew, in files that were written at some time, and loads them."""
    source = archives.write_folder(made, place / f"source{nanoseconds}", BINARY)
    builder = Builder(config="plain", data_dir=str(place / "data"), source=source)
    builder.download_and_prepare(download_config=OVERWRITE)
    for file in Path(builder.data_dir).glob("*-of-*"):
        os.utime(file, ns=(nanoseconds, nanoseconds))
    return builder.as_dataset("train", batch_size=40)


@pytest.mark.parametrize("later", [2_000_000_000, 2])
def test_images_that_are_prepared_anew_are_read_anew(later: int, tmp_path: Path) -> None:
    first, second = archives.make(seed=1), archives.make(seed=2)
    before = load(tmp_path, first, 1)
    assert (images(before) == first.train_images).all()
    after = load(tmp_path, second, later)
    assert (images(after) == second.train_images).all()
    # Who has loaded the others keeps them.
    assert (images(before) == first.train_images).all()


def test_images_that_are_prepared_anew_leave_mapped_ones_as_they_are(tmp_path: Path) -> None:
    first, second = archives.make(seed=3), archives.make(seed=4)
    ds = load(tmp_path, first, 1)
    batches = ds.repeat(2).as_numpy_iterator()
    assert (next(batches)["image"] == first.train_images[:40]).all()
    found = resident.resident(info_of(tmp_path))
    assert [len(file.rows) for file in found._files] == [100]
    load(tmp_path, second, 2)
    rest = np.concatenate([batch["image"] for batch in batches])
    assert (rest[:60] == first.train_images[40:]).all()
    assert (rest[60:] == first.train_images).all()


def info_of(place: Path, split: str = "train") -> tfds.core.SplitInfo:
    return Builder(config="plain", data_dir=str(place / "data")).info.splits[split]


@pytest.fixture
def prepared(tmp_path: Path) -> str:
    """A data folder of which nobody has read anything."""
    load(tmp_path, archives.make(seed=5), 1)
    return str(tmp_path / "data")


def file_of(data_dir: str) -> Path:
    (file,) = Path(data_dir).glob("**/*train*-of-*")
    return file


@pytest.mark.parametrize(
    "recipe", ["plain", "standard", "rotate30+erase", "cutmix", "blur+flip", "elastic"]
)
def test_mapped_images_and_images_that_are_read_are_the_same(
    recipe: str, prepared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def epochs() -> tuple[list[Any], bool]:
        loader = Loader(recipe, batch_size=30, shuffle=True, data_dir=prepared)
        batches = [*loader, *loader]
        examples = loader._batches._examples
        assert isinstance(examples, Examples)
        return batches, bool(examples._parts[0].resident._files)

    from_files, are_mapped = epochs()
    monkeypatch.setattr(mapped, "_SYSTEM_CAN", False)
    os.utime(file_of(prepared))
    read, are_read = epochs()
    assert are_mapped
    assert not are_read
    for one, other in zip(from_files, read, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            assert (mine == theirs).all()


def test_a_file_that_is_cut_while_it_is_used_is_an_error(prepared: str) -> None:
    loader = Loader("flip", batch_size=50, data_dir=prepared)
    ds = tfds.load("cifar10_aug/flip", split="train", data_dir=prepared, batch_size=50)
    list(loader)
    list(ds)
    file = file_of(prepared)
    # Not beyond its last page, where reading would end this process if it were not noticed.
    os.truncate(file, file.stat().st_size - 1)
    message = re.escape(f"{file}: the file was changed while its images were in use; ")
    with pytest.raises(SourceError, match=message):
        list(loader)
    with pytest.raises(tf.errors.OpError, match=message):
        list(ds)


@pytest.mark.parametrize("change", ["cut", "changed", "removed"])
def test_what_happens_to_a_file_before_it_is_used_is_an_error(change: str, prepared: str) -> None:
    file = file_of(prepared)
    if change == "removed":
        file.unlink()
    elif change == "cut":
        os.truncate(file, file.stat().st_size - 5)
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    message = re.escape(f"{file.parent}: the prepared images are damaged (")
    with pytest.raises(SourceError, match=message):
        Loader("flip", batch_size=50, data_dir=prepared)
    with pytest.raises(SourceError, match=message):
        tfds.load("cifar10_aug/flip", split="train", data_dir=prepared)


PROGRAM = """
import sys
import cifar10_aug

loader = cifar10_aug.Loader("plain", batch_size=50, data_dir=sys.argv[1])
list(loader)
found, inside = {}, False
for line in open("/proc/self/smaps"):
    first, *rest = line.split()
    if not first.endswith(":"):
        inside = rest[-1].startswith(sys.argv[1]) and rest[0] == "r--s"
    elif inside and rest[-1:] == ["kB"]:
        found[first] = found.get(first, 0) + int(rest[0])
print(found["Rss:"], found["Private_Clean:"] + found["Private_Dirty:"])
"""


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="nobody tells what is shared")
def test_two_processes_have_one_copy(prepared: str) -> None:
    loader = Loader("plain", batch_size=50, data_dir=prepared)
    assert len(list(loader)) == 2
    done = programs.run("-c", PROGRAM, prepared, check=True)
    mapped_kilobytes, private = map(int, done.stdout.split())
    assert mapped_kilobytes * 1024 >= file_of(prepared).stat().st_size
    assert private == 0
