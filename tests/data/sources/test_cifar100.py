"""CIFAR-100 in the forms in which CIFAR-10 is read, and each in place of the other."""

import dataclasses
import hashlib
from pathlib import Path

import pytest

from cifar10_aug.builders.cifar100_aug_dataset_builder import Builder
from cifar10_aug.data.images import LabelledSplits
from cifar10_aug.data.sources import caches, choose, downloading, local, official, tfds_cifar
from cifar10_aug.data.sources.official import CIFAR10, CIFAR100, Layout, Published
from cifar10_aug.errors import SourceError
from tests import archives
from tests.archives import Made
from tests.data.sources import forms
from tests.data.sources.test_tfds_cifar import prepare

BINARY, PYTHON = CIFAR100.layouts


@pytest.fixture(scope="module")
def hundred() -> Made:
    return archives.make(classes=100)


def assert_same(found: LabelledSplits, made: Made) -> None:
    for split, images, labels in (
        (found.train, made.train_images, made.train_labels),
        (found.test, made.test_images, made.test_labels),
    ):
        assert (split.images == images).all()
        assert (split.labels == labels).all()


def refusal(path: Path, published: Published = CIFAR100) -> str:
    with pytest.raises(SourceError) as error:
        local.read(path, published=published)
    return str(error.value)


@pytest.mark.parametrize("layout", CIFAR100.layouts, ids=lambda layout: layout.kind)
def test_published_layouts(layout: Layout, hundred: Made, tmp_path: Path) -> None:
    folder = archives.write_folder(hundred, tmp_path / "unpacked", layout)
    archive = archives.pack(folder, tmp_path / layout.archive)
    for path in (folder, folder.parent, archive, tmp_path):
        assert_same(local.read(path, published=CIFAR100), hundred)


def test_what_is_published_is_recognised(
    hundred: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = archives.write_folder(hundred, tmp_path / "unpacked", PYTHON)
    assert not local.read(folder, published=CIFAR100).provenance.official
    md5 = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in PYTHON.files}
    layouts = (BINARY, dataclasses.replace(PYTHON, file_digests=md5))
    published = dataclasses.replace(CIFAR100, layouts=layouts)
    assert local.read(folder, published=published).provenance.official
    # Where Keras and torchvision keep them.
    for keras in ("cifar-100-python-target/cifar-100-python", "cifar-100-python"):
        home = tmp_path / keras[-20:].replace("/", "-")
        place = home / "datasets" / keras
        place.mkdir(parents=True)
        for file in folder.iterdir():
            (place / file.name).write_bytes(file.read_bytes())
        monkeypatch.setenv("KERAS_HOME", str(home))
        found = caches.read(published)
        assert found is not None
        assert_same(found, hundred)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "nowhere"))
    assert caches.read(published) is None
    monkeypatch.setattr(caches, "ROOTS", (str(folder.parent),))
    assert caches.read(published) is not None


def test_official_facts() -> None:
    assert [(one.archive, one.size, one.digest[:13]) for one in CIFAR100.layouts] == [
        ("cifar-100-binary.tar.gz", 168_513_733, "sha256:58a81a"),
        ("cifar-100-python.tar.gz", 169_001_437, "sha256:85cd44"),
    ]
    (offer,) = downloading.offers(CIFAR100, None)
    assert offer.url == "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    assert offer.layouts == (PYTHON,)
    assert downloading.offers(CIFAR100, "http://here")[0].layouts == CIFAR100.layouts


def test_coarse_labels_that_do_not_belong_are_refused(hundred: Made, tmp_path: Path) -> None:
    folder = archives.write_folder(hundred, tmp_path, BINARY)
    data = bytearray((folder / "train.bin").read_bytes())
    label = int(hundred.train_labels[2])
    right = data[2 * 3074]
    assert data[2 * 3074 + 1] == label
    data[2 * 3074] = wrong = (right + 1) % 20
    (folder / "train.bin").write_bytes(data)
    assert refusal(folder) == (
        f"{folder}/train.bin: expected the coarse_label {right} beside the label {label}, found "
        f"{wrong} at image 2; it is damaged or not CIFAR-100: get the file again"
    )


def test_a_file_that_is_cut_off_says_what_a_record_is(hundred: Made, tmp_path: Path) -> None:
    folder = archives.write_folder(hundred, tmp_path, BINARY)
    (folder / "test.bin").write_bytes(bytes(3073))
    assert refusal(folder) == (
        f"{folder}/test.bin: expected a multiple of 3074 bytes (a coarse label and a fine label "
        "and a 32 x 32 image each), found 3073 bytes; it is cut off or not CIFAR-100: get the "
        "file again"
    )


