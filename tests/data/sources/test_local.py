import gzip
import io
import os
import pickle
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest

from cifar10_aug.data.sources import archives as archives_read
from cifar10_aug.data.sources import batch_file, local, official
from cifar10_aug.data.sources.official import BINARY, CIFAR10, PYTHON, Layout
from cifar10_aug.errors import SourceError
from tests import archives

KINDS = ["binary folder", "python folder", "binary archive", "python archive"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_layout_holds_the_same_images_in_official_order(
    kind: str, sources: dict[str, Path], made: archives.Made
) -> None:
    found = local.read(sources[kind])
    assert (found.train.images == made.train_images).all()
    assert (found.train.labels == made.train_labels).all()
    assert (found.test.images == made.test_images).all()
    assert (found.test.labels == made.test_labels).all()
    assert found.train.labels.dtype == np.int64


@pytest.mark.parametrize("kind", KINDS)
def test_made_images_are_not_official(kind: str, sources: dict[str, Path]) -> None:
    provenance = local.read(sources[kind]).provenance
    assert not provenance.official
    assert provenance.source == kind.split()[1]
    assert provenance.name == sources[kind].name
    assert provenance.digest == local.archive_digest(sources[kind])


@pytest.mark.parametrize("layout", CIFAR10.layouts, ids=lambda layout: layout.kind)
def test_an_archive_with_the_published_digest_is_official(
    layout: Layout, sources: dict[str, Path]
) -> None:
    path = sources[f"{layout.kind} archive"]
    pretended = archives.pretended(**{layout.kind: path})
    assert local.read(path, published=pretended).provenance.official
    assert not local.read(path).provenance.official


def test_a_python_folder_with_the_published_digests_is_official(sources: dict[str, Path]) -> None:
    folder = sources["python folder"]
    pretended = archives.pretended(folder)
    assert local.read(folder, published=pretended).provenance.official
    assert not local.read(folder).provenance.official


def test_the_folder_around_the_folder_works_too(sources: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / PYTHON.folder).symlink_to(sources["python folder"])
    assert len(local.read(tmp_path).train) == 100


def test_find_prefers_what_is_there(sources: dict[str, Path], tmp_path: Path) -> None:
    assert local.find(tmp_path) is None
    (tmp_path / PYTHON.folder).symlink_to(sources["python folder"])
    assert local.find(tmp_path) == tmp_path / PYTHON.folder
    (tmp_path / BINARY.archive).symlink_to(sources["binary archive"])
    assert local.find(tmp_path) == tmp_path / BINARY.archive


def test_content_is_the_same_whatever_file_it_came_from(sources: dict[str, Path]) -> None:
    assert len({local.read(sources[kind]).content_digest() for kind in KINDS}) == 1
    assert len({local.archive_digest(sources[kind]) for kind in KINDS}) == 4


EXPECTED = (
    "expected CIFAR-10: cifar-10-binary.tar.gz or cifar-10-python.tar.gz, a tar or zip of the same "
    "files, the folder unpacked from one (cifar-10-batches-bin, cifar-10-batches-py), an .npz, "
    "Parquet files or PNG folders"
)


def assert_refused(path: Path, message: str) -> None:
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(SourceError) as error:
        local.read(path)
    assert str(error.value) == message
    assert sorted(path.parent.rglob("*")) == before


def test_nothing_at_the_path(tmp_path: Path) -> None:
    path = tmp_path / "missing.tar.gz"
    assert_refused(path, f"{path}: {EXPECTED}, found nothing there; check the path")


def test_a_web_page_instead_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / BINARY.archive
    path.write_text("\n<!DOCTYPE html><html>Not found</html>")
    assert_refused(
        path,
        f"{path}: {EXPECTED}, found a web page (the download was answered with HTML); "
        "download it again",
    )


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        (BINARY.archive, b"", "an empty file; download it again"),
        (BINARY.archive, b"\x89HDF", "a file of another kind; check the path"),
        (
            "x.7z",
            b"7z\xbc\xaf'\x1c\0",
            "a 7z archive, which is not read; unpack it, and give the folder",
        ),
        (
            "data_batch_1.bin",
            bytes(3073),
            "one batch of several; give the folder that holds it, {parent}",
        ),
    ],
)
def test_some_other_file(name: str, content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert_refused(path, f"{path}: {EXPECTED}, found {found.format(parent=tmp_path)}")


@pytest.mark.parametrize("kind", ["binary archive", "python archive"])
@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.99])
def test_a_truncated_archive(
    kind: str, share: float, sources: dict[str, Path], tmp_path: Path
) -> None:
    whole = sources[kind].read_bytes()
    path = tmp_path / sources[kind].name
    path.write_bytes(whole[: max(20, int(len(whole) * share))])
    with pytest.raises(
        SourceError, match=re.escape(f"{path}: expected a whole archive (")
    ) as error:
        local.read(path)
    assert "170052171 bytes" in str(error.value)
    assert str(error.value).endswith("; download it again")


