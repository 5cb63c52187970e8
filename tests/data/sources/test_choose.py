import http.server
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds

from cifar10_aug import SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources import choose, local
from cifar10_aug.data.sources.official import BINARY, CIFAR10, PYTHON, Published
from tests import archives
from tests.earlier import forget
from tests.frozen.freezing import freeze


def files_in(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def plain(data_dir: Path, **kwargs: Any) -> Builder:
    return Builder(config="plain", data_dir=str(data_dir), **kwargs)


def test_a_source_by_environment_variable(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR10_AUG_SOURCE", str(sources["python archive"]))
    builder = plain(tmp_path)
    builder.download_and_prepare()
    assert builder.info.metadata["name"] == "cifar-10-python.tar.gz"


def test_an_explicit_source_goes_before_the_environment(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR10_AUG_SOURCE", str(tmp_path / "nothing"))
    builder = plain(tmp_path / "data", source=sources["binary folder"])
    builder.download_and_prepare()
    assert builder.info.metadata["source"] == "folder"


@pytest.mark.parametrize("given", [True, False], ids=["manual_dir", "downloads/manual"])
def test_a_file_in_the_manual_folder(given: bool, sources: dict[str, Path], tmp_path: Path) -> None:
    manual = tmp_path / ("mine" if given else "downloads/manual")
    manual.mkdir(parents=True)
    (manual / BINARY.archive).symlink_to(sources["binary archive"])
    config = tfds.download.DownloadConfig(manual_dir=str(manual)) if given else None
    builder = plain(tmp_path)
    builder.download_and_prepare(download_config=config)
    assert builder.info.metadata["name"] == BINARY.archive


def test_a_bad_source_leaves_nothing_behind(tmp_path: Path) -> None:
    bad = tmp_path / "cifar-10-binary.tar.gz"
    bad.write_text("<html>")
    with pytest.raises(SourceError, match="found a web page"):
        plain(tmp_path / "data", source=bad).download_and_prepare()
    assert not (tmp_path / "data").exists()


class Server(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Keeps the tests' output quiet."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on this machine, and the folder it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    def handler(*args: object) -> Server:
        return Server(*args, directory=str(folder))  # type: ignore[arg-type]

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}", folder
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def test_a_mirror_that_has_the_official_file(
    server: tuple[str, Path],
    sources: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, folder = server
    (folder / BINARY.archive).write_bytes(sources["binary archive"].read_bytes())
    pretended = archives.pretended(binary=sources["binary archive"])
    monkeypatch.setattr(Builder, "_published", pretended)
    monkeypatch.setenv("CIFAR10_AUG_MIRROR", f"{url}/{BINARY.archive}")
    builder = plain(tmp_path / "data")
    builder.download_and_prepare()
    assert builder.info.metadata["official"] is True


def test_a_mirror_that_has_another_file(
    server: tuple[str, Path], sources: dict[str, Path], tmp_path: Path
) -> None:
    url, folder = server
    (folder / BINARY.archive).write_bytes(sources["binary archive"].read_bytes())
    address = f"{url}/{BINARY.archive}"
    with pytest.raises(SourceError) as error:
        plain(tmp_path / "data", mirror=address).download_and_prepare()
    assert str(error.value) == (
        f"{address}: expected the official cifar-10-binary.tar.gz ({BINARY.digest}) or "
        f"cifar-10-python.tar.gz ({PYTHON.digest}), found "
        f"{local.archive_digest(sources['binary archive'])}; use another mirror, or, if you trust "
        "the file, pass its path as source"
    )
    assert not (tmp_path / "data" / "cifar10_aug").exists()


def test_a_mirror_that_answers_with_a_page(server: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = server
    (folder / "login.html").write_text("<html>log in</html>")
    with pytest.raises(SourceError, match=re.escape("found a web page")):
        plain(tmp_path / "data", mirror=f"{url}/login.html").download_and_prepare()


def test_a_failed_download_names_the_ways_and_leaves_nothing(
    server: tuple[str, Path], tmp_path: Path
) -> None:
    address = f"{server[0]}/missing.tar.gz"
    with pytest.raises(SourceError) as error:
        plain(tmp_path / "data", mirror=address).download_and_prepare()
    assert str(error.value) == (
        f"{address}: could not be downloaded (HTTP status 404 File not found); "
        + choose.ways(tmp_path / "data", tmp_path / "data" / "downloads" / "manual", CIFAR10)
    )
    assert "from what Keras or torchvision has downloaded" in str(error.value)
    assert files_in(tmp_path / "data") == []


def test_an_other_source_than_the_prepared_one_is_refused(
    data_dir: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    # The same images in another layout are no other source.
    for kind in sources.values():
        Builder(config="plain", data_dir=data_dir, source=kind).download_and_prepare()
    other = archives.write_folder(archives.make(seed=1), tmp_path, BINARY)
    with pytest.raises(SourceError) as error:
        Builder(config="rotate", data_dir=data_dir, source=other).download_and_prepare()
    prepared = Builder(config="plain", data_dir=data_dir)
    assert str(error.value) == (
        f"{other}: these images ({local.read(other).content_digest()}) are not the ones that "
        f"{data_dir}/cifar10_aug/plain/1.0.0 was prepared from (archive cifar-10-binary.tar.gz, "
        f"{prepared.info.metadata['content']}); use another data_dir, or replace them with "
        "cifar10-aug prepare --overwrite"
    )


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """As many images as are prepared, and others."""
    return archives.write_folder(archives.make(seed=1), tmp_path / "other", BINARY)


def refused(source: Path, folder: Path, again: str = "prepare") -> str:
    metadata = json.loads((folder / "metadata.json").read_text())
    return (
        f"{source}: these images ({local.read(source).content_digest()}) are not the ones that "
        f"{folder} was prepared from (archive cifar-10-binary.tar.gz, {metadata['content']}); use "
        f"another data_dir, or replace them with cifar10-aug {again} --overwrite"
    )


def plain_folder(data_dir: str | Path) -> Path:
    return Path(data_dir) / "cifar10_aug" / "plain" / "1.0.0"


@pytest.mark.parametrize("config", ["plain", "flip"])
@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_no_other_images_than_those_of_a_named_source_are_read(
    config: str, engine: str, data_dir: str, other: Path
) -> None:
    kwargs = {"source": other, "engine": engine}
    name = f"cifar10_aug/{config}"
    with pytest.raises(SourceError) as error:
        tfds.load(name, data_dir=data_dir, builder_kwargs=kwargs)
    assert str(error.value) == refused(other, plain_folder(data_dir))
    builder = tfds.builder(name, data_dir=data_dir, **kwargs)
    with pytest.raises(SourceError) as error:
        builder.as_dataset("test")
    assert str(error.value) == refused(other, plain_folder(data_dir))


def test_a_source_named_by_the_variable_is_compared_too(
    data_dir: str, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR10_AUG_SOURCE", str(other))
    with pytest.raises(SourceError) as error:
        tfds.load("cifar10_aug/flip", data_dir=data_dir)
    assert str(error.value) == refused(other, plain_folder(data_dir))


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_frozen_epochs_are_compared_with_a_named_source(
    file_format: str, sources: dict[str, Path], other: Path, tmp_path: Path
) -> None:
    place = str(tmp_path)
    freeze(tmp_path, sources["binary archive"], "flip-x1", file_format=file_format)
    read = tfds.load if file_format == "tfrecord" else tfds.data_source
    for same in sources.values():
        read("cifar10_aug/flip-x1", data_dir=place, builder_kwargs={"source": same})
    with pytest.raises(SourceError) as error:
        read("cifar10_aug/flip-x1", data_dir=place, builder_kwargs={"source": other})
    folder = tmp_path / "cifar10_aug" / "flip-x1" / "1.0.0"
    assert str(error.value) == refused(other, folder, "export")


def test_a_named_source_that_is_not_there_is_an_error(data_dir: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(SourceError) as error:
        tfds.load("cifar10_aug/flip", data_dir=data_dir, builder_kwargs={"source": missing})
    metadata = json.loads((plain_folder(data_dir) / "metadata.json").read_text())
    assert str(error.value) == (
        f"{missing}: {CIFAR10.expected}, found nothing there; check the path; "
        f"{plain_folder(data_dir)} was prepared from archive cifar-10-binary.tar.gz, "
        f"{metadata['content']}: to use that, leave source and CIFAR10_AUG_SOURCE out"
    )


@pytest.mark.parametrize("kind", ["binary archive", "python folder"])
def test_a_source_is_read_again_only_if_it_has_changed(
    kind: str, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / sources[kind].name
    (shutil.copytree if sources[kind].is_dir() else shutil.copy)(sources[kind], source)
    builder = plain(tmp_path / "data", source=source)
    builder.download_and_prepare()
    reads: list[str] = []
    digest = local.archive_digest

    def counted(path: str, published: Published) -> str:
        reads.append(path)
        return digest(path, published)

    monkeypatch.setattr(local, "archive_digest", counted)
    for _ in range(2):
        plain(tmp_path / "data", source=source).as_dataset("test")
    assert reads == []
    file = source / "data_batch_3" if source.is_dir() else source
    os.utime(file, (1, 1))
    for _ in range(2):
        plain(tmp_path / "data", source=source).as_dataset("test")
    assert reads == [str(source)]


def test_a_relative_source_stays_where_it_was(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = sources["binary archive"]
    monkeypatch.chdir(archive.parent)
    builder = plain(tmp_path, source=archive.name)
    monkeypatch.chdir(tmp_path)
    builder.download_and_prepare()
    assert len(builder.as_dataset("train")) == 100


def test_what_an_earlier_version_has_prepared_is_compared_by_content(
    data_dir: str, sources: dict[str, Path], other: Path, tmp_path: Path
) -> None:
    shutil.copytree(data_dir, tmp_path / "data")
    folder = plain_folder(tmp_path / "data")
    forget(folder)
    for same in sources.values():
        plain(tmp_path / "data", source=same).as_dataset("train")
    with pytest.raises(SourceError) as error:
        plain(tmp_path / "data", source=other).as_dataset("train")
    assert str(error.value) == refused(other, folder)


def test_what_is_recorded_has_to_be_whole(
    data_dir: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(data_dir, tmp_path / "data")
    folder = plain_folder(tmp_path / "data")
    (folder / "metadata.json").write_text("{}")
    with pytest.raises(SourceError) as error:
        plain(tmp_path / "data", source=sources["binary archive"]).as_dataset("train")
    assert str(error.value) == (
        f"{folder}: the prepared images are damaged (metadata.json is not what was written); "
        "delete this folder and prepare them again"
    )


@pytest.fixture
def default_dir(data_dir: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prepared folder, which is now TFDS's default one."""
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", data_dir)
    return data_dir


def test_images_of_the_default_folder_are_found_and_said(
    default_dir: str, tmp_path: Path, made: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ds = tfds.load("cifar10_aug/plain", split="train", data_dir=str(tmp_path), batch_size=-1)
    assert (ds["image"].numpy() == made.train_images).all()
    assert caplog.messages == [
        f"Taking the images that are prepared in {plain_folder(default_dir)} "
        "(archive cifar-10-binary.tar.gz)."
    ]
    assert plain(tmp_path).info.metadata["source"] == "archive"


def test_what_is_in_the_same_folder_goes_before_the_default_folder(
    default_dir: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    manual = tmp_path / "downloads" / "manual"
    manual.mkdir(parents=True)
    (manual / BINARY.folder).symlink_to(sources["binary folder"])
    builder = plain(tmp_path)
    builder.download_and_prepare()
    assert builder.info.metadata["source"] == "folder"