def test_a_pickle_without_coarse_labels_is_refused(hundred: Made, tmp_path: Path) -> None:
    folder = archives.write_folder(hundred, tmp_path, PYTHON)
    data = (folder / "test").read_bytes().replace(b"coarse_labels", b"course_labels")
    (folder / "test").write_bytes(data)
    assert refusal(folder) == (
        f"{folder}/test: expected a pickled CIFAR-100 batch (data and coarse_labels and "
        "fine_labels), found something else (it has no coarse_labels); get the file again"
    )


def test_parquet_files(hundred: Made, tmp_path: Path) -> None:
    columns = {"label": "fine_label", "coarse": CIFAR100.dataset}
    forms.parquets(hundred, tmp_path / "cifar100", **columns)
    for path in (tmp_path, tmp_path / "cifar100"):
        assert_same(local.read(path, published=CIFAR100), hundred)
    forms.parquets(hundred, tmp_path / "other", label="fine_label")
    assert "columns img, fine_label instead of img and fine_label and coarse_label" in refusal(
        tmp_path / "other"
    )


def test_a_numpy_file(hundred: Made, made: Made, tmp_path: Path) -> None:
    assert_same(
        local.read(forms.npz(hundred, tmp_path / "hundred.npz"), published=CIFAR100), hundred
    )
    ten = forms.npz(made, tmp_path / "ten.npz")
    # One that has not as many images as CIFAR-100 has classes could be of a few of them.
    assert len(made.train_labels) == 100
    assert refusal(ten) == (
        f"{ten}: {CIFAR100.expected}, found CIFAR-10 (labels below 10 alone); it is another "
        "dataset: load it as cifar10_aug, or give CIFAR-100"
    )
    small = dataclasses.replace(
        made, train_images=made.train_images[:99], train_labels=made.train_labels[:99]
    )
    assert_same(local.read(forms.npz(small, tmp_path / "s.npz"), published=CIFAR100), small)


@pytest.mark.parametrize(("given", "asked"), [(CIFAR10, CIFAR100), (CIFAR100, CIFAR10)])
@pytest.mark.parametrize("kind", [0, 1])
def test_one_in_place_of_the_other_is_one_clear_error(
    given: Published, asked: Published, kind: int, made: Made, hundred: Made, tmp_path: Path
) -> None:
    layout = given.layouts[kind]
    content = made if given is CIFAR10 else hundred
    folder = archives.write_folder(content, tmp_path / "unpacked", layout)
    archive = archives.pack(folder, tmp_path / "x.tar.gz")
    found = f"found {given.title} ({layout.folder}); it is another dataset: load it as "
    for path in (archive, folder, folder.parent):
        assert refusal(path, asked) == (
            f"{path}: {asked.expected}, {found}{given.name}_aug, or give {asked.title}"
        )
    renamed = folder.rename(tmp_path / "mine")
    assert refusal(renamed, asked).startswith(f"{renamed}: {asked.expected}, {found}")


def test_the_one_that_tfds_has_prepared(hundred: Made, made: Made, tmp_path: Path) -> None:
    prepare(tmp_path, made, CIFAR10)
    assert tfds_cifar.read(tmp_path, CIFAR100) is None
    prepare(tmp_path, hundred, CIFAR100)
    found = tfds_cifar.read(tmp_path, CIFAR100)
    assert found is not None
    assert_same(found, hundred)
    assert found.provenance.name == "cifar100/3.0.2"


def test_environment_variables_are_its_own(
    hundred: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = archives.write_folder(hundred, tmp_path, PYTHON)
    monkeypatch.setenv("CIFAR10_AUG_SOURCE", str(tmp_path / "ten"))
    monkeypatch.setenv("CIFAR100_AUG_SOURCE", str(folder))
    monkeypatch.setenv("CIFAR100_AUG_MIRROR", "http://here")
    assert CIFAR10.environment_source == str(tmp_path / "ten")
    assert choose.environment_mirror(CIFAR10) is None
    assert choose.environment_mirror(CIFAR100) == "http://here"
    builder = Builder(config="plain", data_dir=str(tmp_path / "data"))
    builder.download_and_prepare()
    assert builder.info.metadata["name"] == "cifar-100-python"


def test_errors_name_its_ways(tmp_path: Path) -> None:
    ways = choose.ways("DATA", Path("MANUAL"), CIFAR100)
    assert ways.startswith("CIFAR-100 can come from")
    for part in (
        "CIFAR100_AUG_SOURCE",
        "CIFAR100_AUG_MIRROR",
        "a cifar100 that TFDS has prepared",
        "cifar10-aug prepare --dataset cifar100",
    ):
        assert part in ways
    assert "cifar10-aug prepare)" in choose.ways("DATA", Path("MANUAL"), CIFAR10)


def test_commands_are_told_of_what_is_not_the_default() -> None:
    found = {name: official.option(name) for name in (*official.PUBLISHED, "cifar10_aug_sample")}
    assert found == {
        "cifar10_aug": "",
        "cifar100_aug": " --dataset cifar100",
        "cifar10_aug_sample": " --sample",
    }
