"""The forms of CIFAR-10 that users have besides the published ones."""

import io
import json
import os
import pickle
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cifar10_aug import SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.images import OFFICIAL_ORDER, LabelledSplits
from cifar10_aug.data.sources import archives as archives_read
from cifar10_aug.data.sources import caches, local, png
from cifar10_aug.data.sources.official import BINARY, CIFAR10, PYTHON
from tests import archives
from tests.archives import Made
from tests.cli.running import run
from tests.data.sources import forms


def assert_same(found: LabelledSplits, made: Made) -> None:
    assert (found.train.images == made.train_images).all()
    assert (found.train.labels == made.train_labels).all()
    assert (found.test.images == made.test_images).all()
    assert (found.test.labels == made.test_labels).all()
    assert not found.provenance.official


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as error:
        local.read(path)
    assert "\n" not in str(error.value)
    return str(error.value)


MODES = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}
PREFIXES = {"at the root": "", "in a renamed folder": "cifar/", "one deeper": "data/cifar/"}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
@pytest.mark.parametrize("ending", MODES)
@pytest.mark.parametrize("kind", ["binary folder", "python folder"])
def test_archives_of_any_kind(
    kind: str, ending: str, prefix: str, sources: dict[str, Path], made: Made, tmp_path: Path
) -> None:
    path = forms.tar(sources[kind], tmp_path / f"mine.{ending}", MODES[ending], prefix)
    found = local.read(path)
    assert_same(found, made)
    assert found.provenance.source == "archive"
    assert found.provenance.order == OFFICIAL_ORDER
    # A folder that holds nothing else.
    assert_same(local.read(tmp_path), made)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
@pytest.mark.parametrize("kind", ["binary folder", "python folder"])
def test_a_zip(
    kind: str, prefix: str, method: int, sources: dict[str, Path], made: Made, tmp_path: Path
) -> None:
    files = {f"{prefix}{file.name}": file.read_bytes() for file in sources[kind].iterdir()}
    assert_same(local.read(forms.zipped(files, tmp_path / "mine.zip", method)), made)


def test_files_deeper_than_that_are_not_taken(sources: dict[str, Path], tmp_path: Path) -> None:
    path = forms.tar(sources["binary folder"], tmp_path / "mine.tar", "w", "a/b/c/")
    assert "found an archive with a/b/c/" in refusal(path)


def test_an_archive_with_both_layouts_is_read_in_the_first(
    sources: dict[str, Path], made: Made, tmp_path: Path
) -> None:
    path = tmp_path / "both.tar"
    with tarfile.open(path, "w") as archive:
        for kind in ("binary folder", "python folder"):
            archive.add(sources[kind], f"x/{kind}")
    assert_same(local.read(path), made)


@pytest.mark.parametrize("depth", ["renamed", "data/renamed"])
def test_the_folders_above_the_batches(
    depth: str, sources: dict[str, Path], made: Made, tmp_path: Path
) -> None:
    shutil.copytree(sources["python folder"], tmp_path / depth)
    assert_same(local.read(tmp_path), made)
    assert local.stamp(tmp_path) == local.stamp(tmp_path / depth)


