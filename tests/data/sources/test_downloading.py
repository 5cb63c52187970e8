"""Servers that are slow, broken or wrong: a clear error soon, and nothing that stays."""

import dataclasses
import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest

from cifar10_aug import SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources import choose, downloading, receiving
from cifar10_aug.data.sources.downloading import Limits, Offer
from cifar10_aug.data.sources.official import BINARY, CIFAR10, PYTHON, Published
from cifar10_aug.data.sources.receiving import Patience
from tests import archives
from tests.cli.running import run
from tests.data.sources.servers import (
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
    resumable,
    resumable_that_breaks_off,
    resumable_that_lies,
    resumable_that_stalls,
    serving,
    silent,
    silent_in_the_middle,
    slow_headers,
    with_another_time,
    without_end,
    wrong_bytes,
    wrong_part,
)

ROOT = Path(__file__).parents[2]
SHORT = Patience(answer=0.4, span=0.4, slowest=10_000)
# For servers that answer, however busy the machine is.
LONG = Patience(answer=60.0, span=60.0, slowest=1)
LIMITS = Limits(hurried=SHORT, patient=LONG, worth=100)
IMPATIENT = Limits(hurried=SHORT, patient=SHORT, worth=100)
PATIENT = Limits(hurried=LONG, patient=LONG, worth=100)


@pytest.fixture
def published(sources: dict[str, Path]) -> Published:
    """As if the made archives were the published ones."""
    return archives.pretended(binary=sources["binary archive"], python=sources["python archive"])


