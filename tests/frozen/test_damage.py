"""Frozen epochs that are not what was written are refused before they are read."""

import json
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.errors import ExportError, SourceError
from cifar10_aug.frozen import checksums
from cifar10_aug.frozen.verify import Deep, Fault, verify
from tests.frozen.freezing import CONFIG, OVERWRITE, cifar10_of, freeze

SHARD = "cifar10_aug-train.tfrecord-00004-of-00015"


def seal_again(folder: Path, *without: str) -> None:
    """Digests of what is there: what somebody does who means harm."""
    metadata = json.loads((folder / "metadata.json").read_text())
    for name in ("files", "dataset_digest", *without):
        del metadata[name]
    checksums.seal(folder, metadata, {})


@pytest.fixture
def final(frozen_dir: Path, tmp_path: Path) -> Path:
    """Frozen epochs that may be changed."""
    shutil.copytree(frozen_dir, tmp_path, dirs_exist_ok=True)
    return tmp_path / "cifar10_aug" / CONFIG / "1.0.0"


def load(folder: Path) -> tf.data.Dataset:
    config, place = folder.parent.name, folder.parents[2]
    return tfds.load(f"cifar10_aug/{config}", split="train", data_dir=str(place), download=False)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("name", "damage", "found"),
    [
        (SHARD, Path.unlink, f"{SHARD} is missing"),
        (SHARD, make_folder, f"{SHARD} is missing"),
        (SHARD, cut, "949199 bytes instead of 949200 in the files of train"),
        ("metadata.json", Path.unlink, "metadata.json is missing"),
        ("metadata.json", cut, "metadata.json is edited or damaged"),
        ("features.json", Path.unlink, "features.json is missing"),
        ("features.json", cut, "features.json has another digest"),
        ("label.labels.txt", cut, "label.labels.txt has another digest"),
    ],
)
def test_what_is_missing_or_cut_is_named(
    name: str, damage: Callable[[Path], None], found: str, final: Path
) -> None:
    damage(final / name)
    with pytest.raises(ExportError) as error:
        load(final)
    said = str(error.value)
    assert said[said.index(str(final)) :] == (
        f"{final}: the frozen epochs are damaged ({found}); cifar10-aug verify names all of it; "
        "delete this folder and export them again"
    )


@pytest.mark.parametrize(
    "name",
    [f"cifar10_aug/{CONFIG}-s3", "cifar10_aug/flip-x3", f"cifar10_aug_sample/{CONFIG}"],
    ids=["seed", "recipe", "dataset"],
)
def test_epochs_are_not_read_under_another_name(name: str, final: Path, tmp_path: Path) -> None:
    renamed = tmp_path / name / "1.0.0"
    renamed.parent.parent.mkdir(exist_ok=True)
    final.parent.rename(renamed.parent)
    message = (
        f"{renamed}: the frozen epochs are cifar10_aug/{CONFIG}, not {name}; rename the folder, or "
        "overwrite it (--overwrite)"
    )
    for download in (True, False):
        with pytest.raises(ExportError) as error:
            tfds.load(name, split="train", data_dir=str(tmp_path), download=download)
        assert str(error.value).endswith(message)


@pytest.mark.parametrize("name", ["recipe", "copies", "seed"])
def test_epochs_of_unknown_name_are_not_read(name: str, final: Path) -> None:
    seal_again(final, name)
    with pytest.raises(
        ExportError, match=r"damaged \(metadata.json is not what an export writes\)"
    ):
        load(final)


def test_epochs_under_another_name_can_be_overwritten(
    final: Path, sources: dict[str, Path], tmp_path: Path
) -> None:
    final.parent.rename(tmp_path / "cifar10_aug" / "flip-x1")
    folder = freeze(tmp_path, sources["binary archive"], "flip-x1", download_config=OVERWRITE)
    assert verify(folder) == []


def swap(one: Path, two: Path) -> None:
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)


