import threading
import time

import pytest

from cifar10_aug._compat import shutdown
from cifar10_aug._compat.shutdown import Gate
from tests import programs


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["", "raise ValueError('on purpose')"])
def test_a_program_ends_while_a_pipeline_is_at_work(data_dir: str, ending: str) -> None:
    program = f"""
import os; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import cifar10_aug, tensorflow_datasets as tfds
ds = tfds.load("cifar10_aug/rotate+erase", split="train", batch_size=16, data_dir={data_dir!r})
iterator = iter(ds.repeat())
next(iterator)
{ending}
"""
    for _ in range(2):
        done = programs.run("-c", program, timeout=60)
        assert done.returncode == (1 if ending else 0), done.stderr


def test_closing_waits_for_the_call_under_way() -> None:
    gate, finished = Gate(), threading.Event()

    def slow() -> None:
        time.sleep(0.3)
        finished.set()

    thread = threading.Thread(target=gate.guarded(slow))
    thread.start()
    time.sleep(0.05)
    gate.close()
    assert finished.is_set()
    thread.join()


def test_calls_that_do_not_stop_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "_PATIENCE_SECONDS", 0.3)
    gate, refused = Gate(), threading.Event()
    call = gate.guarded(lambda: time.sleep(0.01))

    def for_ever() -> None:
        try:
            while True:
                call()
        except RuntimeError:
            refused.set()

    thread = threading.Thread(target=for_ever)
    thread.start()
    gate.close()
    assert refused.wait(5)
    thread.join()
    with pytest.raises(RuntimeError, match="the Python interpreter is shutting down"):
        call()


def test_closing_at_rest_takes_no_time() -> None:
    start = time.monotonic()
    Gate().close()
    assert time.monotonic() - start < 0.05