def test_of_several_folders_the_one_with_a_published_name_or_none(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(sources["binary folder"])
    assert refusal(tmp_path) == (
        f"{tmp_path}: expected one source, found 2 (one, two); give one of them"
    )
    (tmp_path / PYTHON.folder).symlink_to(sources["python folder"])
    assert local.read(tmp_path).provenance.name == PYTHON.folder


def test_of_several_archives_the_one_with_a_published_name_or_none(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("one.tar.gz", "two.tar.gz"):
        (tmp_path / name).symlink_to(sources["binary archive"])
    assert refusal(tmp_path) == (
        f"{tmp_path}: expected one source, found 2 (one.tar.gz, two.tar.gz); give one of them"
    )
    (tmp_path / PYTHON.archive).symlink_to(sources["python archive"])
    assert local.read(tmp_path).provenance.name == PYTHON.archive


@pytest.mark.parametrize("kind", MODES)
def test_archives_of_any_kind_that_are_cut_off(
    kind: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    path = forms.tar(sources["binary folder"], tmp_path / f"mine.{kind}", MODES[kind], "")
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        assert refusal(path).endswith("; download it again")


def test_a_zip_that_is_damaged(sources: dict[str, Path], tmp_path: Path) -> None:
    files = {file.name: file.read_bytes() for file in sources["binary folder"].iterdir()}
    path = forms.zipped(files, tmp_path / "mine.zip")
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        assert "expected a whole archive" in refusal(path)
    place = whole.index(b"data_batch_1.bin") + 5000
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert "expected a whole archive" in refusal(path)


def test_a_zip_with_another_compression_is_not_inflated(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    """A small piece of it may become gigabytes at once."""
    files = {file.name: file.read_bytes() for file in sources["binary folder"].iterdir()}
    path = forms.zipped(files, tmp_path / "mine.zip", zipfile.ZIP_BZIP2)
    assert "compressed by another method than deflate" in refusal(path)


def test_a_zip_with_a_list_of_members_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = forms.zipped({f"{k}": b"" for k in range(1500)}, tmp_path / "mine.zip")
    assert refusal(path) == f"{path}: expected at most 1000 members, found more; it is not CIFAR-10"
    monkeypatch.setattr(archives_read, "_LARGEST_DIRECTORY", 70_000)
    assert "a list of members of" in refusal(path)


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    link = zipfile.ZipInfo("data_batch_1.bin")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "expected a regular file, found a link or device" in refusal(path)


def test_an_xz_file_that_asks_for_much_memory_is_refused(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = forms.tar(sources["binary folder"], tmp_path / "mine.tar.xz", "w:xz", "")
    monkeypatch.setattr(archives_read, "_XZ_MEMORY", 2**20)
    assert "Memory usage limit" in refusal(path)


@pytest.mark.parametrize("ending", MODES)
def test_what_a_bomb_unpacks_to_is_bounded(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives_read, "LARGEST_ARCHIVE", 10**6)
    path = tmp_path / f"mine.{ending}"
    with tarfile.open(path, MODES[ending]) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("zeros")
        member.size = 3 * 10**6
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    assert refusal(path).startswith(f"{path}: expected at most 1000000 bytes")


def test_the_other_dataset_is_named(tmp_path: Path) -> None:
    expected = f"{CIFAR10.expected}, found CIFAR-100 (cifar-100-python); it is another dataset: "
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    (folder / "train").write_bytes(pickle.dumps({b"fine_labels": [1]}))
    (tmp_path / "x").mkdir()
    archive = tmp_path / "x" / "mine.tar.gz"
    forms.tar(folder, archive, "w:gz", "cifar-100-python/")
    for path in (folder, tmp_path, archive):
        assert refusal(path) == f"{path}: {expected}load it as cifar100_aug, or give CIFAR-10"


# NumPy.


def test_a_numpy_file(made: Made, tmp_path: Path) -> None:
    found = local.read(forms.npz(made, tmp_path / "mine.npz"))
    assert_same(found, made)
    assert found.provenance.source == "npz"
    assert found.provenance.digest == local.archive_digest(tmp_path / "mine.npz")
    assert "not compared with the official one" in found.provenance.order
    assert_same(local.read(tmp_path), made)


def test_a_numpy_file_in_another_memory_order(made: Made, tmp_path: Path) -> None:
    path = forms.npz(
        made,
        tmp_path / "mine.npz",
        x_train=np.asfortranarray(made.train_images),
        y_train=made.train_labels.astype(">i4"),
    )
    assert_same(local.read(path), made)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("x_test", np.zeros((20, 3072), np.uint8), "x_test of uint8 [n, 32, 32, 3], found uint8"),
        ("x_test", np.zeros((20, 32, 32, 3), np.float32), "x_test of uint8 [n, 32, 32, 3], found"),
        (
            "x_test",
            np.zeros((10_001, 32, 32, 3), np.uint8),
            "bytes in x_test, found uint8 [10001, 32, 32, 3]",
        ),
        ("y_test", np.zeros((20, 10)), "y_test of 20 whole numbers, found float64 [20, 10]"),
        ("y_test", np.zeros(19, int), "y_test of 20 whole numbers, found int64 [19]"),
        ("y_test", np.full(20, 57), "test: expected labels from 0 to 9, found 57 at image 0"),
        ("y_test", np.array([None] * 20), "an .npz with x_train, y_train, x_test, y_test, found"),
    ],
)
def test_other_arrays_are_refused(
    name: str, array: np.ndarray, said: str, made: Made, tmp_path: Path
) -> None:
    assert said in refusal(forms.npz(made, tmp_path / "mine.npz", **{name: array}))


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("attacked",)


def test_a_numpy_file_runs_nothing(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = forms.npz(made, tmp_path / "mine.npz", y_test=np.array([Attack()] * 20))
    assert "Object arrays cannot be loaded when allow_pickle=False" in refusal(path)
    assert not (tmp_path / "attacked").exists()


def test_a_numpy_header_is_not_believed(made: Made, tmp_path: Path) -> None:
    """NumPy would make room for as much as it says."""
    stream = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (2**40,)}
    np.lib.format.write_array_header_1_0(stream, header)
    path = forms.npz(made, tmp_path / "whole.npz")
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    path = forms.zipped({**files, "y_test.npy": stream.getvalue()}, tmp_path / "mine.npz")
    assert f"bytes in y_test, found uint8 [{2**40}]" in refusal(path)


def test_a_numpy_file_of_other_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, data=np.zeros(3))
    assert refusal(path) == (
        f"{path}: expected the arrays x_train, y_train, x_test, y_test, found data; save them with "
        "numpy.savez under these names"
    )


# Parquet.


@pytest.mark.parametrize("column", ["img", "image"])
@pytest.mark.parametrize("folder", ["", "plain_text", "data"])
def test_parquet_files(folder: str, column: str, made: Made, tmp_path: Path) -> None:
    files = forms.parquets(made, tmp_path / folder, column=column)
    for path in (tmp_path, files, files / "train-00000-of-00001.parquet"):
        found = local.read(path)
        assert_same(found, made)
        assert found.provenance.source == "parquet"
        assert "not the official one" in found.provenance.order


def test_parquet_files_in_several_parts(made: Made, tmp_path: Path) -> None:
    forms.parquets(made, tmp_path)
    (tmp_path / "train-00000-of-00001.parquet").unlink()
    for part, rows in enumerate((slice(0, 60), slice(60, 100))):
        path = tmp_path / f"train-0000{part}-of-00002.parquet"
        forms.parquet(made.train_images[rows], made.train_labels[rows], path)
    assert_same(local.read(tmp_path), made)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (b"GIF89a", "not a PNG of 32 x 32 pixels in 8-bit RGB"),
        (forms.png(np.zeros((33, 32, 3), np.uint8)), "not a PNG of 32 x 32 pixels"),
        (forms.png(np.zeros((32, 32), np.uint8)), "not a PNG of 32 x 32 pixels"),
        (forms.png(np.zeros((32, 32, 3), np.uint8))[:-30], "found something else ("),
        (forms.png(np.zeros((32, 32, 3), np.uint8)) + bytes(png.LARGEST), "bytes of content"),
    ],
    ids=["no PNG", "another size", "grey", "cut off", "too large"],
)
def test_other_pictures_are_refused(
    picture: bytes, said: str, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As TFDS has it, once it is used.
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    forms.parquets(made, tmp_path)
    path = tmp_path / "test-00000-of-00001.parquet"
    forms.parquet([picture], np.array([1]), path)
    found = refusal(tmp_path)
    assert found.startswith(f"{path}: expected PNG pictures of 32 x 32 pixels (img or image)")
    assert said in found


def test_a_picture_has_a_largest_size() -> None:
    whole = forms.png(np.zeros((32, 32, 3), np.uint8))
    assert (png.decode(whole) == 0).all()
    with pytest.raises(ValueError, match="bytes, and a picture has at most 65536"):
        png.decode(whole + bytes(png.LARGEST))


def test_parquet_files_that_are_not_what_they_should_be(made: Made, tmp_path: Path) -> None:
    forms.parquets(made, tmp_path)
    path = tmp_path / "test-00000-of-00001.parquet"
    forms.parquet(made.test_images, made.test_labels, path, column="picture")
    assert "columns picture, label instead of img and label" in refusal(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    assert "found something else" in refusal(tmp_path)
    path.unlink()
    assert refusal(tmp_path) == (
        f"{tmp_path}: expected train*.parquet and test*.parquet, at most 100 files, found 1 and 0; "
        "give the folder that holds both"
    )


# PNG folders.


def test_png_folders(made: Made, tmp_path: Path) -> None:
    forms.png_folder(made.train_images, made.train_labels, tmp_path, "train")
    forms.png_folder(made.test_images, made.test_labels, tmp_path, "test")
    found = local.read(tmp_path)
    assert_same(found, made)
    assert found.provenance.source == "png"
    assert found.provenance.stamp.endswith(" of 122 files")
    assert found.provenance.order == "by the pictures' numbers, which is not the official one"


def test_without_labels_of_test_pictures_there_is_no_test_split(made: Made, tmp_path: Path) -> None:
    forms.png_folder(made.train_images, made.train_labels, tmp_path / "kaggle", "train")
    # More test pictures than CIFAR-10 has, as in the competition.
    (tmp_path / "kaggle" / "test").mkdir()
    (tmp_path / "kaggle" / "test" / "1.png").write_bytes(b"not looked at")
    place = str(tmp_path / "data")
    builder = Builder(config="flip", data_dir=place, source=tmp_path / "kaggle")
    builder.download_and_prepare()
    assert list(builder.info.splits) == ["train"]
    assert len(builder.as_dataset("train")) == 100
    with pytest.raises(ValueError, match="'test'"):
        builder.as_dataset("test")
    # Read again, and compared with the source.
    again = Builder(config="flip-x1", data_dir=place, source=tmp_path / "kaggle")
    again.download_and_prepare()
    frozen = tfds.load("cifar10_aug/flip-x1", data_dir=place, split="train", batch_size=-1)
    assert (frozen["label"].numpy() == made.train_labels).all()
    told = run("info", "--data-dir", place).output
    assert "order:    by the pictures' numbers, which is not the official one; without" in told


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("label,id\n1,frog\n", "the columns label,id"),
        ("id,label\n1,frog\n1,cat\n", "a number twice"),
        ("id,label\n1,horse riding\n", "the label horse riding"),
        ("id,label\n../1,frog\n", "the row ../1,frog"),
        ("id,label\n1\n", "the row 1"),
        ("", "found something else"),
        ("id,label\n" + "1,frog\n" * 10**6, "7000009 bytes"),
    ],
)
def test_other_tables_are_refused(table: str, said: str, made: Made, tmp_path: Path) -> None:
    forms.png_folder(made.train_images[:2], made.train_labels[:2], tmp_path, "train")
    (tmp_path / "trainLabels.csv").write_text(table)
    assert said in refusal(tmp_path)


