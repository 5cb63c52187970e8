"""Runs the functions that users have registered, on whole batches and on all cores."""

from __future__ import annotations

import concurrent.futures
import functools
import logging
import os
import threading
from collections.abc import Sequence

import numpy as np

from cifar10_aug._compat import fork_safety
from cifar10_aug.engines.python import image_buffers, process_tasks, worker_pool
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.engines.python.function_calls import Call, Failure, examples, run
from cifar10_aug.engines.python.image_buffers import Layout
from cifar10_aug.engines.python.process_tasks import Work
from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.errors import PythonOpError

# Smaller tasks would cost more than they spread.
_SMALLEST_CHUNK = 8
# Starting workers takes some of it.
_PATIENCE_SECONDS = 20.0
# Recipes, and functions of them; once a process is enough.
_warned_of: set[tuple[str, str]] = set()


class Group:
    """Registered functions that follow each other and run in the same place.

    Calls may run at the same time in several threads.

    Attributes:
        output: the dtype of what comes out, "uint8" or "float32".
        steps: the functions, in order.
    """

    def __init__(
        self, recipe: str, steps: Sequence[PlannedOp], place: str, execution: Execution, seed: int
    ):
        """Takes the recipe's name, ops of it, and where they run (`Execution.place`)."""
        self._recipe, self._n_jobs = recipe, execution.jobs
        self.steps = steps
        calls = [Call.of(step) for step in steps]
        self.output = calls[-1].output
        self._names = " and ".join(call.name for call in calls)
        self._work: Work = functools.partial(run, calls, seed)
        self._place = place
        if place == "processes":
            self._functions = process_tasks.Functions(self._work)
            self._pool = worker_pool.pool(self._n_jobs)
            self._pool.used_by(self)
        fork_safety.renewed(self)

    def renew(self) -> None:
        """Makes the lock, which a thread of a forked process's parent may have."""
        self._one_at_a_time = threading.Lock()

    def __call__(self, images: np.ndarray, out: np.ndarray, keys: np.ndarray, epoch: int) -> None:
        """Runs the functions.

        Args:
            images: uint8 [n, height, width, 3].
            out: where results go, `output` of the same shape.
            keys: uint64 [n], see `draws.example_keys`.
            epoch: 0 to 2**32 - 1.

        Raises:
            PythonOpError: naming the recipe, the op and the example, with the function's own
                message and traceback; or if a worker process has ended.
        """
        # Looked up for each call: a bound method kept in `self` would keep it alive.
        run = {"here": self._here, "threads": self._in_threads, "processes": self._in_processes}[
            self._place
        ]
        failure = run(images, out, keys, epoch)
        if failure is not None:
            text = f"recipe {self._recipe!r}: {failure.headline}"
            raise PythonOpError(f"{text}\n\n{failure.details}".rstrip()) from failure.cause

    def _here(
        self, images: np.ndarray, out: np.ndarray, keys: np.ndarray, epoch: int
    ) -> Failure | None:
        # Several threads that pass the interpreter's lock around take twice as long as one.
        with self._one_at_a_time:
            return self._work(images, out, keys, epoch)

    def _chunks(self, count: int) -> list[slice]:
        size = max(_SMALLEST_CHUNK, -(-count // self._n_jobs))
        return [slice(first, min(first + size, count)) for first in range(0, count, size)]

    def _results(self, futures: Sequence[concurrent.futures.Future], keys: np.ndarray) -> list:
        try:
            self._warn_if_slow(futures, keys)
            return [future.result() for future in futures]
        except worker_pool.ended():
            # All of them end with it. loky cannot stop workers whose work is cancelled meanwhile.
            raise
        except BaseException:
            for future in futures:
                future.cancel()
            raise

    def _warn_if_slow(self, futures: Sequence[concurrent.futures.Future], keys: np.ndarray) -> None:
        """Says, once, what takes long, since TensorFlow lets nobody interrupt the wait."""
        if (self._recipe, self._names) in _warned_of:
            return
        concurrent.futures.wait(futures, _PATIENCE_SECONDS)
        for future, part in zip(futures, self._chunks(len(keys)), strict=True):
            if not future.done():
                _warned_of.add((self._recipe, self._names))
                advice = "press Ctrl-C twice to end its processes"
                logging.getLogger("cifar10_aug").warning(
                    "cifar10_aug: recipe %r: %s has not returned after %g seconds on %s; if it "
                    "never does, %s",
                    self._recipe,
                    self._names,
                    _PATIENCE_SECONDS,
                    examples(keys[part]),
                    advice
                    if self._place == "processes"
                    else "end the program (Ctrl-\\ in a terminal)",
                )
                return

    def _in_threads(
        self, images: np.ndarray, out: np.ndarray, keys: np.ndarray, epoch: int
    ) -> Failure | None:
        threads = _threads(os.getpid(), self._recipe, self._names, self._n_jobs)
        futures = [
            threads.submit(self._work, images[part], out[part], keys[part], epoch)
            for part in self._chunks(len(keys))
        ]
        return next(filter(None, self._results(futures, keys)), None)

    def _in_processes(
        self, images: np.ndarray, out: np.ndarray, keys: np.ndarray, epoch: int
    ) -> Failure | None:
        executor = self._pool.executor()
        try:
            with image_buffers.room(Layout(images.shape, self.output)) as room:
                room.images[:] = images
                parts = self._chunks(len(keys))
                submit = functools.partial(executor.submit, process_tasks.do, self._functions.sent)
                tasks = [(process_tasks.Task.of(room, part), keys[part], epoch) for part in parts]
                futures = [submit(*task) for task in tasks]
                answers = self._results(futures, keys)
                for part, answer in zip(parts, answers, strict=True):
                    if isinstance(answer, Failure):
                        return answer
                    out[part] = room.results[part] if answer is None else answer
        except worker_pool.ended() as error:
            self._pool.stop(executor)
            return Failure(
                f"a worker process ended unexpectedly while {self._names} ran; perhaps memory ran "
                "out, or the function crashed: look for its own message, or try fewer workers "
                "(n_jobs)",
                cause=error,
            )
        return None


@functools.lru_cache(maxsize=16)
def _threads(
    process: int, recipe: str, names: str, n_jobs: int
) -> concurrent.futures.ThreadPoolExecutor:
    """The threads of all groups that are alike; a forked process has none of its parent's.

    TensorFlow keeps groups alive for ever. Groups that differ share none: a function may wait for
    a separate pipeline.
    """
    return concurrent.futures.ThreadPoolExecutor(n_jobs, "cifar10_aug")
