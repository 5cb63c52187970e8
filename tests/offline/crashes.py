"""Crashes an export at each of its operations on files, one after the other.

Run as a program, without TensorFlow, so that processes can be forked:
    python -m tests.offline.crashes SOURCE PLACE
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cifar10_aug.offline.verify import verify
from tests.offline.freezing import contents, freeze

CONFIG = "flip+erase-x1"
_EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.scandir"}


def in_child(work: Callable[[], object]) -> int:
    """Runs `work` in a forked process; its exit status, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def counting(place: Path, at: int | None) -> None:
    """From now on counts operations below `place`; before the `at`-th, this process is killed."""
    counted = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal counted
        if event in _EVENTS and str(place) in str(arguments[0]):
            counted += 1
            if counted == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(source: Path, place: Path) -> None:
    whole = freeze(place / "whole", source, CONFIG)
    expected = contents(whole)
    crashes = 0
    while True:
        crashes += 1
        folder = place / str(crashes)
        final = folder / "cifar10_aug" / CONFIG / "1.0.0"
        shards = final.parent / "incomplete.1.0.0" / "shards"

        def crash(folder: Path = folder, at: int = crashes) -> None:
            counting(folder, at)
            freeze(folder, source, CONFIG)

        status = in_child(crash)
        if final.exists():
            assert not verify(final), "visible, and not whole"
        else:
            assert status == -signal.SIGKILL, status
        # Digests are recorded last, so these shards are finished.
        digests = final.parent / "incomplete.1.0.0" / "digests"
        names = [path.stem for path in digests.glob("*-of-?????.json")]
        before = {n: os.stat(shards / n).st_ino for n in names if (shards / n).exists()}
        assert in_child(functools.partial(freeze, folder, source, CONFIG)) == 0
        assert contents(final) == expected, f"other bytes after crash {crashes}"
        for name, inode in before.items():
            assert os.stat(final / name).st_ino == inode, f"{name} was written again"
        assert {p.name for p in final.parent.iterdir()} <= {"1.0.0", "incomplete.1.0.0"}
        shutil.rmtree(folder)
        if status == 0:
            break
    sys.stdout.write(f"{crashes - 1} crashes, the same bytes each time\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
