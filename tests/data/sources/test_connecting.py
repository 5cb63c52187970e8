import re
import socket
import time
from pathlib import Path

import pytest

from cifar10_aug import SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources import connecting


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_where_nobody_listens_there_is_an_error_at_once(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/cifar-10-binary.tar.gz"
    builder = Builder(config="plain", data_dir=str(tmp_path), mirror=url)
    start = time.monotonic()
    with pytest.raises(SourceError) as error:
        builder.download_and_prepare()
    # Against a minute of repeated attempts.
    assert time.monotonic() - start < 20
    assert str(error.value).startswith(
        f"{url}: could not be downloaded (no connection to 127.0.0.1: Connection refused); "
        "CIFAR-10 can come from "
    )


def test_without_a_network_there_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = "no connection to example.org: Temporary failure in name resolution"
    for url in ("https://example.org/a", "ftp://example.org/a"):
        with pytest.raises(ConnectionError, match=f"^{message}$"):
            connecting.check(url, 1.0)


def test_a_proxy_is_asked_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.2")
    connecting.check(f"http://127.0.0.1:{free_port()}/a", 1.0)
    with pytest.raises(ConnectionError):
        connecting.check(f"http://127.0.0.2:{free_port()}/a", 1.0)


def test_who_listens_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connecting.check(f"http://127.0.0.1:{server.getsockname()[1]}/a", 1.0)


@pytest.mark.parametrize("url", ["http:///a", "http://:80/a"])
def test_a_url_without_a_server_is_named(url: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(url)} names no server$"):
        connecting.check(url, 1.0)