def test_a_flipped_bit_in_an_archive(sources: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(sources["binary archive"].read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / BINARY.archive
    path.write_bytes(data)
    with pytest.raises(SourceError):
        local.read(path)


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "readme.html").touch()
    assert_refused(
        tmp_path,
        f"{tmp_path}: {EXPECTED}, found a folder with readme.html; give the folder that holds "
        "data_batch_1.bin or data_batch_1",
    )


def copy_of(folder: Path, to: Path) -> Path:
    target = to / folder.name
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_a_missing_file(sources: dict[str, Path], tmp_path: Path) -> None:
    folder = copy_of(sources["binary folder"], tmp_path)
    (folder / "test_batch.bin").unlink()
    assert_refused(
        folder,
        f"{folder}: expected the files {', '.join(BINARY.files)}, found no test_batch.bin; "
        "unpack the archive again",
    )


def test_a_file_of_the_wrong_length(sources: dict[str, Path], tmp_path: Path) -> None:
    folder = copy_of(sources["binary folder"], tmp_path)
    file = folder / "data_batch_3.bin"
    file.write_bytes(file.read_bytes()[:-1])
    assert_refused(
        folder,
        f"{file}: expected a multiple of 3073 bytes (a label and a 32 x 32 image each), found "
        f"{20 * 3073 - 1} bytes; it is cut off or not CIFAR-10: get the file again",
    )


def test_a_file_that_lacks_whole_images(sources: dict[str, Path], tmp_path: Path) -> None:
    folder = copy_of(sources["binary folder"], tmp_path)
    file = folder / "data_batch_3.bin"
    file.write_bytes(file.read_bytes()[: 19 * 3073])
    assert_refused(
        folder,
        f"{folder}: expected as many images in each training file, found 20 in data_batch_1.bin, "
        "20 in data_batch_2.bin, 19 in data_batch_3.bin, 20 in data_batch_4.bin, "
        "20 in data_batch_5.bin; one of them is cut off: get the file again",
    )


@pytest.mark.parametrize("layout", CIFAR10.layouts, ids=lambda layout: layout.kind)
def test_a_label_above_nine(layout: Layout, made: archives.Made, tmp_path: Path) -> None:
    folder = archives.write_folder(made, tmp_path, layout)
    labels = made.test_labels.copy()
    labels[7] = 10
    file = folder / layout.test
    file.write_bytes(archives.file_bytes(made.test_images, labels, layout))
    assert_refused(
        folder,
        f"{file}: expected labels from 0 to 9, found 10 at image 7; "
        "it is damaged or not CIFAR-10: get the file again",
    )


def archive_with(member: tarfile.TarInfo, data: bytes, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    member.type, member.linkname = kind, "/etc/passwd"
    path = archive_with(member, b"", tmp_path / BINARY.archive)
    assert_refused(
        path,
        f"{path}: cifar-10-batches-bin/data_batch_1.bin: expected a regular file, found a link or "
        "device; it is not the published archive: download it again",
    )


@pytest.mark.parametrize(
    "name", ["/cifar-10-batches-bin/data_batch_1.bin", "../cifar-10-batches-bin/data_batch_1.bin"]
)
def test_members_elsewhere_are_not_read_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    member = tarfile.TarInfo(name)
    member.size = 3073
    path = archive_with(member, bytes(3073), tmp_path / BINARY.archive)
    assert_refused(
        path,
        f"{path}: {EXPECTED}, found an archive with {name}; give one that holds data_batch_1.bin "
        "or data_batch_1",
    )


def test_an_archive_that_unpacks_to_far_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives_read, "LARGEST_ARCHIVE", 10**6)
    path = tmp_path / BINARY.archive
    with gzip.open(path, "wb", compresslevel=1) as file:
        header = tarfile.TarInfo("large")
        header.size = 3 * 10**6
        file.write(header.tobuf() + bytes(header.size))
    assert_refused(
        path, f"{path}: expected at most 1000000 bytes of content, found more; it is not CIFAR-10"
    )


def test_a_member_that_is_far_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_file, "largest", lambda layout, published: 3000)
    member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    member.size = 3073
    path = archive_with(member, bytes(3073), tmp_path / BINARY.archive)
    assert_refused(
        path,
        f"{path}: cifar-10-batches-bin/data_batch_1.bin: expected at most 3000 bytes, found 3073; "
        "it is not CIFAR-10",
    )


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("attacked",)


