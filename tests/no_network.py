"""A tour of the package in a process that ends as soon as it asks for a network.

Python's own sockets are reported with a
traceback; the kernel (on Linux) ends the process at those of TensorFlow, which Python never sees.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import socket
import struct
import sys
import traceback
from pathlib import Path

# The number of the system call `socket`, by machine.
_SOCKET = {"x86_64": 41, "aarch64": 198}
NETWORKS = (socket.AF_INET, socket.AF_INET6)
ASKED = 77


def forbid() -> None:
    # TensorFlow imports it. It opens a socket to see whether there is IPv6, and connects nowhere.
    importlib.import_module("urllib3.util.connection")
    sys.addaudithook(_end_at_sockets)
    if sys.platform == "linux" and platform.machine() in _SOCKET:
        _filter_system_calls(_SOCKET[platform.machine()])


def _end_at_sockets(event: str, args: tuple[object, ...]) -> None:
    made = event == "socket.__new__" and args[1] in NETWORKS
    if made or event in ("socket.getaddrinfo", "socket.gethostbyname"):
        # Not what replaces it while a command's output is caught.
        print(f"{event} {args}", file=sys.__stderr__)
        traceback.print_stack(file=sys.__stderr__)
        os._exit(ASKED)


def _filter_system_calls(number: int) -> None:
    """Has the kernel end this process, and its children, at sockets of a network (seccomp)."""
    load, equal, end = 0x20, 0x15, 0x06
    allow, kill = 0x7FFF0000, 0x80000000
    steps = [
        (load, 0, 0, 0),
        (equal, 0, 4, number),
        (load, 0, 0, 16),
        (equal, 1, 0, int(NETWORKS[0])),
        (equal, 0, 1, int(NETWORKS[1])),
        (end, 0, 0, kill),
        (end, 0, 0, allow),
    ]
    program = b"".join(struct.pack("HBBI", *step) for step in steps)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    set_no_new_privileges, set_seccomp, by_filter = 38, 22, 2
    process = ctypes.CDLL(None, use_errno=True)
    given = Program(len(steps), program)
    if process.prctl(set_no_new_privileges, 1, 0, 0, 0) or process.prctl(
        set_seccomp, by_filter, ctypes.byref(given), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def _tell(done: str) -> None:
    sys.stdout.write(f"{done}\n")


def tour(source: str, place: Path) -> None:
    """Each thing that can be done with what is prepared, or with a source at hand."""
    import tensorflow_datasets as tfds

    import cifar10_aug  # noqa: F401  (registers)
    from tests.cli.running import run

    data_dir = str(place / "data")

    def command(*arguments: str) -> None:
        result = run(*arguments)
        assert result.exit_code == 0, (arguments, result.output, result.exception)
        _tell(arguments[0])

    command("prepare", "--source", source, "--data-dir", data_dir)
    for engine in ("eager", "graph"):
        train, info = tfds.load(
            "cifar10_aug/rotate30+erase",
            split="train",
            data_dir=data_dir,
            batch_size=32,
            shuffle_files=True,
            with_info=True,
            builder_kwargs={"engine": engine},
        )
        assert info.splits["train"].num_examples == 100
        assert sum(len(batch["label"]) for batch in train.repeat(2)) == 200
        _tell(engine)
    command("export", "rotate30", "--copies", "2", "--data-dir", data_dir, "--jobs", "1")
    frozen = f"{data_dir}/cifar10_aug/rotate30-x2"
    command("verify", frozen)
    command("verify", "--deep", "--jobs", "1", frozen)
    command("info", "--data-dir", data_dir)
    command("info", frozen)
    command("list")
    command("preview", "flip", "--data-dir", data_dir, "--out", f"{place}/sheet.png")
    stored = tfds.load("cifar10_aug/rotate30-x2", split="train", data_dir=data_dir)
    assert len(stored) == 200
    _tell("frozen")


def main(source: str, place: str) -> None:
    forbid()
    tour(source, Path(place))