def test_pictures_that_are_missing_or_damaged(made: Made, tmp_path: Path) -> None:
    forms.png_folder(made.train_images[:3], made.train_labels[:3], tmp_path, "train")
    (tmp_path / "train" / "2.png").write_bytes(b"x")
    path = tmp_path / "train" / "2.png"
    assert refusal(tmp_path) == (
        f"{path}: expected a PNG of 32 x 32 pixels, found something else (not a PNG of 32 x 32 "
        "pixels in 8-bit RGB); get the file again"
    )
    path.unlink()
    assert refusal(tmp_path) == (
        f"{path}: expected the picture that trainLabels.csv names, found none; unpack the pictures "
        "again"
    )


# Recorded.


def test_the_order_is_recorded_and_told(made: Made, tmp_path: Path) -> None:
    source = forms.npz(made, tmp_path / "mine.npz")
    place = str(tmp_path / "data")
    builder = Builder(config="plain", data_dir=place, source=source)
    builder.download_and_prepare()
    assert builder.info.metadata["official"] is False
    assert builder.info.metadata["content"] == local.read(source).content_digest()
    told = run("info", "--data-dir", place).output
    assert "order:    that of the file, which is not compared with the official one" in told
    assert "official: no (checked: no checksum is published for this format)" in told
    # The same content from another form is no other source.
    tar = archives.write_folder(made, tmp_path, BINARY)
    Builder(config="plain", data_dir=place, source=tar).as_dataset("train")


