"""Registered functions in recipes: the same pixels wherever they run, and no end in silence."""

import gc
import importlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given, settings

from cifar10_aug.engines.python import python_ops, shared_array, worker_pool
from cifar10_aug.errors import PythonOpError
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.recipes.registration import register, seeded
from tests import functions, programs
from tests.recipes.test_recipe import recipe_text
from tests.registering import registered

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", autouse=True)
def no_workers_left() -> Any:
    yield
    worker_pool.stop_all()


def draw_globally(image: np.ndarray, rng: Any) -> np.ndarray:
    return image + np.random.randint(0, 100, image.shape, np.uint8) + random.randrange(100)


def add_one(image: np.ndarray, rng: Any) -> np.ndarray:
    return image + np.uint8(1)


@pytest.mark.parametrize(
    ("n_jobs", "backend"), [(2, "loky"), (4, "loky"), (1, "threading"), (3, "threading")]
)
def test_pixels_do_not_depend_on_who_makes_them(n_jobs: int, backend: str) -> None:
    images = functions.numbered(50, 32)
    with registered(sepia=functions.sepia, speckle=functions.speckle):
        for text in ("sepia", "rotate15+sepia_strength0.8+erase", "speckle+sepia+crop"):
            recipe = Recipe.parse(text)
            expected = recipe(images, seed=3, epoch=2, n_jobs=1)
            made = recipe(images, seed=3, epoch=2, n_jobs=n_jobs, backend=backend)
            np.testing.assert_array_equal(made, expected)
            assert (expected != images).any()


def test_they_are_sent_where_memory_cannot_be_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    images = functions.numbered(50)
    with registered(sepia=functions.sepia):
        recipe = Recipe.parse("flip+sepia")
        expected = recipe(images, n_jobs=2)
        monkeypatch.setattr(shared_array, "AVAILABLE", False)
        monkeypatch.setattr(shared_array, "Block", None)
        np.testing.assert_array_equal(recipe(images, n_jobs=2), expected)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ops_run_in_the_recipes_order(n_jobs: int) -> None:
    images = functions.numbered(9)

    def double(image: Any, rng: Any) -> Any:
        return image * np.uint8(2)

    with registered({"backend": "threading"}, add=add_one, double=double):
        for text, expected in (
            ("add+double", (images + np.uint8(1)) * np.uint8(2)),
            ("double+add", images * np.uint8(2) + np.uint8(1)),
            ("flip_p1+add+flip_p1+double", (images + np.uint8(1)) * np.uint8(2)),
            ("add+erase_p0+double+add", (images + np.uint8(1)) * np.uint8(2) + np.uint8(1)),
        ):
            np.testing.assert_array_equal(Recipe.parse(text)(images, n_jobs=n_jobs), expected)


@settings(max_examples=30)
@given(recipe_text, recipe_text)
def test_around_a_function_that_does_nothing_recipes_do_what_they_do(
    before: str, after: str
) -> None:
    """The built-in ops keep their positions, so `flip_p0` takes the place of the function."""
    images = functions.numbered(3, 12)
    with registered({"backend": "threading"}, same=lambda image, rng: image):
        try:
            with_function = Recipe.parse(f"{before}+same+{after}")
            first = Recipe.parse(before)
            second = Recipe.parse(f"{'+'.join(['flip_p0'] * (len(first.ops) + 1))}+{after}")
        except ValueError:  # Two ops that set the value range, or too long a name.
            return
        if first.dtype == "float32":
            return
        between = first(images, seed=1, epoch=2)
        expected = second(between, seed=1, epoch=2)
        made = with_function(images, seed=1, epoch=2, n_jobs=1)
        np.testing.assert_array_equal(made, expected)


def test_one_image_is_as_good_as_many() -> None:
    images = functions.numbered(20)
    with registered(sepia=functions.sepia):
        recipe = Recipe.parse("sepia+flip")
        whole = recipe(images, ids=range(7, 27), n_jobs=2)
        assert recipe(images[:0]).shape == (0, 8, 8, 3)
        np.testing.assert_array_equal(recipe(images[4], ids=11, n_jobs=2), whole[4])


def test_a_batched_function_makes_the_same() -> None:
    images = functions.numbered(50)
    with (
        registered(one=functions.speckle),
        registered({"batched": True}, all=functions.speckle_all),
    ):
        expected = Recipe.parse("one")(images, n_jobs=1)
        for n_jobs in (1, 2, 3):
            made = Recipe.parse("all")(images, n_jobs=n_jobs)
            np.testing.assert_array_equal(made, expected)


