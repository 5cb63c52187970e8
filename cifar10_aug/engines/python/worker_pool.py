"""Worker processes that stay from one batch to the next, shared by all pipelines of a process."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from typing import Any

from cifar10_aug._compat import fork_safety
from cifar10_aug.engines.python import worker_process

# A worker has one core, so what it calls should not start threads for all of them.
_ONE_THREAD = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Starting processes takes seconds, so they wait for the next pipeline for a while.
_IDLE_SECONDS = 60.0


# joblib is imported where it is used: most recipes start no processes.


def ended() -> tuple[type[BaseException], ...]:
    """What calls fail with when a process has ended."""
    from joblib.externals import loky
    from joblib.externals.loky import process_executor

    return loky.BrokenProcessPool, process_executor.ShutdownExecutorError


class Pool:
    """A number of worker processes, started when there is something to do."""

    def __init__(self, n_jobs: int):
        self._n_jobs = n_jobs
        self._executor: Any = None
        self._users = 0
        fork_safety.renewed(self)

    def renew(self) -> None:
        """Begins without processes: those of a forked process are its parent's."""
        if self._executor is not None:
            # Kept, since its destructor would speak to the parent's thread.
            _of_parents.append(self._executor)
            self._executor = None
        self._timer: threading.Timer | None = None
        # Users leave when they are collected as garbage, which can be at any line of this class.
        self._lock = threading.RLock()

    def used_by(self, user: Any) -> None:
        """Keeps the processes until `user` has gone, and a little longer."""
        with self._lock:
            self._users += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        weakref.finalize(user, self._left).atexit = False

    def _left(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._executor is not None:
                self._timer = threading.Timer(_IDLE_SECONDS, self._stop_if_idle)
                self._timer.daemon = True
                self._timer.start()

    def _stop_if_idle(self) -> None:
        with self._lock:
            if self._users == 0:
                self.stop()

    def executor(self) -> Any:
        """The running processes: what `submit` is called on."""
        from joblib.externals import loky

        with self._lock:
            if self._executor is None:
                # loky starts fresh interpreters, so nothing is forked when TensorFlow is running.
                self._executor = loky.ProcessPoolExecutor(
                    self._n_jobs,
                    initializer=_begin,
                    initargs=(os.getpid(),),
                    env={name: os.environ.get(name, "1") for name in _ONE_THREAD},
                )
                # Starts the processes, and registers loky's hook at exit before ours.
                self._executor.submit(os.getpid)
                _stop_at_exit()
            return self._executor

    def stop(self, executor: Any = None) -> None:
        """Ends the processes, those of one executor if it is given; new ones start when needed."""
        with self._lock:
            stopped, self._executor = self._executor, None
            if executor is not None and stopped is not executor:
                # Others have noticed before, and started anew.
                self._executor, stopped = stopped, executor
        if stopped is not None:
            stopped.shutdown(wait=False, kill_workers=True)


def _begin(parent: int) -> None:
    worker_process.serve(parent)
    from joblib.externals.loky import process_executor

    # loky replaces processes that grow; what functions load and keep is no leak.
    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize


_of_parents: list[Any] = []
_pools: dict[int, Pool] = {}
_all: weakref.WeakSet[Pool] = weakref.WeakSet()
_making = fork_safety.Lock()


def pool(n_jobs: int) -> Pool:
    """The pool of this many processes."""
    with _making:
        if n_jobs not in _pools:
            _pools[n_jobs] = Pool(n_jobs)
            _all.add(_pools[n_jobs])
        return _pools[n_jobs]


def renew() -> None:
    """Gives pipelines that are made from now on new processes, which import modules anew."""
    with _making:
        _pools.clear()


def stop_all() -> None:
    """Ends all worker processes of this process; calls under way fail."""
    for one in list(_all):
        one.stop()


_stopping_at_exit = False


def _stop_at_exit() -> None:
    global _stopping_at_exit
    if not _stopping_at_exit:
        _stopping_at_exit = True
        # Runs before the hook of loky, which registers it likewise and waits until all work is
        # done; `atexit` would come after both.
        getattr(threading, "_register_atexit", atexit.register)(stop_all)
