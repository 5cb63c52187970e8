"""Kills exports at random moments, resumes them, and compares what comes out.

Each round starts `cifar10-aug export` on the drawn sample, kills the whole process group without
warning, and runs the same command again with another number of jobs. Prints a line a round; ends
with exit code 1 if two rounds differ, or if anything could be loaded in between.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE, COPIES = "rotate30+erase", 40
COMMAND = [sys.executable, "-c", "from cifar10_aug.cli import main; main()"]


def start(place: Path, jobs: int) -> subprocess.Popen[bytes]:
    arguments = ["export", RECIPE, "--copies", str(COPIES), "--sample", "--jobs", str(jobs)]
    return subprocess.Popen(
        [*COMMAND, *arguments, "--data-dir", str(place)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def digest(final: Path) -> str:
    subprocess.run([*COMMAND, "verify", str(final)], check=True, stdout=subprocess.DEVNULL)
    return str(json.loads((final / "metadata.json").read_text())["dataset_digest"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    found = set()
    with tempfile.TemporaryDirectory() as folder:
        # The first may compile kernels.
        for name in ("first", "second"):
            began = time.monotonic()
            start(Path(folder) / name, 2).wait()
            whole = time.monotonic() - began
            shutil.rmtree(Path(folder) / name)
        for number in range(arguments.kills):
            place = Path(folder) / str(number)
            final = place / "cifar10_aug_sample" / f"{RECIPE}-x{COPIES}" / "1.0.0"
            process = start(place, 2)
            # Most of the time goes into starting Python and the workers.
            time.sleep(moments.uniform(whole / 3, whole))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            finished = list(final.parent.glob("incomplete.*/digests/*-of-?????.json"))
            state = "whole" if final.exists() else f"{len(finished)} shards"
            before = digest(final) if final.exists() else None
            assert start(place, moments.choice((1, 2, 3))).wait() == 0
            after = digest(final)
            assert before in (None, after)
            found.add(after)
            shutil.rmtree(place)
            print(f"kill {number + 1}: {state} when killed; then {after}", flush=True)
    print(f"{arguments.kills} kills, {len(found)} digest{'s' if len(found) > 1 else ''}")
    sys.exit(len(found) > 1)


if __name__ == "__main__":
    main()