@pytest.fixture
def server(
    sources: dict[str, Path], published: Published, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """Whose good archive passes for the official one."""
    monkeypatch.setattr(Builder, "_published", published)
    monkeypatch.setattr(Builder, "_limits", LIMITS)
    monkeypatch.setattr(receiving, "_GLANCE_SECONDS", 0.05)
    with serving(sources["binary archive"].read_bytes(), good) as one:
        yield one


SLOW = "could not be downloaded (no answer within 0.4 seconds); {ways}"
TOO_MUCH = "could not be downloaded (more than the {largest} bytes that it can have); {ways}"
# Where the number of bytes depends on the machine's speed there is a *.
CASES: dict[Callable[[Handler], None], str] = {
    silent: SLOW,
    slow_headers: SLOW,
    comes_back_tomorrow: ("could not be downloaded (HTTP status 503 Service Unavailable); {ways}"),
    around_and_around: SLOW,
    silent_in_the_middle: (
        "could not be downloaded (only * bytes within 0.4 seconds; * of {size} bytes had arrived); "
        "{ways}"
    ),
    a_byte_now_and_then: (
        "could not be downloaded (only 0 bytes within 0.4 seconds; 0 of {size} bytes had arrived); "
        "{ways}"
    ),
    cut_off: ("could not be downloaded (cut off: * of {size} bytes arrived); {ways}"),
    cut_off_without_a_word: (
        "expected a whole archive (cifar-10-binary.tar.gz: {size} bytes or "
        "cifar-10-python.tar.gz: {python_size} bytes), found one that is cut off or damaged "
        "({size_less_1000} bytes, Compressed file ended before the end-of-stream marker was "
        "reached); download it again"
    ),
    announces_too_much: TOO_MUCH,
    without_end: TOO_MUCH,
    redirects_to_a_page: (
        "{expected}, found a web page (the download was answered with HTML); download it again"
    ),
    wrong_bytes: "{expected}, found a file of another kind; check the path",
    wrong_part: "could not be downloaded (the rest from byte 7 instead of 0); {ways}",
    other_images: (
        "expected the official cifar-10-binary.tar.gz ({digest}) or cifar-10-python.tar.gz "
        "({python_digest}), found {other_digest}; use another mirror, or, if you trust the file, "
        "pass its path as source"
    ),
}


NEVER_DONE = (
    *(silent, slow_headers, around_and_around, silent_in_the_middle, a_byte_now_and_then),
)


def matches(expected: str, said: str) -> bool:
    return re.fullmatch(re.escape(expected).replace(r"\*", r"\d+"), said) is not None


def files_in(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def ways(data_dir: Path) -> str:
    return choose.ways(data_dir, data_dir / "downloads" / "manual", CIFAR10)


@pytest.mark.parametrize("answer", CASES, ids=lambda answer: answer.__name__)
def test_a_server_that_is_not_well_is_an_error_soon_and_nothing_is_left(
    answer: Callable[[Handler], None],
    server: Server,
    published: Published,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answer = answer
    if answer in NEVER_DONE:
        monkeypatch.setattr(Builder, "_limits", IMPATIENT)
    builder = Builder(config="plain", data_dir=str(tmp_path), mirror=server.url)
    start = time.monotonic()
    with pytest.raises(SourceError) as error:
        builder.download_and_prepare()
    # Far more than the short limits, on machines that are busy.
    assert time.monotonic() - start < 30
    archive = server.archive
    binary, python = published.layouts
    expected = CASES[answer].format(
        ways=ways(tmp_path),
        size=len(archive),
        size_less_1000=len(archive) - 1000,
        python_size=python.size,
        largest=max(python.size, len(archive)),
        expected=CIFAR10.expected,
        digest=binary.digest,
        python_digest=python.digest,
        other_digest=f"sha256:{hashlib.sha256(with_another_time(archive)).hexdigest()}",
    )
    assert matches(f"{server.url}: {expected}", str(error.value)), str(error.value)
    assert files_in(tmp_path) == []
    assert not builder.is_prepared()


def test_a_server_that_is_well_again_is_asked_again(server: Server, tmp_path: Path) -> None:
    for answer in (redirects_to_a_page, cut_off_without_a_word, cut_off, good):
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


def test_either_archive_is_accepted_from_a_mirror(
    server: Server, sources: dict[str, Path], tmp_path: Path
) -> None:
    for kind in ("binary archive", "python archive"):
        server.archive = sources[kind].read_bytes()
        place = tmp_path / kind
        builder = Builder(config="plain", data_dir=str(place), mirror=server.url)
        builder.download_and_prepare()
        assert builder.info.metadata["official"] is True
        assert files_in(place / "downloads") == [f"cifar10_aug/{sources[kind].name}"]


def test_a_download_is_repeated_if_the_user_asks_for_it(server: Server, tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    config = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.FORCE_REDOWNLOAD)
    for _ in range(2):
        builder = Builder(config="plain", data_dir=str(tmp_path), mirror=server.url)
        builder.download_and_prepare(download_config=config)
    assert server.asked == 2


def test_a_damaged_download_is_repeated(server: Server, tmp_path: Path) -> None:
    kept = tmp_path / "downloads" / "cifar10_aug" / BINARY.archive
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(len(server.archive)))
    Builder(config="plain", data_dir=str(tmp_path), mirror=server.url).download_and_prepare()
    assert server.asked == 1
    assert kept.read_bytes() == server.archive


def fetch(tmp_path: Path, published: Published, *servers: Server, limits: Limits = LIMITS) -> bytes:
    """The Python archive, from the first of these servers that sends it."""
    offered = [Offer(one.url, (published.layouts[1],)) for one in servers]
    return downloading.fetch(offered, published, tmp_path, limits).read_bytes()


@pytest.fixture
def archive(sources: dict[str, Path]) -> bytes:
    return sources["python archive"].read_bytes()


def test_a_slow_server_that_goes_on_is_waited_for(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    """Though it takes longer than a span of time."""

    def in_pieces(handler: Handler) -> None:
        handler.send(b"", len(archive))
        for first in range(0, len(archive), len(archive) // 5):
            handler.server.over.wait(0.1)
            handler.wfile.write(archive[first : first + len(archive) // 5])

    waiting = Patience(answer=5.0, span=0.3, slowest=1)
    with serving(archive, in_pieces) as server:
        limits = Limits(hurried=waiting, patient=waiting, worth=100)
        assert fetch(tmp_path, published, server, limits=limits) == archive


def test_a_server_that_is_never_silent_and_too_slow_is_not_waited_for(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    demanding = dataclasses.replace(SHORT, slowest=10**8)
    limits = Limits(hurried=demanding, patient=demanding, worth=100)
    with serving(archive, a_block_now_and_then) as server:
        with pytest.raises(downloading.NoServerError) as error:
            fetch(tmp_path, published, server, limits=limits)
        assert matches(
            f"{server.url}: could not be downloaded (only * bytes within 0.4 seconds; * of "
            f"{len(archive)} bytes had arrived)",
            str(error.value),
        )
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    "answer",
    [silent, silent_in_the_middle, cut_off, wrong_bytes, redirects_to_a_page, comes_back_tomorrow],
    ids=lambda answer: answer.__name__,
)
def test_another_server_is_asked_if_one_is_not_well(
    answer: Callable[[Handler], None],
    published: Published,
    archive: bytes,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(archive, answer) as bad, serving(archive, good) as well:
        assert fetch(tmp_path, published, bad, well) == archive
        (said,) = caplog.messages
        assert said.startswith(f"{bad.url}: ")
        assert said.endswith(f"; going on with {well.url}.")
    assert files_in(tmp_path) == [PYTHON.archive]


def test_the_rest_is_asked_of_the_next_server(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    with serving(archive, resumable_that_stalls) as slow, serving(archive, resumable) as well:
        hurried = Patience(answer=60.0, span=1.0, slowest=10**8)
        limits = dataclasses.replace(LIMITS, hurried=hurried)
        assert fetch(tmp_path, published, slow, well, limits=limits) == archive
        assert slow.ranges == [""]
        # But for what was not a whole block.
        (asked,) = well.ranges
        assert 0 < int(asked.removeprefix("bytes=")[:-1]) <= len(archive) // 2


def test_a_server_that_was_too_slow_is_better_than_none(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    """The hurried limit is for when there is another one."""
    answers = [silent, good]

    def slow_at_first(handler: Handler) -> None:
        answers.pop(0)(handler)

    with serving(archive, slow_at_first) as slow, serving(archive, comes_back_tomorrow) as bad:
        assert fetch(tmp_path, published, slow, bad) == archive
        assert (slow.asked, bad.asked) == (2, 1)


def test_all_servers_that_fail_are_named(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    with serving(archive, comes_back_tomorrow) as one, serving(archive, wrong_bytes) as other:
        with pytest.raises(downloading.NoServerError) as error:
            fetch(tmp_path, published, one, other, limits=PATIENT)
        assert str(error.value) == (
            f"CIFAR-10 could not be downloaded ({one.url}: HTTP status 503 Service Unavailable; "
            f"{other.url}: {CIFAR10.expected}, found a file of another kind; check the path)"
        )
    assert files_in(tmp_path) == []


def test_a_server_that_breaks_off_is_asked_for_the_rest(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    with serving(archive, resumable_that_breaks_off) as server:
        assert fetch(tmp_path, published, server) == archive
        third = len(archive) // 3
        places = [int(place[6:-1] or 0) for place in server.ranges]
        assert len(places) > 2
        assert places == sorted(places)
        assert third - 2**13 < places[1] <= third


def test_a_server_that_breaks_off_at_once_is_not_asked_for_ever(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    with serving(archive, lambda handler: resumable(handler, most=10)) as server:
        with pytest.raises(downloading.NoServerError, match="cut off: "):
            fetch(tmp_path, published, server)
        assert server.asked == 1


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_part_that_is_not_of_the_file_is_downloaded_anew(
    share: float, published: Published, archive: bytes, tmp_path: Path
) -> None:
    part = tmp_path / f"{PYTHON.archive}.part"
    part.write_bytes(bytes(int(share * len(archive))))
    with serving(archive, resumable) as server:
        assert fetch(tmp_path, published, server) == archive
        assert server.ranges[-1] == ""
    assert files_in(tmp_path) == [PYTHON.archive]


def test_a_part_that_is_larger_than_what_there_is_is_downloaded_anew(
    published: Published, sources: dict[str, Path], tmp_path: Path
) -> None:
    """The part may be of either archive, where the address does not tell."""
    smaller, larger = sorted(published.layouts, key=lambda layout: layout.size)
    content = sources[f"{smaller.kind} archive"].read_bytes()
    with serving(content, resumable) as server:
        offer = Offer(server.url, published.layouts)
        part = offer.part(tmp_path)
        part.path.write_bytes(bytes(larger.size - 1))
        path = downloading.fetch([offer], published, tmp_path, LIMITS)
        assert path.read_bytes() == content
        assert server.ranges == [f"bytes={larger.size - 1}-", ""]


def test_a_whole_part_is_not_asked_for(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    (tmp_path / f"{PYTHON.archive}.part").write_bytes(archive)
    with serving(archive, good) as server:
        assert fetch(tmp_path, published, server) == archive
        assert server.asked == 0


def test_a_server_that_lies_about_the_rest_is_asked_for_everything(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    (tmp_path / f"{PYTHON.archive}.part").write_bytes(archive[:1000])
    with serving(archive, resumable_that_lies) as server:
        assert fetch(tmp_path, published, server) == archive
        assert server.ranges == ["bytes=1000-", ""]


KILLED = """
import sys
from pathlib import Path
from cifar10_aug.data.sources import downloading
from cifar10_aug.data.sources.official import CIFAR10
offer = downloading.Offer(sys.argv[1], CIFAR10.layouts[1:])
print("begins", flush=True)
downloading.fetch([offer], CIFAR10, Path(sys.argv[2]), downloading.LIMITS)
"""


def test_what_a_killed_download_has_left_is_resumed(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    part = tmp_path / f"{PYTHON.archive}.part"
    (tmp_path / "mirror-0123456789abcdef.part").touch()
    with serving(archive, resumable_that_stalls) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, server.url, str(tmp_path)], cwd=ROOT
        )
        try:
            while not part.exists() or part.stat().st_size < 2**14:
                assert process.poll() is None
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        size = part.stat().st_size
        # Nobody resumes what is from another address.
        assert {PYTHON.archive + ".part"} == set(files_in(tmp_path)) - {"downloading.lock"}
        server.answer = resumable
        assert fetch(tmp_path, published, server) == archive
        assert server.ranges == ["", f"bytes={size}-"]
    assert files_in(tmp_path) == [PYTHON.archive]


def test_an_interrupted_download_ends_at_once_and_is_resumed(
    published: Published, archive: bytes, tmp_path: Path
) -> None:
    half = len(archive) // 2
    part = tmp_path / f"{PYTHON.archive}.part"

    def interrupts(handler: Handler) -> None:
        resumable(handler, most=half)
        handler.wfile.flush()
        while not part.exists() or part.stat().st_size < 2**14:
            handler.server.over.wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        handler.server.over.wait()

    with serving(archive, interrupts) as server:
        with pytest.raises(KeyboardInterrupt):
            fetch(tmp_path, published, server)
        size = part.stat().st_size
        assert size > 0
        server.answer = resumable
        assert fetch(tmp_path, published, server) == archive
        assert server.ranges[-1] == f"bytes={size}-"


def test_what_killed_downloads_have_left_goes_when_the_images_are_from_elsewhere(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "downloads" / "cifar10_aug"
    folder.mkdir(parents=True)
    part, kept = folder / f"{PYTHON.archive}.part", folder / "mine"
    for place in ("one", "two"):
        part.touch()
        kept.touch()
        builder = Builder(
            config="plain", data_dir=str(tmp_path / place), source=sources["binary folder"]
        )
        if place == "one":
            # Another process is at work there.
            with filelock.FileLock(folder / "downloading.lock"):
                builder.download_and_prepare(download_dir=str(tmp_path / "downloads"))
            assert part.exists()
        else:
            builder.download_and_prepare(download_dir=str(tmp_path / "downloads"))
            assert not part.exists()
    assert kept.exists()


def test_two_at_once_download_once(
    published: Published, archive: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waits = threading.Event()

    def after_the_other_waits(handler: Handler) -> None:
        waits.wait(60)
        handler.send(archive)

    found: list[bytes] = []
    with serving(archive, after_the_other_waits) as server:
        threads = [
            threading.Thread(target=lambda: found.append(fetch(tmp_path, published, server)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        while not caplog.messages:
            assert any(thread.is_alive() for thread in threads)
            time.sleep(0.01)
        waits.set()
        for thread in threads:
            thread.join()
        assert server.asked == 1
    assert found == [archive, archive]
    assert caplog.messages == [f"Waiting for another process, which is downloading to {tmp_path}."]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_a_terminal_shows_rate_and_time_left(
    stream: type[io.StringIO],
    published: Published,
    archive: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", shown := stream())
    with serving(archive, good) as server:
        fetch(tmp_path, published, server)
    if stream is Terminal:
        assert f"Downloading {server.url}" in shown.getvalue()
        assert re.search(r"\[\d\d:\d\d<\d\d:\d\d, .*B/s\]", shown.getvalue())
    else:
        assert shown.getvalue() == ""


def test_on_the_command_line_a_slow_server_is_one_line(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Builder, "_limits", IMPATIENT)
    server.answer = silent
    arguments = ("prepare", "--mirror", server.url, "--data-dir", str(tmp_path))
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.strip() == f"Error: {server.url}: {SLOW.format(ways=ways(tmp_path))}"
    assert "Traceback" not in result.output
    assert files_in(tmp_path) == []


def test_the_limits_are_for_people() -> None:
    """Long enough for a slow line, and no download takes more than some hours."""
    hurried, patient = downloading.LIMITS.hurried, downloading.LIMITS.patient
    assert (hurried.span, hurried.slowest) == (20.0, 300_000)
    assert 30 <= patient.answer <= 120
    assert PYTHON.size / patient.slowest < 5 * 3600


def test_mirrors_come_before_the_official_host_and_all_have_the_same_file() -> None:
    offered = downloading.offers(CIFAR10, None)
    assert [offer.layouts for offer in offered] == [(PYTHON,)] * len(offered)
    assert [offer.url.split("/")[2] for offer in offered] == [
        "storage.googleapis.com",
        "www.cs.toronto.edu",
    ]
    assert downloading.offers(CIFAR10, "http://x/y") == [Offer("http://x/y", CIFAR10.layouts)]
