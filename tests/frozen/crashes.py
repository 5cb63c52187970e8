"""Crashes an export before each of its changes of files, one after the other.

Run as a program, without TensorFlow, so that processes can be forked:
    python -m tests.frozen.crashes first|overwriting SOURCE PLACE
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cifar10_aug.frozen import shards as layout
from cifar10_aug.frozen.verify import verify
from tests.frozen.freezing import OVERWRITE, contents, freeze

CONFIG = "flip+erase-x1"
# What changes a disk: a crash before something is read leaves what one before the next change does.
_EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


# Further ones are written as the second is.
layout._SHARDS_A_COPY = 2


def in_child(work: Callable[[], object]) -> int:
    """Runs `work` in a forked process; its exit status, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def counting(place: Path, at: int | None) -> None:
    """From now on counts changes below `place`; before the `at`-th, this process is killed."""
    counted = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal counted
        if event == "open" and not int(arguments[2]) & _WRITING:  # type: ignore[call-overload]
            return
        # What `shutil.rmtree` deletes is named relative to a folder that it has opened.
        below = event in ("os.remove", "os.rmdir") and arguments[1] != -1
        if event in _EVENTS and (below or str(place) in str(arguments[0])):
            counted += 1
            if counted == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def first(source: Path, place: Path) -> int:
    """Crashes an export into an empty folder."""
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
    return crashes - 1


def overwriting(source: Path, place: Path) -> int:
    """Crashes an export that replaces another, and runs it again with and without overwriting.

    While shards are written, only before each third change; `first` tries all of these.
    """
    whole = freeze(place / "whole", source, CONFIG)
    expected = contents(whole)
    shards = len([*whole.glob("*-of-?????")])
    at = crashes = published = written = 0
    while True:
        at += 1 if written == shards or published else 3
        crashes += 1
        folder = place / str(crashes)
        shutil.copytree(place / "whole", folder)
        final = folder / whole.relative_to(place / "whole")
        before = os.stat(final / "dataset_info.json").st_ino

        def overwrite(folder: Path = folder) -> None:
            freeze(folder, source, CONFIG, download_config=OVERWRITE)

        def crash(folder: Path = folder, at: int = at) -> None:
            counting(folder, at)
            freeze(folder, source, CONFIG, download_config=OVERWRITE)

        status = in_child(crash)
        assert status in (0, -signal.SIGKILL), status
        new = final.exists() and os.stat(final / "dataset_info.json").st_ino != before
        published += new
        written = len([*final.parent.glob("incomplete.1.0.0/digests/*-of-?????.json")])
        if new or not final.exists():
            resumed = place / "resumed"
            shutil.copytree(folder, resumed)
            assert in_child(functools.partial(freeze, resumed, source, CONFIG)) == 0
            there = resumed / final.relative_to(folder)
            assert contents(there) == expected, f"other bytes after crash {crashes}"
            kept = {"1.0.0"} if new else {"1.0.0", "incomplete.1.0.0"}
            found = {path.name for path in there.parent.iterdir()}
            assert found == kept, f"{found} after crash {crashes}"
            shutil.rmtree(resumed)
        assert in_child(overwrite) == 0, f"cannot be repeated after crash {crashes}"
        assert contents(final) == expected, f"other bytes after crash {crashes}"
        found = {path.name for path in final.parent.iterdir()}
        assert found == {"1.0.0"}, f"{found} after crash {crashes}"
        shutil.rmtree(folder)
        if status == 0:
            break
    assert published > 5
    return crashes - 1


if __name__ == "__main__":
    crashes = {"first": first, "overwriting": overwriting}[sys.argv[1]]
    count = crashes(Path(sys.argv[2]), Path(sys.argv[3]))
    sys.stdout.write(f"{count} crashes, the same bytes each time\n")
