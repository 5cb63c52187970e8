"""Programs that fork: what they get works, or is an error at once."""

import os
import signal
from pathlib import Path

import pytest

from cifar10_aug._compat import fork_safety
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from tests import programs
from tests.frozen.freezing import freeze

ROOT = Path(__file__).parents[2]
ERROR = (
    "RuntimeError: TensorFlow was running when this process was forked, so its threads are missing "
    "here and datasets would wait for ever; start processes with "
    "multiprocessing.get_context('spawn'), or fork before TensorFlow does anything"
)


PROGRAM = "import sys; from tests import forking; forking.main(*sys.argv[1:])"


@pytest.mark.slow
def test_a_forked_process_gets_what_works_or_an_error(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    source = sources["binary archive"]
    Builder(config="plain", data_dir=str(tmp_path), source=source).download_and_prepare()
    freeze(tmp_path, source, "rotate30+erase-x3")
    done = programs.run("-c", PROGRAM, tmp_path, cwd=ROOT, check=True)
    lines = [line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line]
    found = {moment: answer for moment, *answers in lines for answer in answers}
    for kind in ("eager", "graph", "mapped"):
        # TensorFlow wraps the error in another.
        assert ERROR in found[f"{kind} of the parent"]
    expected = {
        "loky in the child": "True",
        "loky in the parent": "True",
        "threading in the child": "True",
        "threading in the parent": "True",
        "loaded before": "7",
        "loaded": ERROR,
        "loaded as a whole": ERROR,
        "arrays": "True",
    }
    assert {moment: found[moment] for moment in expected} == expected


# Python 3.12 warns of threads, which is what this is about.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_lock_is_open_in_a_forked_process() -> None:
    lock = fork_safety.Lock()
    with lock:
        child = os.fork()
        if child == 0:
            # A lock that is closed would be waited for until the alarm ends this process.
            signal.alarm(5)
            with lock:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