@pytest.mark.parametrize("change", [swap, shutil.copy], ids=["swapped", "doubled"])
@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_shards_of_one_size_are_told_apart(
    file_format: str, change: Callable[[Path, Path], None], sources: dict[str, Path], tmp_path: Path
) -> None:
    folder = freeze(tmp_path, sources["binary archive"], "flip-x2", file_format=file_format)
    one, two = (folder / f"cifar10_aug-train.{file_format}-0000{n}-of-00010" for n in (6, 1))
    change(one, two)
    read = tfds.load if file_format == "tfrecord" else tfds.data_source
    with pytest.raises(ExportError) as error:
        read("cifar10_aug/flip-x2", split="train", data_dir=str(tmp_path))
    assert str(error.value).endswith(
        f"{folder}: the frozen epochs are damaged ({two.name}: does not begin with train_00020 of "
        "copy 0); cifar10-aug verify names all of it; delete this folder and export them again"
    )


@pytest.mark.parametrize("length", ["-5", "19", "100000000000"])
def test_a_description_that_was_edited_is_refused(length: str, final: Path) -> None:
    path = final / "dataset_info.json"
    info = json.loads(path.read_text())
    info["splits"][0]["shardLengths"][0] = length
    path.write_text(json.dumps(info))
    with pytest.raises(ExportError, match=r"damaged \(dataset_info.json has another digest\)"):
        load(final)


def test_a_description_that_is_none_is_refused(final: Path) -> None:
    cut(final / "dataset_info.json")
    with pytest.raises(SourceError, match=r"dataset_info.json or metadata.json is damaged \(Fail"):
        load(final)


def test_a_changed_bit_is_an_error_when_its_record_is_read(final: Path) -> None:
    data = bytearray((final / SHARD).read_bytes())
    data[len(data) // 2] ^= 1
    (final / SHARD).write_bytes(data)
    ds = load(final)
    with pytest.raises(tf.errors.DataLossError, match="corrupted record at 31640"):
        list(ds)


@pytest.mark.parametrize("damage", [Path.unlink, make_folder, cut])
def test_random_access_refuses_what_is_missing_or_cut(
    damage: Callable[[Path], None], sources: dict[str, Path], tmp_path: Path
) -> None:
    folder = freeze(tmp_path, sources["binary archive"], "flip-x1", file_format="array_record")
    source = tfds.data_source("cifar10_aug/flip-x1", split="train", data_dir=str(tmp_path))
    assert len([source[i] for i in range(100)]) == 100
    damage(sorted(folder.glob("*train.array_record*"))[2])
    with pytest.raises(ExportError, match="the frozen epochs are damaged"):
        tfds.data_source("cifar10_aug/flip-x1", split="train", data_dir=str(tmp_path))


def test_random_access_names_a_changed_bit(sources: dict[str, Path], tmp_path: Path) -> None:
    folder = freeze(tmp_path, sources["binary archive"], "flip-x1", file_format="array_record")
    shard = folder / "cifar10_aug-train.array_record-00001-of-00005"
    data = bytearray(shard.read_bytes())
    number = 25
    place = data.index(b"train_%05d" % number)
    data[place] ^= 1
    shard.write_bytes(data)
    name = "cifar10_aug/flip-x1"
    one = tfds.data_source(name, split="train", data_dir=str(tmp_path))
    some = tfds.data_source(name, split=["test", "train"], data_dir=str(tmp_path))[1]
    copied = pickle.loads(pickle.dumps(tfds.data_source(name, data_dir=str(tmp_path))["train"]))
    message = f"{folder}: the frozen epochs are damaged (a record cannot be read: Corrupted Riegeli"
    for source in (one, some, copied):
        assert len(source) == 100
        assert source[number - 1]["id"] == b"train_00024"
        for read in (lambda s: s[number], lambda s: s.__getitems__([1, number]), list):
            with pytest.raises(ExportError) as error:
                read(source)
            assert str(error.value).startswith(message)
            assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [0, 100, 60_000])
