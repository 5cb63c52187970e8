"""What other tests rest on: programs are as if Python had been started for them."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests import programs

SAYS = """
import os, sys, json
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("WHAT"), __name__, sys.path[0]]))
print([name for name in sys.modules if name.split(".")[0] in ("cifar10_aug", "tests")])
print("a word", file=sys.stderr)
"""


def test_a_program_has_its_arguments_folder_environment_and_modules(tmp_path: Path) -> None:
    environment = {**os.environ, "WHAT": "this"}
    done = programs.run("-c", SAYS, "one", 2, cwd=tmp_path, env=environment)
    here = os.path.realpath(tmp_path)
    assert done.stdout == f'[["one", "2"], "{here}", "this", "__main__", ""]\n[]\n'
    assert (done.stderr, done.returncode) == ("a word\n", 0)
    script = tmp_path / "script.py"
    script.write_text(SAYS)
    assert f'"__main__", "{tmp_path}"]\n[]\n' in programs.run(script).stdout


@pytest.mark.parametrize(
    ("ending", "code"),
    [("sys.exit(3)", 3), ("1 / 0", 1), ("os.kill(os.getpid(), 9)", -9), ("os._exit(7)", 7)],
)
def test_its_end_is_known(ending: str, code: int) -> None:
    done = programs.run("-c", f"import os, sys; print(1, flush=True); {ending}")
    assert (done.returncode, done.stdout) == (code, "1\n")
    assert ("ZeroDivisionError" in done.stderr) == (code == 1)
    with pytest.raises(AssertionError):
        programs.run("-c", f"import os, sys; {ending}", check=True)


def test_it_can_be_watched_and_interrupted_and_leaves_nothing() -> None:
    waiting = "import time; print('ready', flush=True); time.sleep(60)"
    with programs.Program("-c", waiting) as program:
        assert program.first_line() == "ready"
        assert program.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(0.05)
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == -signal.SIGINT
        assert "KeyboardInterrupt" in program.stderr
    with programs.Program("-c", waiting) as program:
        program.first_line()
    end = time.monotonic() + 10
    while psutil.pid_exists(program.pid):
        assert time.monotonic() < end
        time.sleep(0.01)
