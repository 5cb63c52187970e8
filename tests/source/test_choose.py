import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cifar10_aug import SourceError
from cifar10_aug.cifar10_aug_dataset_builder import Builder
from cifar10_aug.source import choose, local
from cifar10_aug.source.official import BINARY, URL


def files_in(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def plain(data_dir: Path, **kwargs: Any) -> Builder:
    return Builder(config="plain", data_dir=str(data_dir), **kwargs)


def test_a_source_by_environment_variable(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(choose.SOURCE_VARIABLE, str(sources["python archive"]))
    builder = plain(tmp_path)
    builder.download_and_prepare()
    assert builder.info.metadata["name"] == "cifar-10-python.tar.gz"


def test_an_explicit_source_goes_before_the_environment(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(choose.SOURCE_VARIABLE, str(tmp_path / "nothing"))
    builder = plain(tmp_path / "data", source=sources["binary folder"])
    builder.download_and_prepare()
    assert builder.info.metadata["source"] == "folder"


@pytest.mark.parametrize("given", [True, False], ids=["manual_dir", "downloads/manual"])
def test_a_file_in_the_manual_folder(given: bool, sources: dict[str, Path], tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

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
    import dataclasses

    url, folder = server
    (folder / BINARY.archive).write_bytes(sources["binary archive"].read_bytes())
    digest = local.archive_digest(sources["binary archive"])
    monkeypatch.setattr(local, "LAYOUTS", (dataclasses.replace(BINARY, digest=digest),))
    monkeypatch.setenv(choose.MIRROR_VARIABLE, f"{url}/{BINARY.archive}")
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
        f"{address}: expected the official cifar-10-binary.tar.gz ({BINARY.digest}), found "
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
        f"{address}: could not be downloaded (Failed to get url {address}. HTTP code: 404.); "
        "CIFAR-10 can come from a local archive or unpacked folder (source=PATH, --source PATH or "
        f"CIFAR10_AUG_SOURCE), from a cifar10 that TFDS has prepared in {tmp_path}/data, from an "
        f"archive or folder that you put into {tmp_path}/data/downloads/manual, from images prepared in "
        f"TFDS's default folder (cifar10-aug prepare), or from a download of {URL} (mirror=URL or "
        "CIFAR10_AUG_MIRROR for another place)"
    )
    assert files_in(tmp_path / "data") == []
    assert not list((tmp_path / "data").rglob("*.tmp.*"))


def test_an_other_source_than_the_prepared_one_is_refused(
    data_dir: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    from tests import archives

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