def test_array_records_that_are_cut_are_named_whatever_is_left(
    size: int, sources: dict[str, Path], tmp_path: Path
) -> None:
    folder = freeze(tmp_path, sources["binary archive"], "flip-x1", file_format="array_record")
    shard = folder / "cifar10_aug-train.array_record-00001-of-00005"
    shard.write_bytes(shard.read_bytes()[:size])
    seal_again(folder)
    (fault,) = verify(folder)
    assert str(fault).startswith(f"{shard.name}: its first record cannot be read (")


def test_random_access_to_nothing_says_what_to_do(tmp_path: Path) -> None:
    builder = tfds.builder("cifar10_aug/flip-x1", data_dir=str(tmp_path))
    with pytest.raises(SourceError) as error:
        builder.as_data_source("train")
    assert str(error.value) == (
        f"cifar10_aug: no frozen epochs are prepared in {tmp_path}; let tfds.load download them "
        "(download=True), or call builder.download_and_prepare()"
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(size: int) -> bytes:
    """A PNG of so many grey pixels in each direction, one bit each."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes((size // 8 + 1) * size), 9))
    return b"\x89PNG\r\n\x1a\n" + header + rows + chunk(b"IEND", b"")


@pytest.fixture
def with_bomb(sources: dict[str, Path], tmp_path: Path) -> Path:
    """Frozen epochs whose digests match, with one image of 1.2 GB."""
    from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder

    source = sources["binary folder"]
    builder = Builder(
        config="flip-x1", data_dir=str(tmp_path), source=source, image_encoding="png", n_jobs=1
    )
    builder.download_and_prepare()
    folder = Path(builder.data_dir)
    shard = sorted(folder.glob("*train*"))[0]
    records = list(tfrecord.read(shard))
    records[3] = examples.serialized({**examples.parsed(records[3]), "image": bomb(20_000)})
    tfrecord.framed(records).tofile(shard)
    info = json.loads((folder / "dataset_info.json").read_text())
    size = sum(path.stat().st_size for path in folder.glob("*train*"))
    info["splits"][0]["numBytes"] = str(size)
    (folder / "dataset_info.json").write_text(json.dumps(info))
    seal_again(folder)
    return folder


def test_large_pictures_are_refused_before_they_are_inflated(
    with_bomb: Path, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import PngImagePlugin

    inflate = PngImagePlugin.PngImageFile.load_prepare
    inflated = set()

    def noted(picture: PngImagePlugin.PngImageFile) -> None:
        inflated.add(picture.size)
        inflate(picture)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load_prepare", noted)
    faults = [fault for _, fault in Deep(with_bomb, lambda _: cifar10_of(made)).run(1) if fault]
    assert faults[0] == Fault(
        "cifar10_aug-train.tfrecord-00000-of-00005",
        "a record cannot be read (no PNG of 32 x 32 pixels)",
    )
    assert inflated == {(32, 32)}


def test_large_pictures_are_no_images_of_a_pipeline(with_bomb: Path) -> None:
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="the image of a record is no PNG of 32 x 32 pixels"
    ):
        list(load(with_bomb))


@pytest.mark.parametrize(
    ("image", "reason"),
    [(b"\0" * 3071, "3071 bytes of pixels instead of 3072"), (b"", "0 bytes of pixels instead")],
)
def test_deep_names_records_that_cannot_be_read(
    image: bytes, reason: str, final: Path, made: Any
) -> None:
    records = list(tfrecord.read(final / SHARD))
    records[3] = examples.serialized({**examples.parsed(records[3]), "image": image})
    tfrecord.framed(records).tofile(final / SHARD)
    seal_again(final)
    (fault,) = (fault for _, fault in Deep(final, lambda _: cifar10_of(made)).run(1) if fault)
    assert fault.file == SHARD
    assert fault.what.startswith(f"a record cannot be read ({reason}")