def test_float_results_are_handed_out_as_they_are() -> None:
    images = functions.numbered(30)
    with registered({"output": "float32"}, standardize=functions.standardize):
        expected = np.stack([functions.standardize(i, None) for i in images])  # type: ignore[arg-type]
        for n_jobs in (1, 2):
            made = Recipe.parse("standardize")(images, n_jobs=n_jobs)
            assert made.dtype == np.float32
            np.testing.assert_array_equal(made, expected)


def test_value_range_ops_act_after_functions() -> None:
    images = functions.numbered(5)
    with registered(add=add_one):
        made = Recipe.parse("rescale+add")(images, n_jobs=1)
        np.testing.assert_allclose(made, (images + np.uint8(1)) / 255, rtol=1e-6)


def test_seeded_functions_are_reproducible_and_touch_nobodys_generators() -> None:
    images = functions.numbered(40)
    with registered(mine=seeded(draw_globally)):
        recipe = Recipe.parse("mine")
        np.random.seed(1)
        random.seed(1)
        before = np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]
        first = recipe(images, seed=2, n_jobs=1)
        assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # type: ignore[index]
        np.random.seed(99)
        for n_jobs in (2, 4):
            np.testing.assert_array_equal(recipe(images, seed=2, n_jobs=n_jobs), first)
        assert (recipe(images, seed=3, n_jobs=2) != first).any()
        np.testing.assert_array_equal(
            recipe(images[5:9], ids=range(5, 9), seed=2, n_jobs=2), first[5:9]
        )


def test_workers_stay_and_are_shared() -> None:
    images = functions.numbered(64)
    with registered(process=functions.process, sepia=functions.sepia, slow=functions.slow):
        Recipe.parse("slow")(images, n_jobs=2)  # Until both have started.
        seen = functions.pids(Recipe.parse("slow+process")(images, n_jobs=2))
        assert len(seen) == 2
        assert os.getpid() not in seen
        Recipe.parse("sepia")(images, n_jobs=2)
        assert functions.pids(Recipe.parse("slow+process")(images, n_jobs=2)) == seen
        assert functions.pids(Recipe.parse("process")(images, n_jobs=1)) == {os.getpid()}
        in_threads = Recipe.parse("process")(images, n_jobs=2, backend="threading")
        assert functions.pids(in_threads) == {os.getpid()}


def test_workers_keep_to_one_core_each() -> None:
    import cv2

    def settings_of(image: Any, rng: Any) -> Any:
        image[0, 0] = [
            int(os.environ["OMP_NUM_THREADS"]),
            int(os.environ["OPENBLAS_NUM_THREADS"]),
            cv2.getNumThreads(),
        ]
        return image

    with registered(mine=settings_of):
        made = Recipe.parse("mine")(functions.numbered(4), n_jobs=2)
    assert made[:, 0, 0].tolist() == [[1, 1, 1]] * 4


def test_a_function_may_carry_much_with_it() -> None:
    table = np.random.default_rng(0).integers(0, 256, 1 << 20, np.uint8)
    images = functions.numbered(40)
    with registered(mine=lambda image, rng: table[image]):
        np.testing.assert_array_equal(Recipe.parse("mine")(images, n_jobs=2), table[images])


def test_a_function_that_grows_is_no_leak(recwarn: pytest.WarningsRecorder) -> None:
    def grow(image: Any, rng: Any) -> Any:
        import time

        import tests.functions as kept

        if not hasattr(kept, "ballast"):
            kept.ballast = np.ones(400 << 20, np.uint8)  # type: ignore[attr-defined]
        time.sleep(0.2)  # loky looks every second.
        return kept.process(image, rng)

    with registered(process=functions.process, grow=grow):
        worker_pool.stop_all()
        images = functions.numbered(16)
        before = functions.pids(Recipe.parse("process")(images, n_jobs=1, backend="loky"))
        first = functions.pids(Recipe.parse("grow")(images, n_jobs=2))
        assert functions.pids(Recipe.parse("grow")(images, n_jobs=2)) == first
        assert before == {os.getpid()}
    worker_pool.stop_all()
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize(
    "how", [{"n_jobs": 1}, {"n_jobs": 2}, {"n_jobs": 2, "backend": "threading"}]
)
def test_a_failure_reads_the_same_wherever_it_happens(how: dict[str, Any]) -> None:
    images = functions.numbered(60)
    with registered(dark=functions.dark):
        recipe = Recipe.parse("dark_at33")
        with pytest.raises(PythonOpError) as error:
            recipe(images, ids=range(1000, 1060), **how)
        first, empty, *traceback = str(error.value).splitlines()
        assert first.startswith(
            "recipe 'dark_at33': op dark fails on example train_01033: ZeroDivisionError: no light "
            "(functions.py, line "
        )
        assert empty == ""
        assert traceback[0] == "Traceback (most recent call last):"
        assert traceback[-2:] == ["ZeroDivisionError: no light", "at all"]
        # The next call is not affected.
        np.testing.assert_array_equal(recipe(images[:20], **how), images[:20])