@pytest.mark.parametrize(
    "content",
    [
        Attack(),
        {b"data": Attack(), b"labels": [1]},
        {b"data": np.zeros((1, 3072), np.float32), b"labels": [1]},
        {b"data": np.zeros((1, 3072), object), b"labels": [1]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]},
        {b"data": np.zeros((1, 3071), np.uint8), b"labels": [1]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": "x"},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": ["x"]},
        {b"labels": [1]},
        [],
    ],
    ids=[
        *("code", "code inside", "floats", "objects", "another number", "another size"),
        *("a text as labels", "a text as label", "no images", "no dictionary"),
    ],
)
def test_a_pickle_of_anything_else_is_refused_and_runs_nothing(
    content: object, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = copy_of(sources["python folder"], tmp_path)
    (folder / "data_batch_2").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(SourceError, match="expected a pickled CIFAR-10 batch") as error:
        local.read(folder)
    assert "data_batch_2" in str(error.value)
    assert not (tmp_path / "attacked").exists()


def test_a_pickle_by_python_2_is_read(made: archives.Made, tmp_path: Path) -> None:
    # What the published files look like: byte strings as keys and as array data.
    rows = made.test_images[:2].transpose(0, 3, 1, 2).reshape(2, 3072)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        b"(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + (2 * 3072).to_bytes(4, "little") + rows.tobytes() + b"tb"
    )
    data = b"\x80\x02}(U\x04data" + array + b"U\x06labels](K\x03K\x04eu."
    found = batch_file.read(data, PYTHON, CIFAR10, "batch")
    assert (found.images == made.test_images[:2]).all()
    assert found.labels.tolist() == [3, 4]


def test_the_published_facts_are_consistent() -> None:
    for layout in CIFAR10.layouts:
        assert layout.urls[-1] == official.HOME + layout.archive
        for url in layout.urls:
            assert url.startswith("https://")
            assert url.endswith(f"/{layout.archive}")
        assert re.fullmatch("sha256:[0-9a-f]{64}", layout.digest)
        assert 168_000_000 < layout.size < 171_000_000
    # Per-file digests have a second use: the two that are published for one file must not be alike.
    assert len(set(PYTHON.file_digests.values())) == len(PYTHON.files)
