"""What is prepared needs no network, and nothing ever asks whether there is one."""

import socket
import sys
from pathlib import Path

import pytest

from cifar10_aug import SourceError
from cifar10_aug.data.sources import choose, downloading
from cifar10_aug.data.sources.official import CIFAR10
from tests import no_network, programs

ROOT = Path(__file__).parents[1]
DONE = "prepare eager graph export verify verify info info list preview frozen"


@pytest.mark.slow
def test_with_a_source_at_hand_no_socket_is_ever_opened(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    program = "import sys; from tests import no_network; no_network.main(*sys.argv[1:])"
    source = sources["binary archive"]
    done = programs.run("-c", program, source, tmp_path, cwd=ROOT, check=True)
    assert done.stdout.split() == DONE.split()


@pytest.mark.parametrize(
    ("asks", "linux"),
    [
        ("socket.socket()", False),
        ("socket.socket(socket.AF_INET6)", False),
        ("socket.getaddrinfo('localhost', 80)", False),
        # As TensorFlow does it, unseen by Python.
        ("ctypes.CDLL(None).socket(socket.AF_INET, socket.SOCK_STREAM, 0)", True),
        ("ctypes.CDLL(None).socket(socket.AF_INET6, socket.SOCK_STREAM, 0)", True),
    ],
)
def test_a_socket_would_be_noticed(asks: str, linux: bool) -> None:
    if linux and sys.platform != "linux":
        pytest.skip("seccomp is Linux's")
    program = (
        "import ctypes, socket\nfrom tests import no_network\nno_network.forbid()\n"
        f"socket.socketpair()\nprint('so far', flush=True)\n{asks}\nprint('asked')"
    )
    done = programs.python("-c", program, check=False)
    assert done.stdout == "so far\n"
    # Signal 31 is SIGSYS.
    assert done.returncode == (-31 if linux else no_network.ASKED)


def test_without_data_and_network_the_error_names_the_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow_datasets as tfds

    asked = []

    def nobody_knows(host: str, *args: object, **kwargs: object) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    with pytest.raises(SourceError) as error:
        tfds.load("cifar10_aug/flip", data_dir=str(tmp_path))
    urls = [offer.url for offer in downloading.offers(CIFAR10, None)]
    hosts = [url.split("/")[2] for url in urls]
    assert list(dict.fromkeys(asked)) == hosts
    each = "; ".join(
        f"{url}: no connection to {host}: Name or service not known"
        for url, host in zip(urls, hosts, strict=True)
    )
    ways = choose.ways(tmp_path, tmp_path / "downloads" / "manual", CIFAR10)
    assert str(error.value) == f"CIFAR-10 could not be downloaded ({each}); {ways}"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
