"""Runs Python programs in separate processes that need not import TensorFlow.

`python` takes five seconds to import it, and two more to end. So one process imports it, once, and
is forked for each program; it does nothing else with it, and the programs import this package and
TensorFlow Datasets themselves. Tests of imports, or of forks, start a Python by `python`.
"""

from __future__ import annotations

import atexit
import builtins
import functools
import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
# A process's number, and then how it ended.
_NUMBER = struct.Struct("<i")


def run(
    *arguments: object,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300,
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([sys.executable, *arguments], capture_output=True, text=True, …)`."""
    with Program(*arguments, cwd=cwd, env=env) as program:
        code = program.wait(timeout)
        if check:
            assert code == 0, program.stderr
        return subprocess.CompletedProcess(program.arguments, code, program.stdout, program.stderr)


def python(
    *arguments: object, env: Mapping[str, str] | None = None, check: bool = True, **how: Any
) -> subprocess.CompletedProcess[str]:
    """A Python that has imported nothing, in the project's folder; `env` adds to this one's."""
    how = {"cwd": ROOT, "env": {**os.environ, **(env or {})}, **how}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    if check:
        assert done.returncode == 0, done.stderr
    return done


class Program:
    """`python -c PROGRAM` or `python SCRIPT`, in a separate session.

    It is killed when it is closed.
    """

    def __init__(
        self,
        *arguments: object,
        cwd: Path | str | None = None,
        env: Mapping[str, str] | None = None,
    ):
        self.arguments = [str(argument) for argument in arguments]
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        self._status, theirs = socket.socketpair()
        request = {
            "arguments": self.arguments,
            "cwd": str(cwd or os.getcwd()),
            "env": dict(os.environ if env is None else env),
        }
        with tempfile.TemporaryFile() as asked, theirs:
            asked.write(json.dumps(request).encode())
            asked.flush()
            files = [file.fileno() for file in (asked, self._out, self._err, theirs)]
            socket.send_fds(_warm(), [b"."], files)
        self._code: int | None = None
        self.pid = self._said(120)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or minus the number of a signal."""
        if self._code is None:
            self._code = self._said(timeout)
        return self._code

    def _said(self, timeout: float | None) -> int:
        self._status.settimeout(timeout)
        try:
            said = self._status.recv(_NUMBER.size)
        except (TimeoutError, BlockingIOError):
            raise subprocess.TimeoutExpired(self.arguments, timeout or 0) from None
        assert said, "the process that is forked has ended"
        number: int = _NUMBER.unpack(said)[0]
        return number

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Returns when it has ended."""
        self.send_signal(signal.SIGKILL)
        self.wait(60)

    def close(self) -> None:
        self.kill()
        for file in (self._out, self._err, self._status):
            file.close()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def stdout(self) -> str:
        """What it has written so far."""
        return _text(self._out)

    @property
    def stderr(self) -> str:
        return _text(self._err)

    def first_line(self, timeout: float = 120) -> str:
        """Waits until it has written a line."""
        end = time.monotonic() + timeout
        while "\n" not in self.stdout:
            assert self.poll() is None, self.stderr
            assert time.monotonic() < end, self.stderr
            time.sleep(0.005)
        return self.stdout.split("\n")[0]


def _text(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), 1 << 30, 0).decode()


@functools.cache
def _warm() -> socket.socket:
    """The process that is forked listens at the other end."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns of threads that libraries have started when they were imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _asked(channel: socket.socket) -> list[int]:
    """Forks for each request; returns in the new process, with the files of the request."""
    while True:
        _, files, _, _ = socket.recv_fds(channel, 1, 4)
        if not files:
            os._exit(0)  # The tests have ended.
        if _fork() == 0:
            return files
        for file in files:
            os.close(file)


def _supervise(status: int) -> None:
    """Tells how the program ends; returns in the process that is to be the program."""
    program = _fork()
    if program:
        os.write(status, _NUMBER.pack(program))
        _, ended = os.waitpid(program, 0)
        os.write(status, _NUMBER.pack(os.waitstatus_to_exitcode(ended)))
        os._exit(0)
    os.close(status)


def _become(request: dict[str, Any]) -> tuple[types.CodeType, dict[str, Any]]:
    """Makes this process what `python` makes of its arguments; the code that is left to run."""
    os.setsid()
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    first, *rest = request["arguments"]
    if first == "-c":
        program, *arguments = rest
        sys.argv, sys.path[0] = ["-c", *arguments], ""
        code = compile(program, "<string>", "exec")
    else:
        sys.argv, sys.path[0] = [first, *rest], str(Path(first).parent)
        main.__file__ = first
        code = compile(Path(first).read_bytes(), first, "exec")
    sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.modules["__main__"] = main
    del sys.modules["tests"]
    return code, main.__dict__


def _warmed(channel: int) -> tuple[types.CodeType, dict[str, Any]]:
    import tensorflow  # noqa: F401

    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # So that nobody need wait for them.
    with socket.socket(fileno=channel) as listening:
        request, out, err, status = _asked(listening)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _supervise(status)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(out, 1)
    os.dup2(err, 2)
    asked = json.loads(os.pread(request, 1 << 20, 0))
    for file in (request, out, err):
        os.close(file)
    return _become(asked)


if __name__ == "__main__":
    exec(*_warmed(int(sys.argv[1])))