def test_the_first_of_several_failures_is_told() -> None:
    images = functions.numbered(60)
    images[:, 0, 0, 0] = np.arange(60) % 20
    with registered(dark=functions.dark), pytest.raises(PythonOpError, match="train_00007: "):
        Recipe.parse("dark_at7")(images, n_jobs=3)


def test_an_edited_module_is_imported_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are there already find new modules, and do not go on with old ones."""
    images = functions.numbered(40)
    with registered(sepia=functions.sepia):
        Recipe.parse("sepia")(images, n_jobs=2)
    path = tmp_path / "edited_ops.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    with registered():
        for by in (1, 2):
            path.write_text(f"def add(image, rng): return image + image.dtype.type({by})")
            os.utime(path, (by, by))  # Python tells versions apart by whole seconds.
            if by == 1:
                module = importlib.import_module("edited_ops")
                register("mine", module.add)
            else:
                importlib.reload(module)
                register("mine", module.add, replace=True)
            made = Recipe.parse("mine")(images, n_jobs=2)
            np.testing.assert_array_equal(made, images + np.uint8(by))
    sys.modules.pop("edited_ops")


def test_a_worker_that_ends_is_an_error_and_the_next_call_works() -> None:
    images = functions.numbered(60)
    with registered(crash=functions.crash):
        began = time.monotonic()
        with pytest.raises(PythonOpError) as error:
            Recipe.parse("crash_at33")(images, n_jobs=2)
        assert time.monotonic() - began < 30
        assert str(error.value) == (
            "recipe 'crash_at33': a worker process ended unexpectedly while crash ran; perhaps "
            "memory ran out, or the function crashed: look for its own message, or try fewer "
            "workers (n_jobs)"
        )
        np.testing.assert_array_equal(Recipe.parse("crash_at255")(images, n_jobs=2), images)


def test_a_worker_that_is_killed_between_calls_is_an_error_too() -> None:
    images = functions.numbered(60)
    with registered(process=functions.process):
        recipe = Recipe.parse("process")
        pid = min(functions.pids(recipe(images, n_jobs=2)))
        os.kill(pid, signal.SIGKILL)
        time.sleep(1)
        with pytest.raises(PythonOpError, match="a worker process ended unexpectedly"):
            recipe(images, n_jobs=2)
        assert pid not in functions.pids(recipe(images, n_jobs=2))


def test_what_a_worker_cannot_load_is_an_error() -> None:
    class Stubborn:
        def __call__(self, image: Any, rng: Any) -> Any: ...

        def __reduce__(self) -> Any:
            return __import__, ("a_module_that_is_not_there",)

    with registered(mine=Stubborn()), pytest.raises(PythonOpError) as error:
        Recipe.parse("mine")(functions.numbered(9), n_jobs=2)
    assert str(error.value).splitlines()[0] == (
        "recipe 'mine': a worker process cannot load it (ModuleNotFoundError: No module named "
        "'a_module_that_is_not_there'); what the function needs must be importable there too"
    )


def test_calls_from_several_threads_do_not_mix() -> None:
    images = functions.numbered(200)
    with registered(sepia=functions.sepia):
        recipe = Recipe.parse("sepia+flip")
        expected = [recipe(images, epoch=epoch, n_jobs=1) for epoch in range(6)]
        made: list[Any] = [None] * 6

        def call(epoch: int) -> None:
            for _ in range(5):
                made[epoch] = recipe(images, epoch=epoch, n_jobs=2)

        threads = [threading.Thread(target=call, args=(epoch,)) for epoch in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one, other in zip(made, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_idle_workers_end_when_no_pipeline_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()  # What earlier tests' tracebacks hold.
    worker_pool.stop_all()
    monkeypatch.setattr(worker_pool, "_IDLE_SECONDS", 1.0)
    images = functions.numbered(64)
    with registered(process=functions.process, slow=functions.slow):
        recipe = Recipe.parse("slow+process")
        recipe(images, n_jobs=2)
        ours = [psutil.Process(pid) for pid in functions.pids(recipe(images, n_jobs=2))]
        assert all(process.is_running() for process in ours)
        _, alive = psutil.wait_procs(ours, timeout=20)
        assert not alive
        recipe(images, n_jobs=2)


PROGRAM = """
import os, sys, threading, time
import numpy as np
from cifar10_aug import Recipe, register
from tests import functions
register("slow", functions.slow)
images = functions.numbered(200)
Recipe.parse("slow_milliseconds0")(images, n_jobs=2)
recipe = Recipe.parse("slow_milliseconds1000")
threading.Thread(target=lambda: recipe(images, n_jobs=2), daemon=True).start()
time.sleep(0.5)
import psutil
print(*[child.pid for child in psutil.Process().children()], flush=True)
time.sleep(float(sys.argv[1]))
"""


def start(seconds: float) -> tuple["subprocess.Popen[str]", list[psutil.Process]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) >= 2
    return process, [psutil.Process(pid) for pid in pids]


def test_workers_end_with_a_program_that_is_killed() -> None:
    process, ours = start(60)
    process.kill()
    process.communicate(timeout=20)
    _, alive = psutil.wait_procs(ours, timeout=10)
    assert not alive


def test_a_program_ends_while_workers_are_busy() -> None:
    process, ours = start(0.5)
    began = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - began < 20
    _, alive = psutil.wait_procs(ours, timeout=10)
    assert not alive


ENDLESS = """
import tensorflow_datasets as tfds
import cifar10_aug
from cifar10_aug.engines.python import python_ops
from tests import functions