def test_an_official_order_is_not_told(data_dir: str) -> None:
    assert "order:" not in run("info", "--data-dir", data_dir).output
    folder = Path(data_dir, "cifar10_aug", "plain", "1.0.0")
    assert json.loads((folder / "metadata.json").read_text())["order"] == OFFICIAL_ORDER


# What other libraries have downloaded.


@pytest.fixture
def cached(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    """The places that are looked into; the made files are the published ones."""
    published = archives.pretended(sources["python folder"], python=sources["python archive"])
    monkeypatch.setattr(Builder, "_published", published)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(caches, "ROOTS", (".", "data", "~/data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    keras = tmp_path / "keras" / "datasets"
    return {
        "Keras 3": keras / "cifar-10-batches-py-target" / "cifar-10-batches-py",
        "Keras 3, flat": keras / "cifar-10-batches-py-target",
        "Keras 2": keras / "cifar-10-batches-py",
        "the archive of Keras 3": keras / "cifar-10-batches-py-target_archive",
        "the archive of Keras 2": keras / "cifar-10-batches-py.tar.gz",
        "here": here / "cifar-10-batches-py",
        "./data": here / "data" / "cifar-10-batches-py",
        "~/data": tmp_path / "home" / "data" / "cifar-10-batches-py",
        "an archive here": here / "cifar-10-python.tar.gz",
    }


PLACES = (
    *("Keras 3", "Keras 3, flat", "Keras 2", "the archive of Keras 3", "the archive of Keras 2"),
    *("here", "./data", "~/data", "an archive here"),
)


def put(source: dict[str, Path], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.name.endswith(("archive", ".gz")):
        shutil.copy(source["python archive"], place)
    else:
        shutil.copytree(source["python folder"], place)


@pytest.mark.parametrize("name", PLACES)
def test_what_other_libraries_have_downloaded_is_found(
    name: str,
    cached: dict[str, Path],
    sources: dict[str, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put(sources, cached[name])
    builder = Builder(config="plain", data_dir=str(tmp_path / "tfds"))
    builder.download_and_prepare()
    assert builder.info.metadata["official"] is True
    (said,) = caplog.messages
    assert said.startswith("Taking what another library has downloaded: ")


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    from cifar10_aug.data.sources import downloading

    def nothing(*args: Any, **kwargs: Any) -> None:
        raise downloading.NoServerError("asked")

    monkeypatch.setattr(downloading, "fetch", nothing)


def cut(folder: Path) -> None:
    (folder / "data_batch_1").write_bytes(b"cut")


def another(folder: Path) -> None:
    """Whole, and not official."""
    content = pickle.loads((folder / "data_batch_1").read_bytes())
    (folder / "data_batch_1").write_bytes(pickle.dumps({**content, b"batch_label": b"another"}))


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize(
    ("damage", "said"),
    [(cut, "Leaving out what another library has downloaded: "), (another, "source=PATH takes it")],
)
def test_what_is_found_unasked_is_official_or_left_out(
    damage: Callable[[Path], None],
    said: str,
    cached: dict[str, Path],
    sources: dict[str, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put(sources, cached["here"])
    damage(cached["here"])
    with pytest.raises(SourceError, match="asked; CIFAR-10 can come from"):
        Builder(config="plain", data_dir=str(tmp_path / "tfds")).download_and_prepare()
    (message,) = caplog.messages
    assert said in message
    put(sources, cached["~/data"])
    Builder(config="plain", data_dir=str(tmp_path / "tfds")).download_and_prepare()


@pytest.mark.usefixtures("no_download")
def test_with_a_mirror_nothing_else_is_looked_for(
    cached: dict[str, Path], sources: dict[str, Path], tmp_path: Path
) -> None:
    put(sources, cached["here"])
    with pytest.raises(SourceError, match="asked"):
        Builder(
            config="plain", data_dir=str(tmp_path / "tfds"), mirror="http://127.0.0.1/x"
        ).download_and_prepare()
