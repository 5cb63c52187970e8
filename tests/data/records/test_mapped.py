"""Files of records that are mapped: what can be, and what becomes of changes under a mapping."""

import gc
import mmap
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar10_aug.data.records import examples, mapped, tfrecord
from cifar10_aug.errors import SourceError


def features(number: int) -> dict[str, Any]:
    # The number is in both labels, one of whose names ends with the other's.
    image = np.random.default_rng(number).bytes(3072)
    return {"id": b"train_%05d" % number, "coarse_label": 5, "image": image, "label": 5 + number}


def write(path: Path, records: list[bytes]) -> Path:
    tfrecord.framed(records).tofile(path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files with the examples 0 to 8."""
    return [
        write(tmp_path / f"{n}", [examples.serialized(features(3 * n + i)) for i in range(3)])
        for n in range(3)
    ]


def test_features_are_found_in_their_places(files: list[Path]) -> None:
    file = mapped.mapped(str(files[1]))
    assert file is not None
    for number, row in enumerate(file.rows, 3):
        found = {name: row[place].tobytes() for name, place in file.fields.items()}
        assert found.pop("label") == bytes([5 + number])
        assert found.pop("coarse_label") == b"\x05"
        assert found == {name: features(number)[name] for name in ("id", "image")}


def test_several_files_are_read_in_one_array(files: list[Path]) -> None:
    kept = [mapped.MappedFile(path) for path in files]
    memory, places = mapped.joined(kept, "image")
    del kept
    gc.collect()
    assert len(places) == 9
    for number, place in enumerate(places.tolist()):
        assert memory[place : place + 3072].tobytes() == features(number)["image"]
    with pytest.raises(ValueError, match="read-only"):
        memory[places[0]] = 0


def unlike() -> dict[str, list[bytes]]:
    """Records that cannot be one array."""
    one = examples.serialized(features(0))
    longer = examples.serialized({**features(1), "id": b"train_000001"})
    renamed = examples.serialized(
        {name if name != "label" else "lapel": value for name, value in features(1).items()}
    )
    return {"sizes": [one, longer], "names": [one, renamed], "no examples": [b"no example"] * 2}


@pytest.mark.parametrize("kind", unlike())
def test_records_that_differ_are_not_mapped(kind: str, tmp_path: Path) -> None:
    assert mapped.mapped(str(write(tmp_path / "file", unlike()[kind]))) is None


@pytest.mark.parametrize("size", [0, 5, 100, 3200])
def test_what_is_cut_off_is_not_mapped(size: int, files: list[Path]) -> None:
    os.truncate(files[0], size)
    assert mapped.mapped(str(files[0])) is None


@pytest.mark.parametrize("header", [b"\xff" * 8, b"\xff" * 7 + b"\x7f"])
def test_a_length_that_cannot_be_is_not_mapped(header: bytes, files: list[Path]) -> None:
    files[0].write_bytes(header + files[0].read_bytes()[8:])
    assert mapped.mapped(str(files[0])) is None


def test_buckets_are_not_mapped(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert mapped.mapped("gs://bucket/file") is None
    monkeypatch.setattr(mapped, "_SYSTEM_CAN", False)
    assert mapped.mapped(str(files[0])) is None


def test_a_file_system_that_maps_nothing_is_read(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(mmap, "mmap", refuse)
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    assert mapped.mapped(str(files[0])) is None
    gc.collect()
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def cut(path: Path) -> None:
    # Within a page: reading beyond the end of a file ends the process only beyond its last page.
    os.truncate(path, path.stat().st_size - 1)


def write_in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(7, 7))


@pytest.mark.parametrize("change", [cut, write_in_place])
def test_a_file_that_is_changed_in_place_is_noticed(
    change: Callable[[Path], None], files: list[Path]
) -> None:
    file = mapped.MappedFile(files[0])
    file.check_unchanged()
    change(files[0])
    message = f"{files[0]}: the file was changed while its images were in use; prepare them again"
    with pytest.raises(SourceError, match=re.escape(message)):
        file.check_unchanged()


@pytest.mark.parametrize("change", [os.unlink, lambda path: os.replace(f"{path[:-1]}1", path)])
def test_a_file_that_is_replaced_or_deleted_stays(
    change: Callable[[str], None], files: list[Path]
) -> None:
    file = mapped.MappedFile(files[0])
    before = files[0].read_bytes()
    change(str(files[0]))
    file.check_unchanged()
    assert file.rows.tobytes() == before