python_ops._PATIENCE_SECONDS = 1.0
cifar10_aug.register("slow", functions.slow)
options = {"n_jobs": 2}
name = "cifar10_aug_sample/slow_milliseconds600000"
for _ in tfds.load(name, split="train[:64]", batch_size=64, builder_kwargs=options):
    pass
"""


def test_two_interrupts_end_a_pipeline_whose_function_never_returns(tmp_path: Path) -> None:
    env = {**os.environ, "TFDS_DATA_DIR": str(tmp_path)}
    with programs.Program("-c", ENDLESS, cwd=ROOT, env=env) as program:
        warning = (
            "cifar10_aug: recipe 'slow_milliseconds600000': slow has not returned after 1 seconds "
            "on examples train_00000 to train_00031; if it never does, press Ctrl-C twice to end "
            "its processes\n"
        )
        while warning not in program.stderr:
            assert program.poll() is None, program.stderr
            time.sleep(0.01)
        # As a terminal does it: to all processes. Two that come too fast are one.
        ours = psutil.Process(program.pid).children(recursive=True)
        end = time.monotonic() + 60
        while program.poll() is None:
            assert time.monotonic() < end, program.stderr
            os.killpg(program.pid, signal.SIGINT)
            time.sleep(0.1)
        assert program.wait() != 0
        _, alive = psutil.wait_procs(ours, timeout=20)
        assert not alive


def test_workers_that_wait_are_left_alone_by_interrupts() -> None:
    images = functions.numbered(16)
    with registered(pid=functions.process):
        recipe = Recipe.parse("pid")
        ours = [psutil.Process(pid) for pid in functions.pids(recipe(images, n_jobs=2))]
        for process in ours:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
        # It would be an error that one of them has ended.
        recipe(images, n_jobs=2)
        assert all(process.status() != psutil.STATUS_ZOMBIE for process in ours)


@pytest.mark.parametrize(
    ("backend", "advice"),
    [
        ("loky", "press Ctrl-C twice to end its processes"),
        ("threading", "end the program (Ctrl-\\ in a terminal)"),
    ],
)
def test_a_function_that_takes_long_is_named_once(
    backend: str, advice: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(python_ops, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(python_ops, "_warned_of", set())
    images = functions.numbered(2)
    with registered(slow=functions.slow):
        recipe = Recipe.parse("slow_milliseconds300")
        for _ in range(2):
            recipe(images, ids=[5, 7], n_jobs=2, backend=backend)
    assert [record.getMessage() for record in caplog.records] == [
        "cifar10_aug: recipe 'slow_milliseconds300': slow has not returned after 0 seconds on "
        f"examples train_00005 to train_00007; if it never does, {advice}"
    ]


def test_chunks_are_spread_over_all_workers() -> None:
    group = object.__new__(python_ops.Group)
    group._n_jobs = 4
    for count in (0, 1, 7, 8, 33, 100, 1000):
        chunks = group._chunks(count)
        covered = [i for chunk in chunks for i in range(chunk.start, chunk.stop)]
        assert covered == list(range(count))
        assert len(chunks) <= 4
