"""Archives that are damaged, or made to do harm, are refused; and nothing is left of them."""

import gzip
import io
import os
import random
import re
import resource
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources import archives as archives_read
from cifar10_aug.data.sources import batch_file, local
from cifar10_aug.data.sources.official import BINARY, CIFAR10, PYTHON
from cifar10_aug.errors import SourceError
from tests import archives
from tests.data.sources import damage

WHOLE = (
    "expected a whole archive (cifar-10-binary.tar.gz: 170052171 bytes or cifar-10-python.tar.gz: "
    "170498071 bytes), found one that is cut off or damaged"
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An archive of each layout, of twelve images."""
    place = tmp_path_factory.mktemp("tiny")
    made = archives.make(per_file=2)
    return {
        layout.kind: archives.pack(
            archives.write_folder(made, place, layout), place / layout.archive
        ).read_bytes()
        for layout in CIFAR10.layouts
    }


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as error:
        local.read(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", ["binary", "python"])
def test_an_archive_is_refused_wherever_it_is_cut_off(
    kind: str, tiny: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "cifar-10.tar.gz"
    for length in damage.places_of_truncation(tiny[kind]):
        path.write_bytes(tiny[kind][:length])
        said = refusal(path)
        if length >= 2:
            assert f"{path}: {WHOLE} ({length} bytes, " in said
            assert said.endswith("; download it again")


@pytest.mark.parametrize("members", range(1, 9))
def test_an_archive_is_refused_if_it_ends_between_members(
    members: int, tiny: dict[str, bytes], tmp_path: Path
) -> None:
    content = gzip.decompress(tiny["binary"])
    # The folder itself, the names of the classes, and six files of images, in any order.
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        names = [Path(member.name).name for member in tar]
    starts = [*damage.starts_of_members(content), len(content)]
    assert len(names) == 8
    path = tmp_path / BINARY.archive
    missing = sorted(set(BINARY.files) - set(names[:members]))
    nothing = not set(BINARY.files) & set(names[:members])
    for end in (b"", bytes(1024)):
        path.write_bytes(gzip.compress(content[: starts[members]] + end, 1))
        if nothing:
            assert f"{path}: {CIFAR10.expected}, found an archive with cifar-10-b" in refusal(path)
        elif missing:
            assert refusal(path) == (
                f"{path}: {CIFAR10.expected}, found an archive without {', '.join(missing)}; "
                "download it again"
            )
        else:
            assert len(local.read(path).train) == 10


def test_a_wrong_checksum_is_found_even_far_after_the_last_member(
    tiny: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / BINARY.archive
    for padding in (0, 3 * 2**20):
        data = gzip.compress(gzip.decompress(tiny["binary"]) + bytes(padding), 1)
        path.write_bytes(data)
        assert len(local.read(path).train) == 10
        path.write_bytes(damage.without_checksum(data))
        assert re.search(r"CRC check failed .*; download it again$", refusal(path))


def test_a_flipped_bit_is_found_or_changes_nothing(tiny: dict[str, bytes], tmp_path: Path) -> None:
    rng = random.Random(0)
    path = tmp_path / BINARY.archive
    path.write_bytes(tiny["binary"])
    content = local.read(path).content_digest()
    for _ in range(200):
        data = bytearray(tiny["binary"])
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            # As in the time of writing, or in the bits that fill up a byte.
            assert local.read(path).content_digest() == content
        except SourceError:
            continue


def test_headers_of_any_kind_are_read_or_refused(tiny: dict[str, bytes], tmp_path: Path) -> None:
    rng = random.Random(0)
    content = gzip.decompress(tiny["binary"])
    starts = damage.starts_of_members(content)
    path = tmp_path / BINARY.archive
    refused = 0
    for _ in range(300):
        changed = bytearray(content)
        start = rng.choice(starts)
        for _ in range(rng.choice([1, 1, 2, 5])):
            changed[start + rng.randrange(512)] = rng.choice([0, 0x80, 0xFF, *b"xgLKSXV", 0x2D])
        # With a type, and the checksum that goes with it, so that the header is believed.
        changed[start + 156] = rng.choice([changed[start + 156], *b"0123456789xgLKSXV"])
        block = changed[start : start + 512]
        changed[start + 148 : start + 156] = b"%06o\0 " % (
            256 + sum(block[:148]) + sum(block[156:])
        )
        path.write_bytes(gzip.compress(bytes(changed), 1))
        try:
            assert len(local.read(path).train) == 10
        except SourceError:
            refused += 1
    assert refused > 50


def test_headers_that_tarfile_stumbles_over_are_refused(tmp_path: Path) -> None:
    """Not as tarfile's own errors, of which some are no tarfile errors."""
    path = tmp_path / BINARY.archive
    for records in (
        {"GNU.sparse.map": "x,y", "GNU.sparse.size": "1"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "z"},
        {"size": "-1"},
        {"size": "9" * 30},
    ):
        member = tarfile.TarInfo(damage.MEMBER)
        member.pax_headers = records
        with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
            tar.addfile(member)
        assert "; " in refusal(path)
    damage.headers_in_headers(path, 3000)
    assert f"{path}: {WHOLE}" in refusal(path)


@pytest.mark.parametrize(
    "kind",
    [tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE],
    ids=["block device", "pipe", "folder"],
)
def test_what_is_no_file_is_refused(kind: bytes, tmp_path: Path) -> None:
    path = tmp_path / BINARY.archive
    path.write_bytes(gzip.compress(damage.header(damage.MEMBER, 0, kind) + bytes(1024)))
    assert refusal(path) == (
        f"{path}: {damage.MEMBER}: expected a regular file, found a link or device; it is not the "
        "published archive: download it again"
    )


def spent(path: Path) -> tuple[str, float, float]:
    """The error about an archive, seconds, and megabytes."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    said = refusal(path)
    seconds = time.process_time() - start
    return said, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1000


@pytest.mark.parametrize("name", ["zeros", damage.MEMBER])
def test_a_gzip_bomb_is_refused_before_it_is_inflated(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives_read, "LARGEST_ARCHIVE", 40 * 2**20)
    path = tmp_path / BINARY.archive
    size = 2**33
    damage.gzip_bomb(path, 8, damage.header(name, size))
    assert path.stat().st_size < 10 * 2**20
    said, seconds, megabytes = spent(path)
    assert said == (
        f"{path}: expected at most {40 * 2**20} bytes of content, found more; it is not CIFAR-10"
        if name == "zeros"
        else f"{path}: {name}: expected at most {batch_file.largest(BINARY, CIFAR10)} bytes, "
        f"found {size}; it is not CIFAR-10"
    )
    # Eight gigabytes take half a minute.
    assert seconds < 5
    assert megabytes < 50


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME]
)
def test_a_bomb_in_a_header_is_refused(kind: bytes, tmp_path: Path) -> None:
    path = damage.gzip_bomb(tmp_path / BINARY.archive, 1, damage.header("x", 2**29, kind))
    said, _, megabytes = spent(path)
    assert f"{path}: {WHOLE} ({path.stat().st_size} bytes, a header of {2**29} bytes)" in said
    assert megabytes < 50


def test_members_without_end_are_refused(tmp_path: Path) -> None:
    path = damage.members_without_end(tmp_path / BINARY.archive, 20_000)
    said, _, megabytes = spent(path)
    assert said == f"{path}: expected at most 1000 members, found more; it is not CIFAR-10"
    assert megabytes < 10


def test_a_file_that_is_larger_than_any_archive_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / BINARY.archive
    with open(path, "wb") as file:
        file.write(b"\x1f\x8b")
        file.truncate(2**40)
    assert refusal(path) == (
        f"{path}: expected at most {400 * 2**20} bytes, found {2**40}; it is not CIFAR-10"
    )


def test_a_pipe_is_not_waited_for(data_dir: str, tmp_path: Path) -> None:
    pipe = tmp_path / BINARY.archive
    os.mkfifo(pipe)
    expected = f"{pipe}: {CIFAR10.expected}, found a pipe or device; check the path"
    assert refusal(pipe) == expected
    # Where something is prepared, sources are compared with that.
    with pytest.raises(SourceError) as error:
        Builder(config="plain", data_dir=data_dir, source=pipe).download_and_prepare()
    assert str(error.value).startswith(f"{expected}; {data_dir}/cifar10_aug/plain/1.0.0 was")
    (tmp_path / BINARY.folder).mkdir()
    os.mkfifo(tmp_path / BINARY.folder / "data_batch_1.bin")
    assert "give the folder that holds data_batch_1.bin" in refusal(tmp_path / BINARY.folder)


def test_a_home_of_nobody_is_no_path(tmp_path: Path) -> None:
    path = "~nobody-has-this-name/cifar-10-binary.tar.gz"
    assert refusal(Path(path)) == f"{path}: {CIFAR10.expected}, found nothing there; check the path"


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def damaged_sources(tiny: dict[str, bytes], place: Path) -> list[Path]:
    """One of each kind."""
    made = archives.make(per_file=2)
    place.mkdir()
    cut, wrong, bomb = (place / f"{name}.tar.gz" for name in ("cut", "wrong", "bomb"))
    cut.write_bytes(tiny["python"][:-4])
    wrong.write_bytes(damage.without_checksum(tiny["binary"]))
    damage.gzip_bomb(bomb, 8, damage.header("zeros", 2**33))
    escaping = place / "escaping.tar.gz"
    with tarfile.open(escaping, "w:gz") as tar:
        for name in ("../../escaped", "/tmp/escaped", "x/../../escaped"):
            member = tarfile.TarInfo(name)
            member.size = 7
            tar.addfile(member, io.BytesIO(b"escaped"))
        for name, target in (("inside", "/"), ("inside/escaped", "/etc/passwd")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    attack = archives.write_folder(made, place, PYTHON)
    (attack / "data_batch_5").write_bytes(b"cos\nsystem\n(S'touch attacked'\ntR.")
    strange = archives.write_folder(made, place, BINARY)
    file = strange / "test_batch.bin"
    file.write_bytes(b"\x0a" + file.read_bytes()[1:])
    return [cut, wrong, bomb, escaping, attack, strange]


def test_nothing_is_left_of_a_bad_source_and_a_good_one_works_afterwards(
    tiny: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives_read, "LARGEST_ARCHIVE", 40 * 2**20)
    sources = damaged_sources(tiny, tmp_path / "sources")
    for name in ("here", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    manual = tmp_path / "data" / "downloads" / "manual"
    manual.mkdir(parents=True)
    before = everything(tmp_path)
    for source in sources:
        builder = Builder(config="flip", data_dir=str(tmp_path / "data"), source=source)
        with pytest.raises(SourceError):
            builder.download_and_prepare()
        assert everything(tmp_path) == before
        assert not builder.is_prepared()
        with pytest.raises(SourceError, match="no images are prepared in"):
            builder.as_dataset("train")
    # The same by the other way in.
    link = manual / BINARY.archive
    link.symlink_to(sources[0])
    with pytest.raises(SourceError, match=re.escape(f"{link}: {WHOLE}")):
        Builder(config="plain", data_dir=str(tmp_path / "data")).download_and_prepare()
    link.unlink()
    assert everything(tmp_path) == before
    (manual / BINARY.archive).write_bytes(tiny["binary"])
    good = Builder(config="flip", data_dir=str(tmp_path / "data"))
    good.download_and_prepare()
    assert everything(tmp_path / "here") == everything(tmp_path / "temporary") == []
    assert len(good.as_dataset("train")) == 10
