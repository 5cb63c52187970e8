"""Servers that are slow, broken or wrong: a clear error soon, and nothing that stays."""

import dataclasses
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cifar10_aug import SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources import choose, downloading, local
from cifar10_aug.data.sources.official import BINARY, PYTHON
from tests.cli.running import run
from tests.data.sources.servers import (
    PAGE,
    Handler,
    Server,
    a_block_now_and_then,
    a_byte_now_and_then,
    announces_too_much,
    around_and_around,
    comes_back_tomorrow,
    cut_off,
    cut_off_without_a_word,
    good,
    other_images,
    redirects_to_a_page,
    silent,
    silent_in_the_middle,
    slow_headers,
    with_another_time,
    without_end,
    wrong_bytes,
)


@pytest.fixture
def server(sources: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Whose good archive passes for the official one; and limits that are short."""
    monkeypatch.setattr(downloading, "ANSWER_SECONDS", 0.6)
    monkeypatch.setattr(downloading, "SPEED_SECONDS", 0.6)
    monkeypatch.setattr(downloading, "_GLANCE_SECONDS", 0.05)
    digest = local.archive_digest(sources["binary archive"])
    official = dataclasses.replace(BINARY, digest=digest)
    monkeypatch.setattr(local, "LAYOUTS", (official, PYTHON))
    serving = Server()
    serving.archive = sources["binary archive"].read_bytes()
    serving.answer = good
    monkeypatch.setattr(downloading, "LARGEST", len(serving.archive))
    thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield serving
    finally:
        serving.over.set()
        serving.shutdown()
        thread.join()
        serving.server_close()


SLOW = "could not be downloaded (no answer within 0.6 seconds); {ways}"
TOO_MUCH = (
    "could not be downloaded (more than the {size} bytes that cifar-10-binary.tar.gz has); {ways}"
)
# Where the number of bytes depends on the machine's speed there is a *.
CASES: dict[Callable[[Handler], None], str] = {
    silent: SLOW,
    slow_headers: SLOW,
    comes_back_tomorrow: SLOW,
    around_and_around: SLOW,
    silent_in_the_middle: (
        "could not be downloaded (only * bytes within 0.6 seconds; * of {size} bytes had arrived); "
        "{ways}"
    ),
    a_byte_now_and_then: (
        "could not be downloaded (only 0 bytes within 0.6 seconds; 0 of {size} bytes had arrived); "
        "{ways}"
    ),
    cut_off: (
        "could not be downloaded (('Connection broken: IncompleteRead(* bytes read, 1000 more "
        "expected)', IncompleteRead(* bytes read, 1000 more expected))); {ways}"
    ),
    cut_off_without_a_word: (
        "expected a whole archive (cifar-10-binary.tar.gz: 170052171 bytes or "
        "cifar-10-python.tar.gz: 170498071 bytes), found one that is cut off or damaged "
        "({size_less_1000} bytes, Compressed file ended before the end-of-stream marker was "
        "reached); download it again"
    ),
    announces_too_much: TOO_MUCH,
    without_end: TOO_MUCH,
    redirects_to_a_page: (
        "{expected}, found a web page (the download was answered with HTML); download it again"
    ),
    wrong_bytes: "{expected}, found a file that is not gzip-compressed; download it again",
    other_images: (
        "expected the official cifar-10-binary.tar.gz ({digest}), found {other_digest}; use "
        "another mirror, or, if you trust the file, pass its path as source"
    ),
}


def is_said(expected: str, said: str) -> bool:
    return re.fullmatch(re.escape(expected).replace(r"\*", r"\d+"), said) is not None


def resource_name(url: str) -> str:
    """What TFDS calls the file of a URL."""
    from tensorflow_datasets.core.download import resource

    return str(resource.get_dl_fname(url))


def files_in(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def ways(data_dir: Path) -> str:
    return choose.ways(data_dir, data_dir / "downloads" / "manual")


@pytest.mark.parametrize("answer", CASES, ids=lambda answer: answer.__name__)
def test_a_server_that_is_not_well_is_an_error_soon_and_nothing_is_left(
    answer: Callable[[Handler], None], server: Server, tmp_path: Path
) -> None:
    server.answer = answer
    builder = Builder(config="plain", data_dir=str(tmp_path), mirror=server.url)
    start = time.monotonic()
    with pytest.raises(SourceError) as error:
        builder.download_and_prepare()
    # Far more than the limits, on machines that are busy.
    assert time.monotonic() - start < 15
    archive = server.archive
    expected = CASES[answer].format(
        ways=ways(tmp_path),
        size=len(archive),
        size_less_1000=len(archive) - 1000,
        expected=local._EXPECTED,
        digest=BINARY.digest,
        other_digest=f"sha256:{hashlib.sha256(with_another_time(archive)).hexdigest()}",
    )
    assert is_said(f"{server.url}: {expected}", str(error.value)), str(error.value)
    assert files_in(tmp_path) == []
    assert not list(tmp_path.rglob("*.tmp.*"))
    assert not builder.is_prepared()


def test_a_server_that_is_well_again_is_asked_again(server: Server, tmp_path: Path) -> None:
    for answer in (redirects_to_a_page, cut_off_without_a_word, silent_in_the_middle, good):
        server.answer = answer
        builder = Builder(config="plain", data_dir=str(tmp_path), mirror=server.url)
        if answer is not good:
            with pytest.raises(SourceError):
                builder.download_and_prepare()
    builder.download_and_prepare()
    assert builder.info.metadata["official"] is True
    assert builder.info.splits["train"].num_examples == 100


def test_what_was_downloaded_is_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    for dataset in ("one", "two"):
        builder = Builder(config="plain", data_dir=str(tmp_path / dataset), mirror=server.url)
        builder.download_and_prepare(download_dir=str(tmp_path / "downloads"))
    assert server.asked == 1


def test_a_slow_server_that_goes_on_is_waited_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_pieces(handler: Handler) -> None:
        archive = handler.server.archive
        handler.send(b"", len(archive))
        for first in range(0, len(archive), len(archive) // 10):
            handler.server.over.wait(0.1)
            handler.wfile.write(archive[first : first + len(archive) // 10])

    server.answer = in_pieces
    monkeypatch.setattr(downloading, "SPEED_SECONDS", 0.4)
    builder = Builder(config="plain", data_dir=str(tmp_path), mirror=server.url)
    builder.download_and_prepare()
    assert builder.is_prepared()


def test_a_server_that_is_never_silent_and_too_slow_is_not_waited_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "SLOWEST_SPEED", 200_000)
    server.answer = a_block_now_and_then
    with pytest.raises(SourceError) as error:
        Builder(config="plain", data_dir=str(tmp_path), mirror=server.url).download_and_prepare()
    said = str(error.value)
    expected = (
        "could not be downloaded (only * bytes within 0.6 seconds; * of "
        f"{len(server.archive)} bytes had arrived); {ways(tmp_path)}"
    )
    assert is_said(f"{server.url}: {expected}", said), said


def test_an_interrupted_download_ends_and_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "ANSWER_SECONDS", 60.0)
    server.answer = silent
    managers: list[Any] = []
    limited = downloading.limited

    def interrupted(manager: Any) -> Any:
        managers.append(limited(manager))

        def download(url: str) -> None:
            with manager._downloader.tqdm():
                manager._download_or_get_cache(url)
            while not server.asked:
                time.sleep(0.01)
            raise KeyboardInterrupt

        monkeypatch.setattr(manager, "download", download)
        return manager

    monkeypatch.setattr(downloading, "limited", interrupted)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Builder(config="plain", data_dir=str(tmp_path), mirror=server.url).download_and_prepare()
    assert time.monotonic() - start < 30
    assert not any(thread.is_alive() for thread in managers[0]._downloader._executor._threads)
    assert files_in(tmp_path) == []
    assert not list(tmp_path.rglob("*.tmp.*"))


def test_files_of_other_datasets_are_not_deleted(tmp_path: Path, server: Server) -> None:
    """What TFDS has downloaded for its own datasets stays, even if it is of no use here."""
    other = tmp_path / "downloads" / resource_name(server.url)
    other.parent.mkdir()
    other.write_bytes(PAGE)
    info = {"urls": [server.url], "url_info": {"size": 1, "checksum": "0"}}
    Path(f"{other}.INFO").write_text(json.dumps(info))
    before = files_in(tmp_path)
    with pytest.raises(SourceError, match="found a web page"):
        Builder(config="plain", data_dir=str(tmp_path), mirror=server.url).download_and_prepare()
    assert files_in(tmp_path) == before
    assert server.asked == 0


def test_what_a_killed_download_leaves_is_not_taken_for_the_file(
    server: Server, tmp_path: Path
) -> None:
    """TFDS writes into a folder of its own first; some time it may be that only a part arrives."""
    name = resource_name(server.url)
    downloads = tmp_path / "downloads"
    half = server.archive[: len(server.archive) // 2]
    for place in (downloads, downloads / "cifar10_aug"):
        (place / f"{name}.tmp.0123").mkdir(parents=True)
        (place / f"{name}.tmp.0123" / BINARY.archive).write_bytes(half)
        # Without what says that it is whole.
        (place / name).write_bytes(half)
    builder = Builder(config="plain", data_dir=str(tmp_path), mirror=server.url)
    builder.download_and_prepare()
    assert server.asked == 1
    assert builder.info.metadata["official"] is True


def test_on_the_command_line_a_slow_server_is_one_line(server: Server, tmp_path: Path) -> None:
    server.answer = silent
    arguments = ("prepare", "--mirror", server.url, "--data-dir", str(tmp_path))
    result = run(*arguments)
    assert result.exit_code == 1
    # The bars of what is done so far stand before it.
    last = result.stderr.splitlines()[-1]
    assert last == f"Error: {server.url}: {SLOW.format(ways=ways(tmp_path))}"
    assert "Traceback" not in result.output
    assert files_in(tmp_path) == []


def test_the_limits_are_for_people() -> None:
    """Long enough for a slow line, and no download takes more than some hours."""
    assert 30 <= downloading.ANSWER_SECONDS <= 120
    assert BINARY.size == downloading.LARGEST
    assert BINARY.size / downloading.SLOWEST_SPEED < 5 * 3600
