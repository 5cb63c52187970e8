"""Where registered functions run: here, in threads, or in worker processes."""

from __future__ import annotations

import dataclasses
import warnings

from cifar10_aug.engines.python import cores, worker_process
from cifar10_aug.errors import RegistrationError
from cifar10_aug.ops.python_op import BACKENDS, PythonOp


@dataclasses.dataclass(frozen=True)
class Execution:
    """How registered functions are run.

    Attributes:
        n_jobs: workers; None or -1 is one for each core. With 1, functions run in the calling
            thread, except those that need a separate process.
        backend: "loky" or "threading"; None is as each was registered.

    Raises:
        ValueError: if `n_jobs` or `backend` is invalid.
    """

    n_jobs: int | None = None
    backend: str | None = None

    def __post_init__(self) -> None:
        n_jobs = self.n_jobs
        if n_jobs is not None and (
            isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or (n_jobs < 1 and n_jobs != -1)
        ):
            raise ValueError(f"n_jobs is {n_jobs!r}; give a positive number, or -1 for all cores")
        if self.backend not in (None, *BACKENDS):
            raise ValueError(f"backend is {self.backend!r}; give {' or '.join(BACKENDS)}")

    @property
    def jobs(self) -> int:
        return cores.count() if self.n_jobs in (None, -1) else self.n_jobs

    def place(self, op: PythonOp) -> str:
        """Where an op runs: "here", "threads" or "processes".

        Raises:
            RegistrationError: if it needs a separate process and cannot have one.
        """
        if op.seeded and worker_process.serving():
            return "here"
        backend = self.backend or op.backend
        if backend == "threading" and op.seeded:
            raise RegistrationError(
                f"{op.name} draws from global generators, which threads share; leave "
                "backend='threading' out"
            )
        if self.jobs == 1 and not op.seeded:
            return "here"
        if backend == "threading":
            return "threads"
        error = worker_process.pickling_error(op.function)
        if error is not None:
            why = f"it cannot be sent to worker processes ({type(error).__name__}: {error})"
            if op.seeded:
                raise RegistrationError(
                    f"{op.name} draws from global generators, so it must run in worker processes, "
                    f"and {why}; create what it needs inside the function"
                ) from error
            warnings.warn(
                f"{op.name} runs in threads, because {why}; create what it needs inside the "
                "function, or register it with backend='threading'",
                stacklevel=2,
            )
            return "threads"
        return "processes"
